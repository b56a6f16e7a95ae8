"""Reads a recording whole and finds its flashes and beeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hearsight.capture import read_chunks

FLASH_LEVEL = 170
BEEP_LEVEL = 0.1


@dataclass(frozen=True)
class Reading:
    """All ticks of an input."""

    pictures: list[NDArray[np.uint8] | None]
    samples: NDArray[np.float32]
    audio_present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def video_present(self) -> NDArray[np.bool_]:
        return np.array([picture is not None for picture in self.pictures])

    @property
    def flashes(self) -> list[float]:
        """When the picture turns white, in seconds."""
        light = np.array([0.0 if picture is None else picture.mean() for picture in self.pictures])
        white = light > FLASH_LEVEL
        return [float(tick + 1) / 25 for tick in np.flatnonzero(white[1:] & ~white[:-1])]

    @property
    def beeps(self) -> list[float]:
        """When it begins to sound after a silence of 0.1 s, in seconds."""
        loud = np.flatnonzero(np.abs(self.samples) > BEEP_LEVEL)
        return [float(n) / 16_000 for n in loud[np.diff(loud, prepend=-16_000) > 1_600]]


def read(source: Path | str, ticks: int = 8, **how: object) -> Reading:
    """Read it, and check on the way what holds for every input."""
    pictures: list[NDArray[np.uint8] | None] = []
    samples, present = [np.zeros(0, np.float32)], [np.zeros(0, np.bool_)]
    for chunk in read_chunks(source, ticks=ticks, **how):  # type: ignore[arg-type]
        assert chunk.start == len(pictures)
        assert 1 <= len(chunk) <= ticks
        assert chunk.samples.shape == (640 * len(chunk),) and chunk.samples.dtype == np.float32
        assert chunk.audio_present.shape == (len(chunk),) and chunk.audio_present.dtype == np.bool_
        assert np.abs(chunk.samples).max() <= 1.0
        assert not chunk.samples.reshape(-1, 640)[~chunk.audio_present].any()
        for picture in chunk.frames:
            assert picture is None or (picture.ndim == 3 and picture.shape[2] == 3)
            assert picture is None or (picture.dtype == np.uint8 and picture.flags.c_contiguous)
        pictures += chunk.frames
        samples.append(chunk.samples)
        present.append(chunk.audio_present)
    return Reading(pictures, np.concatenate(samples), np.concatenate(present))
