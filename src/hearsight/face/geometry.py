"""Affine maps between the picture and what the networks and crops see of it.

Every map is a ``(2, 3)`` float64 matrix from picture pixels to output pixels, applied to points
as ``points @ matrix[:, :2].T + matrix[:, 2]``.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]


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


def sample(picture: NDArray[np.uint8], matrix: Matrix, size: int) -> NDArray[np.uint8]:
    """Draw ``size`` x ``size`` pixels of the picture; what lies outside it is black.

    Bilinear, and where the picture is more than twice as fine as the output it is averaged
    first, only where it is needed, so that large pictures neither flicker nor take long.
    """
    step = int(1 / math.hypot(matrix[0, 0], matrix[1, 0]))
    if step >= 2:
        picture, matrix = _shrink(picture, matrix, size, step)
    drawn = cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(drawn, dtype=np.uint8)


def _shrink(
    picture: NDArray[np.uint8], matrix: Matrix, size: int, step: int
) -> tuple[NDArray[np.uint8], Matrix]:
    """Average ``step`` x ``step`` pixels into one, in the part of the picture that is drawn."""
    height, width = picture.shape[:2]
    corners = transform(invert(matrix), np.array([[0, 0], [size, 0], [0, size], [size, size]], float))
    low = np.clip(np.floor(corners.min(axis=0)) - step, 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + step, low + 1, [width, height]).astype(int)
    part = picture[low[1] : high[1], low[0] : high[0]]
    shape = tuple(np.maximum((high - low) // step, 1))
    part = part[: shape[1] * step, : shape[0] * step]
    small = cv2.resize(part, shape, interpolation=cv2.INTER_AREA)
    # Pixel k of the small picture is centred on pixel low + k * step + (step - 1) / 2.
    linear = matrix[:, :2] * step
    shift = transform(matrix, low + (step - 1) / 2)
    return np.asarray(small, dtype=np.uint8), np.column_stack([linear, shift])
