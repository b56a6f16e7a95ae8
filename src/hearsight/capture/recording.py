"""Chunks written to a Matroska file as they come: pictures and sound in step, at flat memory."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec import codecs_available
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from hearsight.capture.conversion import Picture
from hearsight.errors import MediaError
from hearsight.types import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, Chunk

log = logging.getLogger(__name__)

_WAIT_TICKS = 10 * FRAME_RATE
"""How long the file waits for the first picture, whose size it must know before anything is written."""
_H264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20"}
"""A few per cent of a core at 640x480."""
_FULL_SCALE = 32767

_MATROSKA = {"cluster_time_limit": "1000", "flush_packets": "1"}
"""All but the last second is in the file should the computer break down."""


class Recorder:
    """Writes what is captured as H.264 (Motion JPEG where that encoder is missing) and FLAC.

    Where pictures are missing, the last one stands; where sound is missing, there is silence, so that
    every player keeps them in step. A file that breaks off plays up to there. Use it as a context manager,
    or call ``close``.

    Args:
        path: the file, replaced if there is one; Matroska whatever its name, ``.mkv`` is usual.

    Raises:
        MediaError: the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        try:
            # FFmpeg itself would open it with the first packet only.
            self._file = Path(path).open("wb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._problem(error) from error
        self._container = av.open(self._file, "w", format="matroska", options=dict(_MATROSKA))
        self._audio = self._add_audio()
        self._video: VideoStream | None = None
        self._waiting: deque[Chunk] | None = deque()
        self._waiting_ticks = 0
        self._closed = False

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, chunk: Chunk) -> None:
        """Append a chunk; its tick says where it belongs.

        Raises:
            MediaError: the file cannot be written any more, for example because the disk is full.
        """
        if self._closed:
            raise ValueError("the recording is closed")
        with self._writing():
            self._take(chunk)

    def close(self) -> None:
        """Write what is left and finish the file; after an error only the file is closed.

        Raises:
            MediaError: the file cannot be written any more.
        """
        if self._closed:
            return
        with self._writing():
            self._write_waiting()
            for stream in (self._video, self._audio):
                if stream is not None:
                    self._container.mux(stream.encode(None))
            self._container.close()
        self._close_file()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Close the file when something goes wrong, and say what."""
        try:
            yield
        except (OSError, FFmpegError) as error:
            with suppress(OSError, FFmpegError):
                self._container.close()
            self._close_file()
            raise self._problem(error) from error

    def _close_file(self) -> None:
        self._closed = True
        self._file.close()

    def _take(self, chunk: Chunk) -> None:
        if self._waiting is None:
            self._write(chunk)
            return
        self._waiting.append(chunk)
        self._waiting_ticks += len(chunk)
        picture = next((picture for picture in chunk.frames if picture is not None), None)
        if picture is not None:
            self._video = self._add_video(picture)
        if picture is not None or self._waiting_ticks >= _WAIT_TICKS:
            self._write_waiting()

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting or (), None
        for chunk in waiting:
            self._write(chunk)

    def _write(self, chunk: Chunk) -> None:
        sound = np.round(np.clip(chunk.samples, -1, 1) * _FULL_SCALE).astype(np.int16)
        heard = AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
        heard.sample_rate, heard.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        heard.pts = chunk.start * SAMPLES_PER_FRAME
        self._container.mux(self._audio.encode(heard))
        if self._video is None:
            return
        for tick, picture in enumerate(chunk.frames, chunk.start):
            if picture is not None:
                seen = VideoFrame.from_ndarray(self._fitted(picture, self._video), format="rgb24")
                seen.time_base, seen.pts = Fraction(1, FRAME_RATE), tick
                self._container.mux(self._video.encode(seen))

    def _add_audio(self) -> AudioStream:
        stream = self._container.add_stream("flac", rate=SAMPLE_RATE)
        stream.codec_context.layout = "mono"  # type: ignore[assignment]
        stream.codec_context.format = "s16"  # type: ignore[assignment]
        return stream

    def _add_video(self, picture: Picture) -> VideoStream:
        has_h264 = "libx264" in codecs_available
        name, options = ("libx264", _H264) if has_h264 else ("mjpeg", {"qscale": "3"})
        stream = cast(VideoStream, self._container.add_stream(name, rate=FRAME_RATE, options=dict(options)))
        height, width = picture.shape[:2]
        # Colour has half the resolution, so both are even.
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p" if has_h264 else "yuvj420p"
        stream.codec_context.time_base = Fraction(1, FRAME_RATE)
        stream.codec_context.thread_count = 1
        return stream

    def _fitted(self, picture: Picture, stream: VideoStream) -> Picture:
        """The picture in the size of the first one, with black borders if it has another shape."""
        height, width = picture.shape[:2]
        if (width, height) == (stream.width, stream.height):
            return picture
        if not (0 <= stream.width - width <= 1 and 0 <= stream.height - height <= 1):
            scale = min(stream.width / width, stream.height / height)
            size = max(1, round(width * scale)), max(1, round(height * scale))
            stored = VideoFrame.from_ndarray(picture, format="rgb24")
            fitting = stored.reformat(*size, interpolation=Interpolation.AREA)
            picture = cast(Picture, fitting.to_ndarray())
            height, width = picture.shape[:2]
        canvas = np.zeros((stream.height, stream.width, 3), np.uint8)
        canvas[:height, :width] = picture
        return canvas

    def _problem(self, error: OSError | FFmpegError) -> MediaError:
        reason = error.strerror or str(error)
        return MediaError(f"{self._path} cannot be written ({reason}): check the folder and the disk.")
