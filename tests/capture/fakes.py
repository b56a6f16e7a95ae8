"""A clock that does not take time, and sources that deliver by it."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from fractions import Fraction
from itertools import count

import av
import numpy as np

from hearsight.capture.clock import Pace
from hearsight.capture.feed import Feed, PictureQueue, SoundQueue, put_picture, put_sound
from hearsight.capture.live import LiveCapture
from hearsight.capture.timeline import ClockTimeline


class FakeClock:
    """Goes on to what happens next whenever somebody waits."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self._numbers = count()
        self._schedule: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._schedule, (time, next(self._numbers), action))

    def wait(self, bell: threading.Condition, until: float) -> None:
        if not self._schedule and until == float("inf"):
            raise AssertionError("waits for ever")
        if self._schedule and self._schedule[0][0] <= until:
            time, _, action = heapq.heappop(self._schedule)
            self.time = max(self.time, time)
            action()
        else:
            self.time = max(self.time, until)

    def pass_time(self, seconds: float) -> None:
        """Somebody is busy for so long; what happens meanwhile happens."""
        until = self.time + seconds
        while self._schedule and self._schedule[0][0] <= until:
            self.wait(threading.Condition(), until)
        self.time = until


class FakeFeed(Feed):
    """A camera and a microphone that deliver by the clock.

    Args:
        clock: the clock.
        fps: pictures a second, 0 for no camera.
        sound: whether there is a microphone.
        delay: seconds from the end of what is captured to its arrival.
        pictures_missing: begin and end of when the camera delivers nothing.
        sound_missing: the same of the microphone.
        seconds: after which both end.
        look: picture of the frame with this number, as a level of grey.
    """

    def __init__(
        self,
        clock: FakeClock,
        *,
        fps: float = 25,
        sound: bool = True,
        delay: float = 0.01,
        pictures_missing: tuple[float, float] = (0, 0),
        sound_missing: tuple[float, float] = (0, 0),
        seconds: float = 10.0,
        look: Callable[[int], int] = lambda number: 60 + number % 100,
    ) -> None:
        super().__init__(clock, threading.Condition(), Pace())
        self.clock, self.fps, self.delay, self.seconds, self.look = clock, fps, delay, seconds, look
        self.missing = {"pictures": pictures_missing, "sound": sound_missing}
        if fps:
            self.pictures = PictureQueue(clock, self._bell, self.pace, sparse=True)
        if sound:
            self.sounds = SoundQueue(clock, self._bell, self.pace)

    def capture(self, ticks: int = 4) -> LiveCapture:
        return LiveCapture(self, self.clock, self._bell, ticks)

    def timeline(self):
        return ClockTimeline(self.zero, None)

    def start(self) -> None:
        self.zero = self.pace.began = self.clock.now()
        if self.pictures is not None:
            self.clock.at(self.zero + self.delay, lambda: self._picture(0))
        if self.sounds is not None:
            self.clock.at(self.zero + 0.02 + self.delay, lambda: self._sound(0))

    def _is_missing(self, kind: str, begin: float) -> bool:
        first, end = self.missing[kind]
        return first <= begin < end

    def _picture(self, number: int) -> None:
        begin = number / self.fps
        assert self.pictures is not None
        if self._stopped or begin >= self.seconds:
            self.pictures.finish()
            return
        if not self._is_missing("pictures", begin):
            picture = np.full((24, 32, 3), self.look(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1_000_000), round((self.zero + begin) * 1e6)
            put_picture(self.pictures, frame, self.zero + begin)
        self.clock.at(self.zero + begin + 1 / self.fps + self.delay, lambda: self._picture(number + 1))

    def _sound(self, number: int) -> None:
        begin = number / 50
        assert self.sounds is not None
        if self._stopped or begin >= self.seconds:
            self.sounds.finish()
            return
        if not self._is_missing("sound", begin):
            samples = np.full((1, 320), 0.25, np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
            frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
            frame.pts = round((self.zero + begin) * 16_000)
            put_sound(self.sounds, frame, self.zero + begin)
        self.clock.at(self.zero + begin + 0.04 + self.delay, lambda: self._sound(number + 1))
