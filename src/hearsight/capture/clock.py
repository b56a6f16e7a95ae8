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


class LeastDelay:
    """By how much two clocks differ, when what is stamped by one arrives a little late by the other.

    It is the least delay of the last half to whole minute, so that clocks of different speed are followed.
    """

    _WINDOW_S = 30.0

    def __init__(self) -> None:
        self._least = self._least_before = float("inf")
        self._window_end = float("-inf")

    def add(self, stamp: float, arrival: float) -> float:
        """Take in an arrival; returns what to add to time stamps, in seconds."""
        if arrival >= self._window_end:
            self._least_before, self._least = self._least, float("inf")
            self._window_end = arrival + self._WINDOW_S
        self._least = min(self._least, arrival - stamp)
        return min(self._least, self._least_before)


class FollowingPace(Pace):
    """The pace of an input with a clock of its own, which may run a little faster or slower than ours."""

    def __init__(self) -> None:
        super().__init__()
        self._delay = LeastDelay()

    def arrived(self, begin: float, now: float) -> None:
        """Something that begins at ``begin`` s of the input's time has arrived at ``now``."""
        self.began = self._delay.add(begin, now)


class DeviceStamps:
    """Places the time stamps of a device on our clock."""

    _PLAUSIBLE_DELAY_S = 1.0

    def __init__(self) -> None:
        self._delay = LeastDelay()
        self._last = float("-inf")

    def place(self, stamp: float | None, arrival: float) -> float:
        """When a frame was taken, in seconds on our clock, by its time stamp and when it arrived.

        Video4Linux stamps frames by the computer's monotonic clock, which is taken as it is; of other
        clocks the difference is estimated. What a stamp claims is believed within a second only.
        """
        if stamp is None:
            time = arrival
        elif 0 <= arrival - stamp < self._PLAUSIBLE_DELAY_S:
            time = stamp
        else:
            time = stamp + self._delay.add(stamp, arrival)
            if arrival - time > self._PLAUSIBLE_DELAY_S:
                self._delay = LeastDelay()
                time = stamp + self._delay.add(stamp, arrival)
        self._last = max(time, self._last)
        return self._last
