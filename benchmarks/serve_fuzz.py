"""Rubbish for a server: damaged WebM, JPEG, PCM, JSON and uploads, for as long as one likes.

    python -m benchmarks.serve_fuzz CLIP [--minutes 30] [--seed 0] [--pause 0]

A server runs in a process of its own. One client after the other sends it something made of a real recording
and then damaged; in between, an honest client must be told the right words. Every minute, once the streams of
all clients are over, it prints the memory of the server and of its decoding processes, and how much of the
server's is allocated, or freed and kept. That is their own memory: pages of programs and libraries the system
takes away and loads again as it likes.
Ends with 1 if the server or a decoding process has died, if an honest client was told anything else, if the
server answers with a fault of its own, or keeps growing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import struct
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import psutil
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.serve_load import webm_take
from hearsight.large_pages import begin_with_large_pages

GROWTH_MB = 20
"""The last third may take this much more than the middle one, on average; the first warms up."""
MINUTE_S = 60.0
QUIET_S = 4.0
"""After so long no stream goes on whose client is gone: :func:`serve` gives it less to come back."""
CHECK_EVERY = 25
FORM = b'--a\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n--a--'
INTERNAL = ("internal", "internal_error")


def serve(pipe: Connection) -> None:
    """The server's process."""
    from dataclasses import replace

    from hearsight.recognizer import Recognizer
    from hearsight.serve import app
    from hearsight.serve.admission import Room
    from hearsight.serve.limits import Limits

    threading.Thread(target=report, args=(pipe,), daemon=True).start()
    limits = replace(Limits(), requests_per_minute=10**9, hello_s=2.0, idle_s=2.0, resume_s=1.0, send_s=5.0)
    room = Room(max_lag_s=1e9, max_share=1e9, max_files=4)
    app.serve(Recognizer.load(), app.Options(port=0, room=room, limits=limits), say=pipe.send)


def report(pipe: Connection) -> None:
    """Tell, when asked, what this process has allocated, and what it has freed and kept, in bytes."""
    from hearsight.recognizer import memory

    while pipe.recv():
        pipe.send(memory.in_use())


@dataclass
class Memory:
    """What the server takes, minute by minute.

    Args:
        process: the server's.
        pipe: over which it tells of its heap.

    Attributes:
        sizes: MB of all its processes' own, by the minute.
        lost: decoding processes that have ended.
    """

    process: psutil.Process
    pipe: Connection
    sizes: list[float] = field(default_factory=list)
    lost: int = 0
    _decoders: set[int] = field(default_factory=set)
    _due: float = field(default_factory=lambda: time.monotonic() + MINUTE_S)

    def look(self, clients: int) -> None:
        """Wait until nothing goes on and print a line, if a minute is over."""
        children = {each.pid: each for each in self.process.children()}
        self.lost += len(self._decoders - set(children))
        self._decoders = set(children)
        if time.monotonic() < self._due:
            return
        self._due += MINUTE_S
        time.sleep(QUIET_S)
        self.pipe.send(True)
        heap = self.pipe.recv() if self.pipe.poll(MINUTE_S) else None
        sizes = [own_mb(each) for each in (self.process, *children.values())]
        self.sizes.append(sum(sizes))
        told = "" if heap is None else f" ({heap[0] / 1e6:.0f} allocated, {heap[1] / 1e6:.0f} kept)"
        decoders = " + ".join(f"{size:.0f}" for size in sizes[1:])
        open_now = f"{self.process.num_threads()} threads, {self.process.num_fds()} files"
        line = f"minute {len(self.sizes)}: {clients} clients; server {sizes[0]:.0f} MB{told}"
        print(f"{line}, decoders {decoders} MB; {open_now}", flush=True)

    @property
    def growth(self) -> float:
        """MB from the middle third to the last."""
        third = len(self.sizes) // 3
        if not third:
            return 0.0
        middle, last = self.sizes[-2 * third : -third], self.sizes[-third:]
        return (sum(last) - sum(middle)) / third


