"""Partials of a second pass: what it makes of an utterance while that goes on.

It reads what there is every second. The end of that is cut off in the middle of a word, so the last word of
a reading is left to the first pass, and all that comes after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.reading import ReadWord, is_trusted
from hearsight.recognizer.retiming import retime
from hearsight.recognizer.second_pass import SecondPass
from hearsight.types import FRAME_RATE, Word

INTERVAL_TICKS = FRAME_RATE
"""Measured on telephone prompts: of the words shown last before a final 34 % are wrong with a reading a
second, 30 % with one every 16 ticks, which costs twice as much, and 77 % without."""


class Rereading:
    """Reads the utterance that goes on.

    Args:
        second_pass: does the reading.
        interval_ticks: time between two readings.
    """

    def __init__(self, second_pass: SecondPass, interval_ticks: int = INTERVAL_TICKS) -> None:
        self._second_pass, self._interval = second_pass, interval_ticks
        self.begin()

    def begin(self) -> None:
        """A new utterance."""
        self._due: int | None = None
        self._read: list[ReadWord] = []

    def is_due(self, now: int) -> bool:
        """Whether it is time for a reading; the first is an interval after the first question."""
        if self._due is None:
            self._due = now + self._interval
        return now >= self._due

    def read(self, features: NDArray[np.float32], now: int) -> None:
        """Read the features ``(ticks, feature_dim)`` of the utterance up to a tick."""
        self._due = now + self._interval
        self._read = self._second_pass.glance(features) or self._read

    def words(self, heard: Sequence[Word], *, earliest_s: float, latest_s: float) -> tuple[Word, ...]:
        """The words of the latest reading but its last one; after them those of the first pass, ``heard``."""
        if len(self._read) < 2 or not heard or not is_trusted(self._read, heard):
            return tuple(heard)
        timed = retime(self._read, heard, earliest_s=earliest_s, latest_s=latest_s)[:-1]
        later = [word for word in heard if (word.start + word.end) / 2 >= timed[-1].end]
        return (*timed, *later)
