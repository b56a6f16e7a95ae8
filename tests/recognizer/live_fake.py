"""A capture for tests: any pictures and sound as live input, as fast as they are taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from hearsight.capture.files import read_chunks
from hearsight.capture.health import PictureHealth, SoundHealth
from hearsight.capture.live import CaptureStatus
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk

CHUNK = 4


@dataclass(frozen=True)
class Tick:
    """40 ms of input."""

    picture: np.ndarray | None
    samples: np.ndarray
    present: bool = True


def ticks_of(path: Path, times: int = 1) -> list[Tick]:
    """A recording, played so many times on end; each picture is an array of its own."""
    [whole] = read_chunks(path, ticks=10_000)
    sounds = whole.samples.reshape(-1, SAMPLES_PER_FRAME)
    once = list(zip(whole.frames, sounds, whole.audio_present, strict=True))
    return [
        Tick(None if picture is None else picture.copy(), sound.copy(), bool(present))
        for _ in range(times)
        for picture, sound, present in once
    ]


class FakeCapture:
    """Ticks as live input, with the health that the real capture would see in them.

    Args:
        ticks: the input.
        queued_s: how much input waits, by the tick that is taken.
        error: raised at the end, as by an input that breaks off.
        before: called with each tick's number before it is given out.
    """

    def __init__(
        self,
        ticks: list[Tick],
        *,
        queued_s: Callable[[int], float] = lambda tick: 0.0,
        error: Exception | None = None,
        before: Callable[[int], None] = lambda tick: None,
    ) -> None:
        self._input, self._queued_s, self._error, self._before = ticks, queued_s, error, before
        self._sound, self._picture = SoundHealth(), PictureHealth()
        self._stopped = False
        self.taken = 0
        self.closed = False
        self.began = 0.0

    @property
    def now(self) -> float:
        """Seconds of input given out so far: a clock."""
        return self.taken / FRAME_RATE

    def __enter__(self) -> FakeCapture:
        self.began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed = True

    def stop(self) -> None:
        self._stopped = True

    def __iter__(self) -> Iterator[Chunk]:
        for start in range(0, len(self._input), CHUNK):
            if self._stopped:
                return
            self._before(start)
            run = self._input[start : start + CHUNK]
            for tick in run:
                self._picture.look(tick.picture)
                self._sound.look(tick.samples, tick.present)
            self.taken = start + len(run)
            yield Chunk(
                start,
                [tick.picture for tick in run],
                np.concatenate([tick.samples for tick in run]),
                np.array([tick.present for tick in run], np.bool_),
            )
        if self._error is not None:
            raise self._error

    @property
    def status(self) -> CaptureStatus:
        return CaptureStatus(
            audio=self._sound.state,
            video=self._picture.state,
            level_dbfs=self._sound.level_dbfs,
            video_fps=25.0,
            dropped_frames=0,
            dropped_samples=0,
            drift_ms=0.0,
            queued_s=self._queued_s(self.taken),
        )
