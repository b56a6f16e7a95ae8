"""Bytes from a stranger are read like a file, and nothing they name is opened."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import av
import numpy as np
import pytest

from hearsight.capture.files import probe, read_chunks
from hearsight.capture.untrusted import Untrusted
from hearsight.errors import MediaError
from tests.capture.media import Audio, Video, write


def upload(content: bytes) -> Untrusted:
    return Untrusted("the upload", lambda: io.BytesIO(content), rereadable=True)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    write(path, Video(), Audio())
    return path


def test_bytes_are_read_like_the_file_they_came_from(recording: Path) -> None:
    of_file, of_bytes = list(read_chunks(recording)), list(read_chunks(upload(recording.read_bytes())))
    assert len(of_file) == len(of_bytes)
    for one, other in zip(of_file, of_bytes, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert all(np.array_equal(a, b) for a, b in zip(one.frames, other.frames, strict=True))


def test_what_can_be_read_only_once_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write(path, Video(), Audio())
    pipes = [io.BufferedReader(io.FileIO(path))]
    once = Untrusted("the stream", pipes.pop, rereadable=False, patience_s=1.0, format="matroska")
    assert sum(map(len, read_chunks(once))) == 50


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {path}\n",
        "ffconcat version 1.0\nfile {url}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet'
        ' mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
    ],
    ids=["hls", "concat-file", "concat-url", "sdp", "dash"],
)
def test_files_and_addresses_named_in_it_are_not_opened(recording: Path, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"http://127.0.0.1:{port}/a.ts"
        with pytest.raises(MediaError, match="the upload cannot be read"):
            probe(upload(text.format(url=url, path=recording, port=port).encode()))
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("content", [b"", b"hello", bytes(10_000)])
def test_what_is_no_recording_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(MediaError, match=r"^the upload cannot be read as sound or video .*convert it"):
        probe(upload(content))


def test_pictures_of_unreasonable_size_are_not_decoded() -> None:
    made = io.BytesIO()
    with av.open(made, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width = stream.height = 6000
        stream.pix_fmt = "yuv420p"
        for packet in [*stream.encode(av.VideoFrame(6000, 6000, "yuv420p")), *stream.encode()]:
            container.mux(packet)
    with pytest.raises(MediaError, match="nothing that can be decoded"):
        probe(upload(made.getvalue()))