def own_mb(process: psutil.Process) -> float:
    """Memory that belongs to a process alone, and to no file."""
    found = process.memory_info()
    return float(found.rss - getattr(found, "shared", 0)) / 1e6


class Rubbish:
    """Makes damaged input of a real recording.

    Args:
        clip: the recording.
        seed: of chance.
    """

    def __init__(self, clip: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.file = clip.read_bytes()
        self.webm = b"".join(webm_take(clip, 3.0).messages)
        noise = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)
        self.jpegs = [
            cv2.imencode(".jpg", cv2.resize(cv2.blur(noise, (9, 9)), size))[1].tobytes()
            for size in ((96, 96), (320, 240), (16, 16))
        ]

    def damaged(self, content: bytes) -> bytes:
        """Some bytes changed, cut out, doubled, or put elsewhere."""
        made, chance = bytearray(content), self.random
        for _ in range(chance.choice([0, 1, 1, 2, 5, 30, 300])):
            at = chance.randrange(len(made) + 1)
            match chance.randrange(6):
                case 0:
                    made[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    del made[at : at + chance.choice([1, 2, 8, 100, 5000])]
                case 2:
                    made[at:at] = chance.randbytes(chance.choice([1, 4, 64, 1000]))
                case 3:
                    made[at:at] = made[at : at + chance.choice([4, 64, 2000])]
                case 4:
                    made[at : at + 8] = chance.choice([b"\xff" * 8, bytes(8), b"\x01" + b"\xff" * 7])
                case 5:
                    made = made[:at] if chance.random() < 0.2 else made
        # What stands at the beginning decides most: damage it more often.
        for _ in range(chance.choice([0, 0, 1, 3])):
            if made:
                made[chance.randrange(min(len(made), 600))] = chance.randrange(256)
        return bytes(made)

    def ticks(self) -> bytes:
        """A message of sound and pictures, damaged or not."""
        chance = self.random
        count, sound, pictures = chance.choice([1, 2, 3, 25]), chance.randrange(2), chance.randrange(4)
        message = bytes([count, sound, pictures, 0]) + sound * chance.randbytes(count * 1280)
        for _ in range(count if pictures else 0):
            file = {1: chance.randbytes(9216), 2: self.jpegs[0], 3: chance.choice(self.jpegs)}[pictures]
            if chance.random() < 0.3:
                file = self.damaged(file)
            message += struct.pack("<I", len(file)) + file
        return self.damaged(message) if chance.random() < 0.5 else message

    def text(self) -> str:
        """A text message, damaged or not."""
        chance = self.random
        value: Any = chance.choice([0, -1, 2**70, "x" * 50, None, [], {}, True, 1e308, [[[]]], "\ud800"])
        kind = chance.choice(["modality", "look", "ack", "end", "hello", "dance", value])
        key = chance.choice(["modality", "look", "event", "next", "resume", "token"])
        text = json.dumps({"type": kind, key: value})
        damaged = self.damaged(text.encode()).decode(errors="replace")
        return chance.choice([text, damaged, "[" * chance.randrange(15_000)])


def live(url: str, rubbish: Rubbish, met: Counter[str]) -> None:
    """One WebSocket that talks rubbish."""
    chance = rubbish.random
    format = chance.choice(["webm", "ticks"])
    hello: dict[str, Any] = {"type": "hello", "version": 1, "format": format, "look": True}
    if chance.random() < 0.1:
        hello[chance.choice(["version", "format", "resume", "modality", "token"])] = chance.choice(
            [None, [], 7]
        )
    try:
        with connect(f"ws{url.removeprefix('http')}v1/stream", max_size=None) as socket:
            socket.send(json.dumps(hello))
            count = _talk(socket, rubbish, format)
            if chance.random() < 0.7:
                socket.send(json.dumps({"type": "end", "next": count}))
                until = time.monotonic() + 20
                while time.monotonic() < until:
                    message = json.loads(socket.recv(20))
                    if message["type"] in ("error", "done"):
                        met[message.get("code", "done")] += 1
    except ConnectionClosed as closed:
        met[f"closed {closed.rcvd.code if closed.rcvd else 'without a word'}"] += 1
    except TimeoutError:
        met["no answer"] += 1


def _talk(socket: Any, rubbish: Rubbish, format: str) -> int:
    chance, count = rubbish.random, 0
    stream = rubbish.damaged(rubbish.webm)
    for _ in range(chance.choice([1, 3, 10, 30])):
        if chance.random() < 0.05:
            socket.send(rubbish.text())
        if format == "webm":
            step = chance.choice([1, 100, 5000, 20_000])
            content, stream = stream[:step], stream[step:]
        else:
            content = rubbish.ticks()
        socket.send(struct.pack("<BI", 1 if format == "webm" else 2, count) + content)
        count += 1
    return count


def upload(url: str, rubbish: Rubbish, met: Counter[str]) -> None:
    """A form with a damaged recording, or a damaged form."""
    chance, address = rubbish.random, f"{url}v1/audio/transcriptions"
    content = rubbish.damaged(chance.choice([rubbish.file, rubbish.webm]))
    try:
        if chance.random() < 0.2:
            form = FORM % rubbish.damaged(content)
            headers = {"Content-Type": "multipart/form-data; boundary=a"}
            answer = httpx2.post(address, content=rubbish.damaged(form), headers=headers, timeout=120)
        else:
            data = {"response_format": chance.choice(["json", "srt", "verbose_json"])}
            answer = httpx2.post(address, files={"file": content}, data=data, timeout=120)
        met[f"http {answer.status_code}"] += 1
        if answer.status_code == 500:
            met["internal"] += 1
    except httpx2.HTTPError as error:
        met[type(error).__name__] += 1


def honest(url: str, clip: Path) -> str:
    """What an ordinary client is told."""
    answer = httpx2.post(
        f"{url}v1/audio/transcriptions", files={"file": clip.read_bytes()}, data={"model": "any"}, timeout=120
    )
    return str(answer.json().get("text"))


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("clip", type=Path)
    about.add_argument("--minutes", type=float, default=30.0)
    about.add_argument("--seed", type=int, default=0)
    about.add_argument("--pause", type=float, default=0.0, help="seconds between two clients")
    options = about.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    server.start()
    try:
        url = here.recv().split()[-1]
        failed = fuzz(url, Memory(psutil.Process(server.pid), here), options)
    finally:
        server.terminate()
        server.join()
    sys.exit(1 if failed else 0)


def fuzz(url: str, memory: Memory, options: argparse.Namespace) -> bool:
    """Until the time is over; returns whether the server has failed."""
    rubbish, met, began = Rubbish(options.clip, options.seed), Counter[str](), time.monotonic()
    expected, clients, wrong = honest(url, options.clip), 0, 0
    while time.monotonic() - began < options.minutes * 60 and memory.process.is_running():
        (live if rubbish.random.random() < 0.7 else upload)(url, rubbish, met)
        clients += 1
        time.sleep(options.pause)
        memory.look(clients)
        if clients % CHECK_EVERY == 0:
            wrong += honest(url, options.clip) != expected
    alive = memory.process.is_running() and honest(url, options.clip) == expected
    minutes = (time.monotonic() - began) / 60
    print(f"{clients} clients in {minutes:.1f} minutes; met: {dict(met.most_common())}")
    internal = sum(met[code] for code in INTERNAL)
    print(f"alive {alive}; decoding processes lost {memory.lost}; honest clients told wrong {wrong} times")
    print(f"faults of its own {internal}; memory from the middle third to the last {memory.growth:+.0f} MB")
    return not alive or memory.lost > 0 or wrong > 0 or internal > 0 or memory.growth > GROWTH_MB


if __name__ == "__main__":
    begin_with_large_pages()
    main()
