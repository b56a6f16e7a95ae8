"""Whether the picture has frozen: whole pictures are compared, as a crop still moves with the face's track.

No camera is so free of noise that a picture repeats the one before it, but pictures are also repeated where
there are fewer than 25 a second, and nearly so where a scene is still and the encoder thrifty. How long a
picture usually stands is therefore learnt from the stream itself.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

LEAST_TICKS = 3
"""A picture that repeats so often is frozen where each is usually a new one …"""
MOST_TICKS = 8
"""… and so often (0.32 s) at any frame rate: lips cannot be read from less than three pictures a second."""
RUNS = 64
"""So many of the latest pictures tell how long one usually stands …"""
RARE = 2
"""… but for the longest so many of them, which may have been frozen themselves."""

POINTS = 30
"""Pictures are first compared in about so many rows."""
POINTS_CHANGE = 0.15
"""Mean change there in grey levels from which on it is another picture; a camera's noise alone is more."""
ROWS = 360
"""Larger pictures are compared in every second, third … row and column."""
BLOCK = 8
"""Then block by block, of so many pixels each way: moving lips fill some."""
BLOCK_CHANGE = 3.0
"""Mean change of a block in grey levels from which on it is another picture. Encoders that go on refining a
frozen picture change less, lips that speak more, at every bit rate tried."""


class Stillness:
    """Tells frozen pictures of one stream from living ones, tick by tick, looking back only."""

    def __init__(self) -> None:
        self._runs: deque[int] = deque(maxlen=RUNS)
        self._before: Picture | None = None
        self._points: NDArray[np.int16] | None = None
        self._repeats = 0

    def reset(self) -> None:
        """Forget everything, as at the start of another input."""
        self._runs.clear()
        self._begin(None)

    def __call__(self, picture: Picture | None) -> bool:
        """Whether the picture of the next tick, RGB ``(height, width, 3)`` or None, is a frozen one."""
        before, points_before = self._before, self._points
        if picture is None or before is None:
            self._begin(picture)
            return False
        if picture is not before:
            self._before, self._points = picture, _points(picture)
            if not _same(picture, before, self._points, points_before):
                self._runs.append(self._repeats)
                self._repeats = 0
                return False
        self._repeats += 1
        return self._repeats >= self._allowed()

    def _begin(self, picture: Picture | None) -> None:
        """A picture, or none, that has none before it."""
        self._before = picture
        self._points = None if picture is None else _points(picture)
        self._repeats = 0

    def _allowed(self) -> int:
        """Repeats from which on a picture is frozen: more than twice the usual ones."""
        if len(self._runs) <= RARE:
            return MOST_TICKS
        usual = sorted(self._runs)[-1 - RARE]
        return min(max(2 * usual + 1, LEAST_TICKS), MOST_TICKS)


def _points(picture: Picture) -> NDArray[np.int16]:
    """A few pixels from everywhere."""
    step = max(1, picture.shape[0] // POINTS)
    return picture[::step, ::step].astype(np.int16)


def _same(
    picture: Picture, before: Picture, points: NDArray[np.int16], points_before: NDArray[np.int16] | None
) -> bool:
    """Whether nothing has changed, which hardly costs anything where the camera's noise has."""
    if points_before is None or picture.shape != before.shape:
        return False
    if float(np.abs(points - points_before).mean()) >= POINTS_CHANGE:
        return False
    now, then = _green(picture), _green(before)
    # Unsigned, so that the difference must be taken the right way round.
    return _most(np.maximum(now, then) - np.minimum(now, then)) < BLOCK_CHANGE


def _most(change: Picture) -> float:
    """The greatest mean of a block of ``(height, width)`` values; what fills no block counts nowhere."""
    down, across = (min(BLOCK, length) for length in change.shape)
    height, width = change.shape[0] // down, change.shape[1] // across
    rows = change[: height * down, : width * across].reshape(height, down, width * across)
    added = rows[:, 0].astype(np.uint16)
    for row in range(1, down):
        added += rows[:, row]
    sums = added.reshape(height, width, across).sum(axis=2, dtype=np.uint16)
    return float(sums.max()) / (down * across)


def _green(picture: Picture) -> Picture:
    """The colour in which lips, teeth and skin differ most; of large pictures not all of it."""
    step = max(1, picture.shape[0] // ROWS)
    return np.ascontiguousarray(picture[::step, ::step, 1])
