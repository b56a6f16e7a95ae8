"""Whether what is captured is worth anything: muted, clipping, frozen, dark, lost."""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

import numpy as np

from hearsight.capture.conversion import Picture
from hearsight.capture.sound import Samples
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME

AudioState = Literal["ok", "none", "lost", "muted", "clipping"]
VideoState = Literal["ok", "none", "lost", "frozen", "dark"]

_LEVEL_TICKS = round(0.4 * FRAME_RATE)
_LOST_TICKS = round(0.4 * FRAME_RATE)
_MUTED_TICKS = round(1.0 * FRAME_RATE)
_DIGITAL_SILENCE = 1.5 / 32768
"""A microphone that is on is never this quiet; one that is off may still toggle the last bit."""
_CLIPPING_TICKS = round(1.0 * FRAME_RATE)
_FULL_SCALE = 0.999
_CLIPPED_SAMPLES = 16
"""So many samples at full scale within a second are not an accident."""
_FROZEN_TICKS = round(1.0 * FRAME_RATE)
_DARK_TICKS = round(0.4 * FRAME_RATE)
_DARK_LEVEL = 16.0
"""Mean of all colours, of 255; a face at night by the light of a screen is about 30."""
_GRID = 16
"""Every so many pixels in both directions one is looked at, unless nothing has changed in them."""


class SoundHealth:
    """Looks at the sound of each tick."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=_LEVEL_TICKS)
        self._clipped: deque[int] = deque(maxlen=_CLIPPING_TICKS)
        self._quiet_ticks = 0
        self._absent_ticks = 0

    def look(self, samples: Samples, present: bool) -> None:
        """Take in a tick: ``(640,)`` float32 and whether there was sound."""
        peak = float(np.abs(samples).max())
        self._absent_ticks = 0 if present else self._absent_ticks + 1
        self._quiet_ticks = self._quiet_ticks + 1 if present and peak <= _DIGITAL_SILENCE else 0
        self._powers.append(float(samples @ samples) / SAMPLES_PER_FRAME)
        self._clipped.append(0 if peak < _FULL_SCALE else int((np.abs(samples) >= _FULL_SCALE).sum()))

    @property
    def state(self) -> AudioState:
        """The worst that holds."""
        if self._absent_ticks >= _LOST_TICKS:
            return "lost"
        if self._quiet_ticks >= _MUTED_TICKS:
            return "muted"
        return "clipping" if sum(self._clipped) >= _CLIPPED_SAMPLES else "ok"

    @property
    def level_dbfs(self) -> float:
        """Mean power of the last 0.4 s in dB; 0 is a square wave at full scale, -inf digital silence."""
        mean = sum(self._powers) / max(len(self._powers), 1)
        return 10 * math.log10(mean) if mean > 0 else float("-inf")


class PictureHealth:
    """Looks at the picture of each tick."""

    def __init__(self) -> None:
        self._last: Picture | None = None
        self._absent_ticks = 0
        self._same_ticks = 0
        self._dark_ticks = 0

    def look(self, picture: Picture | None) -> None:
        """Take in the picture of a tick; the same array again means that no new one has come."""
        self._absent_ticks = 0 if picture is not None else self._absent_ticks + 1
        if picture is None:
            self._last, self._same_ticks, self._dark_ticks = None, 0, 0
            return
        if picture is self._last:
            self._same_ticks += self._same_ticks > 0
            self._dark_ticks += self._dark_ticks > 0
            return
        self._same_ticks = self._same_ticks + 1 if _same(picture, self._last) else 0
        self._dark_ticks = self._dark_ticks + 1 if picture[::_GRID, ::_GRID].mean() < _DARK_LEVEL else 0
        self._last = picture

    @property
    def state(self) -> VideoState:
        """The worst that holds."""
        if self._absent_ticks >= _LOST_TICKS:
            return "lost"
        if self._dark_ticks >= _DARK_TICKS:
            return "dark"
        return "frozen" if self._same_ticks >= _FROZEN_TICKS else "ok"


def _same(picture: Picture, other: Picture | None) -> bool:
    """Whether two pictures are exactly the same, which hardly costs anything where they are not."""
    if other is None or not np.array_equal(picture[::_GRID, ::_GRID], other[::_GRID, ::_GRID]):
        return False
    return np.array_equal(picture, other)
