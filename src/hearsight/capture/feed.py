"""What captures in threads of its own, and the queues its pictures and its sound go to."""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hearsight.capture.clock import Clock, Pace
from hearsight.capture.queues import FrameQueue
from hearsight.capture.timeline import Timeline
from hearsight.types import FRAME_RATE

_JOIN_S = 2.0
_MICROSECOND = Fraction(1, 1_000_000)

PictureQueue = FrameQueue[VideoFrame]
SoundQueue = FrameQueue[AudioFrame]


class Feed(ABC):
    """Something that captures pictures, sound or both in threads of its own.

    Attributes:
        pictures: where its pictures go, None if it has none.
        sounds: likewise.
        pace: of its ticks.
        zero: time stamp in seconds that is the zero of the clock.
        max_length: longest that it can be in seconds, where that is known.
        pixel_aspect: width of a stored pixel over its height, None if it is not known.
        frame_rate: frames per second as the input declares it, None if it does not.

    Args:
        clock: tells the time.
        bell: rings when anything changes.
        pace: of its ticks.
    """

    def __init__(self, clock: Clock, bell: threading.Condition, pace: Pace) -> None:
        self.pictures: PictureQueue | None = None
        self.sounds: SoundQueue | None = None
        self.pace = pace
        self.zero = 0.0
        self.max_length: float | None = None
        self.pixel_aspect: Fraction | None = None
        self.frame_rate: Fraction | None = None
        self._clock, self._bell = clock, bell
        self._stopped = False
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def start(self) -> None:
        """Open it and begin to capture.

        Raises:
            MediaError: it cannot be opened, or nothing comes.
        """

    def timeline(self) -> Timeline:
        """Places the frames of one of its streams."""
        return Timeline(self.zero, self.max_length)

    @property
    def drift_ms(self) -> float:
        """By how much the sound would have drifted from the pictures without correction."""
        return 0.0

    def stop(self) -> None:
        """Capture nothing more; what is in the queues stays there."""
        with self._bell:
            self._stopped = True
            for queue in (self.pictures, self.sounds):
                if queue is not None:
                    queue.finish()
            self._bell.notify_all()

    def close(self) -> None:
        """Stop, and wait a moment for the threads to end."""
        self.stop()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def _run(self, work: Callable[[], None], name: str) -> None:
        # A driver that hangs must not keep the program from ending.
        thread = threading.Thread(target=work, name=f"hearsight-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _describe(self, video: VideoStream | None) -> None:
        if video is not None:
            self.pixel_aspect, self.frame_rate = video.sample_aspect_ratio, video.average_rate


def put_picture(queue: PictureQueue, frame: VideoFrame, begin: float) -> None:
    """Queue a picture that is to be seen from ``begin`` s on."""
    # No pixel format of a camera takes more than this.
    queue.put(frame, begin, duration_of(frame), size=2 * frame.width * frame.height)


def put_sound(queue: SoundQueue, frame: AudioFrame, begin: float) -> None:
    """Queue sound that begins at ``begin`` s."""
    queue.put(frame, begin, duration_of(frame), amount=frame.samples, size=4 * frame.samples)


def duration_of(frame: VideoFrame | AudioFrame) -> float:
    """Seconds; a guess for pictures, of which time stamps say more."""
    if isinstance(frame, AudioFrame):
        return frame.samples / max(frame.sample_rate, 1)
    with contextlib.suppress(AttributeError, TypeError):
        if frame.duration and frame.time_base:
            return float(frame.duration * frame.time_base)
    return 1 / FRAME_RATE


def restamp(frame: VideoFrame | AudioFrame, seconds: float) -> None:
    """Give a frame another time stamp."""
    frame.time_base = _MICROSECOND
    frame.pts = round(seconds / _MICROSECOND)
