"""Time stamps of one stream on the clock of the whole input, mended where they are missing or jump."""

from __future__ import annotations

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

_MAX_STEP_BACK_S = 1.0
"""A longer step back is a jump of the time stamps, such as where two recordings were joined."""
_MAX_STEP_AHEAD_S = 10.0
"""A longer step ahead is believed only if it stays within the input."""
_MAX_UNKNOWN_LENGTH_S = 3600.0
"""The same where the length of the input is not known."""


def time_stamp(frame: VideoFrame | AudioFrame) -> float | None:
    """When the frame is due in seconds of the file's own time, None where the file does not say."""
    if frame.pts is not None:
        return frame.time
    if frame.dts is not None and frame.time_base is not None:
        return float(frame.dts * frame.time_base)
    return None


class Timeline:
    """Places the frames of one stream.

    Args:
        zero: time stamp in seconds that is the zero of the clock.
        max_length: longest that the input can be, in seconds, where that is known.
    """

    def __init__(self, zero: float, max_length: float | None) -> None:
        self._zero = zero
        self._max_length = max_length
        self._shift = 0.0
        self._expected = 0.0

    def place(self, stamp: float | None, duration: float) -> float:
        """Seconds on the clock at which the next frame begins, which lasts ``duration`` seconds."""
        time = self._expected
        if stamp is not None:
            own = stamp - self._zero
            # After a jump the stamps may return to where they were: that is tried first.
            shift = next((s for s in (0.0, self._shift) if self._believable(own + s)), None)
            self._shift = self._expected - own if shift is None else shift
            time = own + self._shift
        self._expected = time + duration
        return time

    def _believable(self, time: float) -> bool:
        if time < self._expected - _MAX_STEP_BACK_S:
            return False
        if time <= self._expected + _MAX_STEP_AHEAD_S:
            return True
        if self._max_length is None:
            return time <= self._expected + _MAX_UNKNOWN_LENGTH_S
        return time <= self._max_length + _MAX_STEP_AHEAD_S


class ClockTimeline(Timeline):
    """Places the frames of a device that are stamped by our own clock: all of them are believed."""

    def place(self, stamp: float | None, duration: float) -> float:
        """Seconds on the clock at which the next frame begins."""
        if stamp is None:
            raise ValueError("frames of devices are stamped when they arrive")
        return stamp - self._zero
