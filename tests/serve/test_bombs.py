"""What is small to send and large to hold is refused before it grows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import av
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from hearsight.serve.limits import Limits
from tests.serve import asking
from tests.serve.conftest import ROOMY
from tests.serve.serving import Client, Running, running

OPTIONS = Options(port=0, room=ROOMY, limits=Limits(requests_per_minute=10_000))
PATH = "/v1/audio/transcriptions"
FORM = {"Content-Type": "multipart/form-data; boundary=a"}
SIDE = 6000


@pytest.fixture(scope="module")
def server(recognizer: Recognizer) -> Iterator[Running]:
    with running(recognizer, OPTIONS) as started:
        yield started


@pytest.fixture(scope="module")
def huge_picture() -> bytes:
    """A WebM of few bytes, whose pictures have 36 million pixels."""
    made = io.BytesIO()
    with av.open(made, "w", format="webm", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=25, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for packet in [*stream.encode(av.VideoFrame(SIDE, SIDE, "yuv420p")), *stream.encode()]:
            container.mux(packet)
    return made.getvalue()


def decoder_mb(server: Running) -> float:
    """Of the largest, since another may just be starting."""
    ids = server.service.decoders.process_ids + server.service.file_decoders.process_ids
    return max(psutil.Process(each).memory_info().rss for each in ids) / 1e6


def test_recordings_of_huge_pictures_are_refused_undecoded(server, huge_picture) -> None:
    assert asking.post(server.url + PATH, files={"file": huge_picture[:100]}).status_code == 400  # warms up
    before = decoder_mb(server)
    answer = asking.post(server.url + PATH, files={"file": huge_picture}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_media")
    assert decoder_mb(server) - before < SIDE * SIDE / 1e6


def test_live_streams_of_huge_pictures_are_refused_undecoded(server, huge_picture) -> None:
    stream(server, huge_picture[:100])  # warms up
    before = decoder_mb(server)
    stream(server, huge_picture)
    assert decoder_mb(server) - before < SIDE * SIDE / 1e6


def stream(server: Running, content: bytes) -> None:
    """Send what is no good recording, live."""
    with Client(server, format="webm") as client:
        for at in range(0, len(content), 100_000):
            client.send(1, content[at : at + 100_000])
        client.end()
        assert client.hear_until("done", "error")[-1]["code"] == "bad_media"


def part(name: str, content: bytes, headers: bytes = b"") -> bytes:
    return b'--a\r\nContent-Disposition: form-data; name="%s"\r\n%s\r\n%s\r\n' % (
        name.encode(),
        headers,
        content,
    )


@pytest.mark.parametrize(
    "form",
    [
        b"".join(part(f"field{number}", b"x") for number in range(1000)),
        b"".join(part("file", b"x", b"X-A: b\r\n" * 100) for _ in range(2)),
        part("file", b"x", b"X-A: %s\r\n" % (b"y" * 5_000_000)),
        part("prompt", b"x" * 5_000_000),
    ],
    ids=["fields", "headers", "header", "field"],
)
def test_forms_of_many_or_large_parts_are_refused(server, form) -> None:
    answer = asking.post(server.url + PATH, content=form + b"--a--\r\n", headers=FORM)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_form")


def test_messages_are_not_unpacked(server) -> None:
    with connect(server.stream, compression="deflate") as socket:
        assert socket.protocol.extensions == []


def test_bodies_are_not_unpacked(server) -> None:
    headers = {**FORM, "Content-Encoding": "gzip"}
    answer = asking.post(server.url + PATH, content=b"\x1f\x8b\x08" + bytes(100), headers=headers)
    assert answer.status_code == 400


def test_connections_are_counted(recognizer) -> None:
    few = replace(OPTIONS, limits=replace(OPTIONS.limits, connections=4))
    with running(recognizer, few) as server:
        with ExitStack() as held:
            clients = [held.enter_context(Client(server, format="ticks")) for _ in range(3)]
            assert asking.get(f"{server.url}/health").status_code == 503
            with pytest.raises(InvalidStatus):
                connect(server.stream)
            clients[0].end()
            assert clients[0].hear_until("done", "error")[-1]["type"] == "done"
        assert asking.get(f"{server.url}/health").status_code == 200
