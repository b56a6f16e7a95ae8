"""What can be read only once (an address, a pipe, a device) is read as a file is, at bounded memory."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from hearsight.capture import opening, packets, probe, read_chunks
from hearsight.errors import MediaError
from tests.capture.media import Audio, Video, frame_times, write
from tests.capture.reading import read


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write(tmp_path_factory.mktemp("media") / "clip.mkv", Video(), Audio())


class Server(http.server.ThreadingHTTPServer):
    """Serves one folder on this machine."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that go away are ordinary."""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Answers ``/silent`` never, and the first half of a file for ``/half/NAME``."""

    def do_GET(self):
        if self.path == "/silent":
            time.sleep(3)
            return
        if self.path.startswith("/half/"):
            content = Path(self.translate_path(self.path.removeprefix("/half"))).read_bytes()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            time.sleep(3)
            return
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address(clip):
    handler = functools.partial(Handler, directory=str(clip.parent))
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def feed(path, pipe):
    with open(pipe, "wb") as end, contextlib.suppress(BrokenPipeError):
        end.write(path.read_bytes())


def through_a_pipe(path, folder):
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=feed, args=(path, pipe), daemon=True).start()
    return pipe


def assert_same(reading, other):
    assert len(reading) == len(other)
    np.testing.assert_array_equal(reading.samples, other.samples)
    np.testing.assert_array_equal(reading.audio_present, other.audio_present)
    for picture, expected in zip(reading.pictures, other.pictures, strict=True):
        np.testing.assert_array_equal(picture, expected)


def test_an_address_gives_what_the_file_gives(clip, address):
    assert_same(read(f"{address}/clip.mkv"), read(clip))


def test_a_pipe_gives_what_the_file_gives(clip, tmp_path):
    assert_same(read(through_a_pipe(clip, tmp_path)), read(clip))


def test_devices_are_opened_by_their_format():
    graph = "testsrc=duration=2:rate=30:size=64x48[out0];sine=duration=2:sample_rate=44100[out1]"
    reading = read(graph, format="lavfi")
    assert len(reading) == 50
    assert reading.video_present.all() and reading.audio_present.all()


def test_a_missing_page_is_refused(address):
    with pytest.raises(MediaError, match=r"cannot be reached .*404.*: check the address"):
        read(f"{address}/no-such-clip.mkv")


def test_a_server_that_never_answers_is_given_up(address, monkeypatch):
    monkeypatch.setattr(opening, "_OPEN_TIMEOUT_S", 0.3)
    with pytest.raises(MediaError, match="no answer came in time"):
        probe(f"{address}/silent")


def test_what_came_before_the_line_broke_is_kept(clip, address, monkeypatch, caplog):
    monkeypatch.setattr(opening, "_READ_TIMEOUT_S", 0.3)
    reading = read(f"{address}/half/clip.mkv")
    assert 10 < len(reading) < 45
    assert "breaks off" in caplog.text


def test_a_stream_far_behind_the_other_is_taken_as_absent(tmp_path):
    apart = write(
        tmp_path / "apart.mkv",
        Video(times=frame_times(25, 20.0)),
        Audio(spans=[(0.0, 20.0)]),
        interleave=False,
    )
    assert read(apart).audio_present.all()
    reading = read(through_a_pipe(apart, tmp_path))
    assert reading.video_present.all()
    # The sound comes after the pictures; only what is not yet over by then is heard.
    assert not reading.audio_present[:300].any()
    assert reading.audio_present[-50:].all()
    assert len(reading) == 500


def test_a_stream_that_never_comes_does_not_hold_up_the_other(tmp_path):
    muted = write(tmp_path / "muted.mkv", Video(times=frame_times(25, 12.0)), Audio(spans=[(0.0, 0.1)]))
    reading = read(through_a_pipe(muted, tmp_path))
    assert len(reading) == 300
    assert reading.video_present.all()


def test_packets_that_wait_are_bounded(monkeypatch):
    """A live source without end whose sound never comes waits for a few seconds only."""
    most = 0
    full = packets.SharedPass._full

    def watch(self, index):
        nonlocal most
        most = max(most, *(len(waiting) for waiting in self._waiting.values()))
        return full(self, index)

    monkeypatch.setattr(packets.SharedPass, "_full", watch)
    graph = "testsrc=rate=25:size=64x48[out0];sine,atrim=end=0.1,asetpts=PTS+1000/TB[out1]"
    chunks = read_chunks(graph, format="lavfi")
    for chunk, _ in zip(chunks, range(100), strict=False):
        assert len(chunk) == 8
    chunks.close()
    assert most < 400


def test_memory_does_not_grow_with_the_length(tmp_path):
    """Three minutes of pictures would be 200 MB."""
    video = Video(times=frame_times(5, 180.0), rate=5, size=(320, 240), options={"preset": "ultrafast"})
    path = write(tmp_path / "long.mkv", video, Audio(spans=[(0.0, 180.0)], codec="pcm_s16le"))
    process = psutil.Process()
    memory = [process.memory_info().rss / 1e6 for chunk in read_chunks(path) if chunk.start % 200 == 0]
    assert len(memory) > 20
    assert max(memory[3:]) - memory[3] < 8.0
