"""The clock that live capture runs on; tests put in one of their own."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from hearsight.types import FRAME_RATE

_LONGEST_WAIT_S = 0.5
"""Ctrl-C is noticed between two waits on every system."""


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""

    def wait(self, bell: threading.Condition, until: float) -> None:
        """Wait until the bell rings, at most until ``until``; may return earlier. The bell is held."""


class MonotonicClock:
    """The computer's own."""

    def now(self) -> float:
        """Seconds of ``time.monotonic``."""
        return time.monotonic()

    def wait(self, bell: threading.Condition, until: float) -> None:
        """Wait until the bell rings, at most until ``until``; may return earlier."""
        left = until - self.now()
        if left > 0:
            bell.wait(min(left, _LONGEST_WAIT_S))


class Pace:
    """Says when ticks are over.

    Attributes:
        began: time on the clock of the beginning of tick 0.
    """

    def __init__(self) -> None:
        self.began = 0.0

    def end_of(self, tick: int) -> float:
        """Time on the clock at which the tick is over."""
        return self.began + (tick + 1) / FRAME_RATE


class FollowingPace(Pace):
    """The pace of an input with a clock of its own, which may run a little faster or slower than ours.

    What arrives is late by the way it took, more or less: the least of the last half to whole minute
    tells the two clocks apart.
    """

    _WINDOW_S = 30.0

    def __init__(self) -> None:
        super().__init__()
        self._least = self._least_before = float("inf")
        self._window_end = float("-inf")

    def arrived(self, begin: float, now: float) -> None:
        """Something that begins at ``begin`` s of the input's time has arrived at ``now``."""
        if now >= self._window_end:
            self._least_before, self._least = self._least, float("inf")
            self._window_end = now + self._WINDOW_S
        self._least = min(self._least, now - begin)
        self.began = min(self._least, self._least_before)
