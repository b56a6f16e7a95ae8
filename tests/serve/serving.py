"""A server on a free port, in a thread, and clients that speak its protocol."""

from __future__ import annotations

import io
import json
import queue
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from websockets.sync.client import ClientConnection, connect

from hearsight.recognizer import Recognizer
from hearsight.recognizer.session import Ticks
from hearsight.serve.app import Options, Server, Service
from hearsight.serve.engine import Engine

EXAMPLE = Path(__file__).parents[2] / "examples" / "set_white_by_k_four_soon.mp4"
SENTENCE = "set white by k four soon"


@dataclass
class Running:
    """A server that runs.

    Attributes:
        url: ``http://host:port``.
        engine: behind it.
    """

    url: str
    engine: Engine
    service: Service

    @property
    def stream(self) -> str:
        return f"ws{self.url.removeprefix('http')}/v1/stream"


@contextmanager
def running(recognizer: Recognizer, options: Options) -> Iterator[Running]:
    addresses: queue.Queue[str] = queue.Queue()
    with Engine(recognizer, room=options.room) as engine:
        service = Service(engine, options)
        server = Server(service, options, addresses.put)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield Running(addresses.get(timeout=30).rstrip("/"), engine, service)
        finally:
            server.should_exit = True
            thread.join(20)


class Client:
    """One connection: numbers its binary messages and collects what is said to it."""

    def __init__(self, server: Running, **hello: Any) -> None:
        self._context = connect(server.stream, max_size=None, open_timeout=20)
        self.socket: ClientConnection = self._context.__enter__()
        self.count = 0
        self.say(type="hello", version=1, **hello)
        self.hello = self.hear()
        self.count = self.hello.get("next", 0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def send(self, kind: int, content: bytes, number: int | None = None) -> None:
        number = self.count if number is None else number
        self.socket.send(struct.pack("<BI", kind, number) + content)
        self.count = number + 1

    def end(self) -> None:
        self.say(type="end", next=self.count)

    def hear(self, timeout: float = 30) -> dict[str, Any]:
        return json.loads(self.socket.recv(timeout))

    def hear_until(self, *types: str) -> list[dict[str, Any]]:
        """All messages up to the first of one of these types."""
        heard = [self.hear()]
        while heard[-1]["type"] not in types:
            heard.append(self.hear())
        return heard

    def hear_until_heard(self, seconds: float) -> list[dict[str, Any]]:
        """All messages until so much of the input has been recognised."""
        heard = [self.hear()]
        while heard[-1].get("heard", 0.0) < seconds:
            heard.append(self.hear())
        return heard

    def drop(self) -> None:
        """Vanish without a word."""
        self.socket.socket.close()


def tick_message(ticks: Ticks, *, jpegs: Sequence[bytes] | None = None, pictures: int = 1) -> bytes:
    """A binary message of kind 2: sound, and grey crops or JPEG files."""
    sound = bool(ticks.audio_present.any())
    message = bytes([len(ticks), sound, pictures, 0])
    if sound:
        message += np.round(ticks.samples * 32768).clip(-32768, 32767).astype("<i2").tobytes()
    for index in range(len(ticks) if pictures else 0):
        seen = ticks.video_present[index]
        file = jpegs[index] if jpegs is not None else ticks.crops[index].tobytes() if seen else b""
        message += len(file).to_bytes(4, "little") + file
    return message


def webm(source: Path = EXAMPLE, *, video: bool = True) -> bytes:
    """A recording as a browser's MediaRecorder would send it."""
    made = io.BytesIO()
    with av.open(source) as given, av.open(made, "w", format="webm", options={"live": "1"}) as out:
        sound = out.add_stream("libopus", rate=48000)
        streams = {"audio": sound}
        if video:
            picture = out.add_stream("libvpx", rate=25, options={"deadline": "realtime", "cpu-used": "8"})
            shape = given.streams.video[0].codec_context
            picture.width, picture.height, picture.pix_fmt = shape.width, shape.height, "yuv420p"
            picture.bit_rate = 2_000_000
            streams["video"] = picture
        wanted = [stream for stream in given.streams if stream.type in streams]
        for frame in given.decode(*wanted):
            stream = streams["video" if isinstance(frame, av.VideoFrame) else "audio"]
            out.mux(stream.encode(frame))
        for stream in streams.values():
            out.mux(stream.encode())
    return made.getvalue()


def slices(content: bytes, count: int) -> list[bytes]:
    step = -(-len(content) // count)
    # The first slice of Chromium is one byte.
    return [content[:1]] + [content[at : at + step] for at in range(1, len(content), step)]


def finals(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in messages if each["type"] == "event" and each["kind"] == "final"]
