"""Affine maps between the picture and what the networks and crops see of it.

Every map is a ``(2, 3)`` float64 matrix from picture pixels to output pixels, applied to points
as ``points @ matrix[:, :2].T + matrix[:, 2]``.
"""

from __future__ import annotations

import math

import numpy as np
from kornia_rs import imgproc
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]
Picture = NDArray[np.uint8]

_MOST_STEP = 255
"""So many rows of bytes can be added up in 16 bits."""


def transform(matrix: Matrix, points: Points) -> Points:
    """Map ``(…, 2)`` points."""
    mapped: Points = points @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def invert(matrix: Matrix) -> Matrix:
    """The map back from output pixels to picture pixels."""
    (a, b, x), (c, d, y) = matrix.tolist()
    # The closed form: the general routine takes ten times as long over two rows.
    return np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]]) / (a * d - b * c)


def square_to_output(centre: Points, side: float, angle: float, size: int) -> Matrix:
    """The map that turns a square of the picture upright and fills ``size`` x ``size`` pixels.

    Args:
        centre: ``(2,)`` middle of the square in picture pixels.
        side: its width in picture pixels.
        angle: its rotation in radians, positive clockwise as seen on the screen.
        size: width of the output in pixels.
    """
    cosine, sine = math.cos(angle) * size / side, math.sin(angle) * size / side
    linear = np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([linear, size / 2 - linear @ centre])


def similarity(source: Points, target: Points) -> Matrix:
    """Least-squares similarity (rotation, scale, shift) from ``source`` to ``target`` points.

    Both are ``(n, 2)`` with ``n >= 2`` and not all the same. The closed form of Umeyama,
    "Least-squares estimation of transformation parameters between two point patterns"
    (1991); with points of the plane as complex numbers it is one division.
    """
    start, end = (points[:, 0] + 1j * points[:, 1] for points in (source, target))
    middle = start.mean()
    centred = start - middle
    turn = np.vdot(centred, end) / np.vdot(centred, centred)
    shift = end.mean() - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def sample(picture: Picture, matrix: Matrix, size: int) -> Picture:
    """Draw ``size`` x ``size`` pixels of an RGB picture; what lies outside it is black.

    Bilinear, and where the picture is more than twice as fine as the output it is averaged
    first, only where it is needed, so that large pictures neither flicker nor take long.
    """
    step = min(int(1 / math.hypot(matrix[0, 0], matrix[1, 0])), _MOST_STEP)
    if step >= 2:
        picture, matrix = _shrink(picture, matrix, size, step)
    left, top, right, bottom = _seen(matrix, size)
    if min(left, top) < 0 or right > picture.shape[1] - 1 or bottom > picture.shape[0] - 1:
        picture, matrix = _frame(picture, matrix, size)
    whole = np.ascontiguousarray(picture)
    drawn = imgproc.warp_affine(whole, matrix.ravel().tolist(), (size, size), "bilinear")
    return np.asarray(drawn, dtype=np.uint8)


def _seen(matrix: Matrix, size: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in picture pixels of what is drawn."""
    (a, b, x), (c, d, y) = invert(matrix).tolist()
    left, right = (x + size * (end(a, 0) + end(b, 0)) for end in (min, max))
    top, bottom = (y + size * (end(c, 0) + end(d, 0)) for end in (min, max))
    return left, top, right, bottom


def _part(picture: Picture, matrix: Matrix, size: int, margin: int) -> tuple[Picture, Points]:
    """The part of the picture that is drawn, at least one pixel, and x and y at which it begins."""
    ends = [picture.shape[1], picture.shape[0]]
    seen = np.reshape(_seen(matrix, size), (2, 2))
    low = np.clip(np.floor(seen[0]) - margin, 0, np.subtract(ends, 1)).astype(int)
    high = np.clip(np.ceil(seen[1]) + margin, low + 1, ends).astype(int)
    return picture[low[1] : high[1], low[0] : high[0]], low.astype(np.float64)


def _frame(picture: Picture, matrix: Matrix, size: int) -> tuple[Picture, Matrix]:
    """What is drawn of a picture in a frame of one black pixel, into which it fades."""
    part, low = _part(picture, matrix, size, margin=1)
    framed = np.zeros((part.shape[0] + 2, part.shape[1] + 2, 3), np.uint8)
    framed[1:-1, 1:-1] = part
    return framed, np.column_stack([matrix[:, :2], transform(matrix, low - 1)])


def _shrink(picture: Picture, matrix: Matrix, size: int, step: int) -> tuple[Picture, Matrix]:
    """Average ``step`` x ``step`` pixels into one, in the part of the picture that is drawn."""
    part, low = _part(picture, matrix, size, margin=step)
    # Pixel k of the small picture is centred on pixel low + k * step + (step - 1) / 2.
    linear = matrix[:, :2] * step
    shift = transform(matrix, low + (step - 1) / 2)
    return _averages(part, step), np.column_stack([linear, shift])


def _averages(picture: Picture, step: int) -> Picture:
    """The mean of each ``step`` x ``step`` pixels of an RGB picture; what is left over counts nowhere."""
    down, across = (min(step, length) for length in picture.shape[:2])
    height, width = picture.shape[0] // down, picture.shape[1] // across
    picture = picture[: height * down, : width * across]
    if (down, across) == (2, 2):
        # Between four pixels the bilinear value is their mean.
        halved = imgproc.resize(np.ascontiguousarray(picture), (height, width), "bilinear")
        return np.asarray(halved, dtype=np.uint8)
    rows = picture.reshape(height, down, width * across * 3)
    added = rows[:, 0].astype(np.uint16)
    for row in range(1, down):
        added += rows[:, row]
    # A product of matrices is the quickest way to add up what stands side by side in three colours.
    weights = np.tile(np.eye(3, dtype=np.float32) / (down * across), (across, 1))
    means = added.astype(np.float32).reshape(height, width, across * 3) @ weights
    return (means + np.float32(0.5)).astype(np.uint8)
