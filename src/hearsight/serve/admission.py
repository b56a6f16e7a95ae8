"""Whether there is room for another stream: by what the running ones have been seen to cost."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hearsight.errors import HearsightError
from hearsight.types import FRAME_RATE

_WINDOW_S = 10.0
_ENOUGH_S = 5.0
"""Input that must have been heard within the window, for its cost to be a measurement."""


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Busy(HearsightError):
    """There is no room for another stream now."""


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    cpu_s: float
    heard_ticks: int


class Load:
    """Measures cost and lag of the live streams of this server; any thread may use it.

    Args:
        first_cost: what a stream is held to cost until it has been measured, in CPU seconds per second.
        cores: processors that this process may use; those it has if None.
        clock: seconds, monotonic.
        cpu_clock: CPU seconds of this process; other processes' are told.
    """

    def __init__(
        self,
        first_cost: float,
        cores: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.cores = cores or processors()
        self._clock, self._cpu_clock = clock, cpu_clock
        self._lock = threading.Lock()
        self._patient_cpu_s = self._other_cpu_s = 0.0
        self._heard_ticks = 0
        self._cost = first_cost
        self._samples: deque[_Sample] = deque()
        self._lags: deque[tuple[float, float]] = deque()

    def heard(self, ticks: int, lags: Iterable[float]) -> None:
        """Live input has been recognised: so many ticks, and how long after its arrival, in seconds."""
        with self._lock:
            now = self._clock()
            self._heard_ticks += ticks
            self._lags.extend((now, lag) for lag in lags)
            while self._lags and self._lags[0][0] < now - _WINDOW_S:
                self._lags.popleft()
            if not self._samples or now - self._samples[-1].time >= 1.0:
                self._measure(now)

    def spent_on_files(self, cpu_s: float) -> None:
        """CPU time that no live stream has cost: files wait for free time and take no room from streams."""
        with self._lock:
            self._patient_cpu_s += cpu_s

    def spent_by_others(self, cpu_s: float) -> None:
        """CPU time that other processes have spent on live streams."""
        with self._lock:
            self._other_cpu_s += cpu_s

    def _measure(self, now: float) -> None:
        cpu_s = self._cpu_clock() + self._other_cpu_s - self._patient_cpu_s
        self._samples.append(_Sample(now, cpu_s, self._heard_ticks))
        while self._samples[0].time < now - _WINDOW_S:
            self._samples.popleft()
        first, last = self._samples[0], self._samples[-1]
        heard_s = (last.heard_ticks - first.heard_ticks) / FRAME_RATE
        if heard_s >= _ENOUGH_S:
            self._cost = max((last.cpu_s - first.cpu_s) / heard_s, 1e-4)

    @property
    def cost(self) -> float:
        """CPU seconds that one second of one live stream costs."""
        return self._cost

    @property
    def lag(self) -> float:
        """95th percentile of the live streams' lag over the last seconds, in seconds; 0 without any."""
        with self._lock:
            horizon = self._clock() - _WINDOW_S
            lags = sorted(lag for at, lag in self._lags if at >= horizon)
        return lags[int(0.95 * (len(lags) - 1))] if lags else 0.0

    def share(self, streams: int) -> float:
        """Share of the processors that so many live streams need."""
        return streams * self._cost / self.cores


@dataclass(frozen=True, slots=True)
class Room:
    """How many streams are taken.

    Attributes:
        max_streams: live streams at most, whatever the load.
        max_files: recordings at a time.
        max_lag_s: while live streams lag by more (95th percentile), no further one is taken.
        max_share: of the processors that live streams may take; above it waiting times grow.
    """

    max_streams: int = 64
    max_files: int = 2
    max_lag_s: float = 0.4
    max_share: float = 0.85

    def check_stream(self, running: int, load: Load) -> None:
        """Raise Busy unless one more live stream fits beside those that are running."""
        if running >= self.max_streams:
            raise Busy(f"all {self.max_streams} streams of this server are taken: try again in a minute")
        if running and load.lag > self.max_lag_s:
            raise Busy("this server is at its limit, its captions come late: try again in a minute")
        # The first is always taken: a machine too slow for one stream shows it by its lag.
        if running and load.share(running + 1) > self.max_share:
            raise Busy(f"this server's processors are taken by {running} streams: try again in a minute")

    def check_file(self, running: int) -> None:
        """Raise Busy unless one more recording may be transcribed now."""
        if running >= self.max_files:
            raise Busy(f"this server is transcribing {running} recordings already: try again in a minute")
