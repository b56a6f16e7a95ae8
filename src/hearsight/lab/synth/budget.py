"""What a corpus will cost, said before it is made."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hearsight.errors import HearsightError

SPOKEN_BYTES_PER_S = 3_400
"""Opus at 24 kbit/s, description and tar, for a second of speech."""
DRAWN_BYTES_PER_S = 65_000
"""Crops, FLAC and description, for a second of a drawn clip."""
DRAWING_CPU_S = 0.085
"""Seconds of one core for a second of drawn crops, sound included."""


@dataclass(frozen=True, slots=True)
class Budget:
    """An estimate; the true figures depend on the texts and the machine.

    Attributes:
        clips: number of sentences or clips.
        seconds: their length in all.
        bytes: on the disk.
        cpu_seconds: of one core.
    """

    clips: int
    seconds: float
    bytes: float
    cpu_seconds: float

    @classmethod
    def of_speech(cls, clips: int, seconds: float, cpu_s: float) -> Budget:
        """For speaking, at ``cpu_s`` seconds of one core for a second of speech."""
        return cls(clips, seconds, seconds * SPOKEN_BYTES_PER_S, seconds * cpu_s)

    @classmethod
    def of_drawing(cls, clips: int, seconds: float) -> Budget:
        """For drawing mouths."""
        return cls(clips, seconds, seconds * DRAWN_BYTES_PER_S, seconds * DRAWING_CPU_S)

    def describe(self, folder: Path, workers: int) -> str:
        """One line: how much, how large, how long, and whether there is room for it.

        Raises:
            HearsightError: the disk has not that much free.
        """
        free = shutil.disk_usage(_existing(folder)).free
        if free < self.bytes:
            raise HearsightError(
                f"{folder} would take about {_size(self.bytes)} and its disk has {_size(free)} free: "
                "make room, choose another folder, or make less"
            )
        cores = "one core" if workers == 1 else f"{workers} cores"
        return (
            f"{folder}: {self.clips} clips, about {_time(self.seconds)} long; "
            f"about {_size(self.bytes)} of {_size(free)} that are free; "
            f"about {_time(self.cpu_seconds / workers)} on {cores} of its own"
        )


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.exists())


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
