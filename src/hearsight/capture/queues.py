"""From the threads that read devices to the one that makes ticks: bounded, and what is dropped is counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from hearsight.capture.clock import Clock, Pace
from hearsight.types import FRAME_RATE

Frame = TypeVar("Frame")

_ROOM_S = 10.0
_ROOM_BYTES = 128 << 20
"""What may wait in a queue; then the oldest is dropped."""
_PATIENCE_S = 0.3
"""How long a tick that is over waits for what is late."""
_NO_PATIENCE_S = 0.02
"""The same once something was missing, until it comes again."""
_SLACK_S = 0.03
"""By how much a picture may come earlier than the rate of those before it promises."""
_HOLE_S = 0.1
"""A file that has nothing for longer than this has a hole, which its ticks need not wait for."""
_RATE_WINDOW_S = 2.0


@dataclass(frozen=True)
class _Waiting(Generic[Frame]):
    frame: Frame
    begin: float
    duration: float
    amount: int
    size: int


class FrameQueue(Generic[Frame]):
    """The frames of one stream on their way to the ticks.

    Args:
        clock: tells when a tick has waited long enough.
        bell: rings when anything changes; one for the whole capture.
        pace: says when ticks are over.
        patient: whether the reader can wait when the queue is full, as that of a file can; then nothing
            is ever dropped or passed over.
        sparse: whether frames may rightly come less often than ticks, as pictures may; then a tick does
            not wait for the next one before it is due.
    """

    def __init__(
        self,
        clock: Clock,
        bell: threading.Condition,
        pace: Pace,
        *,
        patient: bool = False,
        sparse: bool = False,
    ) -> None:
        self._clock, self._bell, self._pace = clock, bell, pace
        self._patient, self._sparse = patient, sparse
        self._waiting: deque[_Waiting[Frame]] = deque()
        self._seconds, self._bytes = 0.0, 0
        self._finished = False
        self._missing = False
        self._nothing_before = float("-inf")
        self._recent: deque[float] = deque()
        self._last_arrival = float("-inf")
        self.first: float | None = None
        """When the first frame begins."""
        self.dropped = 0
        """Frames of pictures or samples of sound that found no room."""

    def put(self, frame: Frame, begin: float, duration: float, *, amount: int = 1, size: int = 0) -> None:
        """Hand in a frame that begins at ``begin`` s of the input's time and lasts ``duration`` s.

        Args:
            frame: goes to the ticks.
            begin: seconds.
            duration: seconds.
            amount: what it counts for when it is dropped.
            size: bytes of memory it takes.
        """
        with self._bell:
            while self._patient and self._full() and not self._finished:
                self._clock.wait(self._bell, float("inf"))
            if self._finished:
                return
            while self._full():
                self.dropped += self._remove().amount
            self._waiting.append(_Waiting(frame, begin, duration, amount, size))
            self._seconds += duration
            self._bytes += size
            self.first = begin if self.first is None else self.first
            self._last_arrival = self._clock.now()
            self._recent.append(begin)
            while not begin - _RATE_WINDOW_S < self._recent[0] <= begin:
                self._recent.popleft()
            self._bell.notify_all()

    def nothing_before(self, begin: float) -> None:
        """The reader knows that the next frame begins at ``begin`` s."""
        with self._bell:
            self._nothing_before = begin
            self._bell.notify_all()

    def finish(self) -> None:
        """Nothing more comes; what waits is still handed out."""
        with self._bell:
            self._finished = True
            self._bell.notify_all()

    def frames(self, tick: Callable[[], int]) -> Iterator[Frame | None]:
        """The frames in order, each as soon as it is there; None lets the tick pass without.

        Args:
            tick: the tick that is being made.
        """
        while True:
            with self._bell:
                while not self._waiting:
                    if self._finished:
                        return
                    deadline = self._deadline(tick())
                    if self._clock.now() >= deadline:
                        break
                    self._clock.wait(self._bell, deadline)
                frame = self._remove().frame if self._waiting else None
                self._missing = frame is None
            yield frame

    @property
    def rate(self) -> float:
        """Frames per second by the time stamps of the last two seconds."""
        if self._clock.now() > self._last_arrival + _RATE_WINDOW_S:
            return 0.0
        with self._bell:
            count, first, last = len(self._recent), self._recent[0], self._recent[-1]
        return (count - 1) / (last - first) if last > first else 0.0

    def _deadline(self, tick: int) -> float:
        """When the tick goes on without what is missing."""
        end = self._pace.end_of(tick)
        if self._patient:
            known = (tick + 1) / FRAME_RATE + _HOLE_S <= self._nothing_before
            return end if known else float("inf")
        if self._missing:
            return end + _NO_PATIENCE_S
        if self._sparse and end < self._last_arrival + (1 / self.rate if self.rate else 0) - _SLACK_S:
            return end + _SLACK_S
        return end + _PATIENCE_S

    def _full(self) -> bool:
        return bool(self._waiting) and (self._seconds >= _ROOM_S or self._bytes >= _ROOM_BYTES)

    def _remove(self) -> _Waiting[Frame]:
        first = self._waiting.popleft()
        self._seconds -= first.duration
        self._bytes -= first.size
        self._bell.notify_all()
        return first
