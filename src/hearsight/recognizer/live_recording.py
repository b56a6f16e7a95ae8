"""Records live input without making the words wait for the disk or the video encoder."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from hearsight.errors import HearsightError
from hearsight.types import FRAME_RATE, Chunk

ROOM_CHUNKS = 16
"""Chunks that may wait to be written; with more, the newest are left out of the recording and counted."""


class Writer(Protocol):
    """What is needed of :class:`hearsight.capture.recording.Recorder`."""

    def write(self, chunk: Chunk) -> None:
        """Append a chunk."""

    def close(self) -> None:
        """Complete the file."""


class RecordingThread:
    """Writes chunks in a thread of its own.

    What goes wrong with the recording is a notice, never the end of the captions: it is raised when the
    recording is finished.

    Args:
        path: file to write.
        recorder: writes it; a Matroska recorder if None.
    """

    def __init__(self, path: Path, recorder: Writer | None = None) -> None:
        self._path = path
        self._recorder = recorder
        self._chunks: queue.Queue[Chunk | None] = queue.Queue(ROOM_CHUNKS)
        self._left_out_ticks = 0
        self._error: HearsightError | None = None
        self._finished = False
        self._thread = threading.Thread(target=self._work, name="hearsight-record", daemon=True)

    def __enter__(self) -> RecordingThread:
        """Begin.

        Raises:
            HearsightError: the file cannot be written.
        """
        if self._recorder is None:
            from hearsight.capture.recording import Recorder

            self._recorder = Recorder(self._path)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file, if :meth:`finish` has not."""
        self._end()

    def write(self, chunk: Chunk) -> None:
        """Hand in the next chunk; never waits."""
        try:
            self._chunks.put_nowait(chunk)
        except queue.Full:
            self._left_out_ticks += len(chunk)

    def finish(self) -> None:
        """Complete the file.

        Raises:
            HearsightError: writing failed on the way.
        """
        self._end()
        if self._error is not None:
            raise self._error

    @property
    def notices(self) -> tuple[str, ...]:
        """What is wrong with the recording, in plain sentences."""
        if self._error is not None:
            return (f"recording stopped: {self._error}",)
        if self._left_out_ticks:
            return (
                f"{self._left_out_ticks / FRAME_RATE:.1f} s are missing from the recording: computer busy",
            )
        return ()

    def _end(self) -> None:
        if not self._finished:
            self._finished = True
            self._chunks.put(None)
            self._thread.join()

    def _work(self) -> None:
        assert self._recorder is not None
        while (chunk := self._chunks.get()) is not None:
            if self._error is None:
                self._try(self._recorder.write, chunk)
        self._try(self._recorder.close)

    def _try(self, action: Callable[..., None], *arguments: Chunk) -> None:
        """Whatever happens, the chunks that come must be taken and the words must go on."""
        try:
            action(*arguments)
        except HearsightError as error:
            self._error = self._error or error
        except Exception as error:
            reason = getattr(error, "strerror", None) or error
            self._error = self._error or HearsightError(f"cannot record into {self._path}: {reason}")
