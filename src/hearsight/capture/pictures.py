"""The video stream on the clock: one picture for each tick."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from av.video.frame import VideoFrame

from hearsight.capture.conversion import Picture, PictureConverter
from hearsight.capture.timeline import Timeline, time_stamp
from hearsight.types import FRAME_RATE

_HALF_TICK_S = 0.5 / FRAME_RATE
_TIE_S = 1e-6
"""A time stamp exactly between two ticks goes to the earlier one, whatever its rounding."""
_HOLD_S = 0.5
"""How long a picture stands when the next one is overdue: a face that has stopped says nothing."""
_HOLD_INTERVALS = 1.5
"""The same for videos of few frames a second, in intervals between their frames."""
_MAX_INTERVAL_S = 10.0
"""A picture stands no longer than this, whatever the file says about its frame rate."""


def picture_ticks(
    frames: Iterable[VideoFrame | None],
    timeline: Timeline,
    converter: PictureConverter,
    rate: Fraction | None,
) -> Iterator[Picture | None]:
    """One picture per tick from tick 0 to the end of the stream, None where there is none.

    Tick ``k`` shows the newest picture that is due by ``k / 25`` s, or by half a tick (half a frame, if
    frames are shorter) later. Pictures then come as often a little early as a little late, at every
    frame rate from 24 up and every offset; below that a picture is never shown more than half a tick
    early. Overdue pictures are replaced by None after half a second, or one and a half frames.

    Args:
        frames: decoded frames in order of presentation; a None among them lets one tick pass with what
            there is, without waiting for the next frame.
        timeline: places their time stamps on the clock.
        converter: makes RGB arrays of them; those that are never shown are not converted.
        rate: frames per second as the file declares them; only a first guess, time stamps decide.
    """
    interval = _Interval(rate)
    showing = _NOTHING
    tick = 0
    for frame in frames:
        if frame is None:
            yield showing.at(tick)
            tick += 1
            continue
        begin = timeline.place(time_stamp(frame), interval.typical)
        if begin <= showing.begin:
            continue
        early = min(_HALF_TICK_S, (begin - showing.begin) / 2)
        while tick / FRAME_RATE < begin - early - _TIE_S:
            yield showing.at(tick)
            tick += 1
        interval.add(begin - showing.begin)
        hold = max(_HOLD_S, _HOLD_INTERVALS * interval.typical)
        showing = _Showing(frame, begin, begin + hold, converter)
    # The nearest whole number of ticks, but at least one.
    end = max(showing.begin + interval.typical - _HALF_TICK_S, 2 * _TIE_S)
    while showing is not _NOTHING and tick / FRAME_RATE < end - _TIE_S:
        yield showing.at(tick)
        tick += 1


@dataclass
class _Showing:
    """The picture on show, from when on and for how long, in seconds on the clock."""

    frame: VideoFrame | None
    begin: float
    hold_end: float
    converter: PictureConverter | None

    @cached_property
    def _picture(self) -> Picture | None:
        return None if self.frame is None or self.converter is None else self.converter.convert(self.frame)

    def at(self, tick: int) -> Picture | None:
        return self._picture if tick / FRAME_RATE <= self.hold_end else None


_NOTHING = _Showing(None, float("-inf"), float("-inf"), None)


class _Interval:
    """The usual time between two frames: the median of the last few, since rates vary and lie."""

    def __init__(self, rate: Fraction | None) -> None:
        self._recent = deque([float(1 / rate) if rate else 1 / FRAME_RATE], maxlen=5)

    def add(self, seconds: float) -> None:
        if seconds != float("inf"):
            self._recent.append(seconds)

    @property
    def typical(self) -> float:
        """Seconds."""
        return min(sorted(self._recent)[len(self._recent) // 2], _MAX_INTERVAL_S)
