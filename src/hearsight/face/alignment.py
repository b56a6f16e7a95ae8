"""Turns landmarks into a steady mouth: smoothing over the past, similarity to a mean face, crop."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from kornia_rs import imgproc
from numpy.typing import NDArray

from hearsight.types import CROP_SIZE

from .course import Face
from .geometry import Matrix, Points, sample, similarity, transform
from .mesh import INNER_LIPS, LANDMARKS, LEFT_EYE, NOSE_TIP, OUTER_LIPS, RIGHT_EYE

CANVAS_SIZE = 256
"""Width and height in pixels of the canvas on which every face is made to look straight."""
REFERENCE = np.array([[102.1, 94.3], [156.4, 93.6], [129.0, 135.9], [129.3, 157.8]])
"""Where right eye, left eye, nose tip and mouth lie on the canvas: the mean face of the published recipe."""
MOUTH = 3
"""Row of the mouth in the four points."""
WINDOW_FRAMES = 12
"""Frames, this one and those before it, over which the shape is averaged."""


def _averages(*groups: tuple[int, ...]) -> NDArray[np.float64]:
    """Weights ``(len(groups), 468)`` that take the mean over each group of landmarks."""
    weights = np.zeros((len(groups), LANDMARKS))
    for row, group in zip(weights, groups, strict=True):
        row[list(group)] = 1 / len(group)
    return weights


FOUR_POINTS = _averages(RIGHT_EYE, LEFT_EYE, (NOSE_TIP,), OUTER_LIPS + INNER_LIPS)
"""``FOUR_POINTS @ landmarks`` are right eye, left eye, nose tip and mouth, ``(4, 2)``."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How one frame's pixels map onto the two pictures made of it.

    Attributes:
        canvas: to the 256 x 256 canvas on which the face looks straight.
        crop: to the 96 x 96 mouth crop, which is a window of the canvas.
    """

    canvas: Matrix
    crop: Matrix


class Aligner:
    """Maps each frame's face onto the canvas, smoothed over the frames before it, never after."""

    def __init__(self) -> None:
        self._window: deque[Points | None] = deque(maxlen=WINDOW_FRAMES)
        self._number = -1

    def reset(self) -> None:
        """Forget all frames."""
        self._window.clear()
        self._number = -1

    def __call__(self, face: Face | None) -> Alignment | None:
        """The maps of the next frame, or None where there is no face.

        The mean shape over the window is set on this frame's centroid, so that jitter is
        averaged away and real movement is not. Frames without a face leave the window like any
        other, so that a short gap keeps the steady shape and a long one starts afresh; another
        face starts afresh at once.
        """
        if face is None:
            self._window.append(None)
            return None
        if face.number != self._number:
            self._window.clear()
            self._number = face.number
        points = FOUR_POINTS @ face.landmarks
        self._window.append(points)
        shape = np.mean([seen for seen in self._window if seen is not None], axis=0)
        shape += (points - shape).mean(axis=0)
        canvas = similarity(shape, REFERENCE)
        return Alignment(canvas, _to_crop(canvas, shape[MOUTH]))


def _to_crop(canvas: Matrix, mouth: Points) -> Matrix:
    """Move the map so that the mouth comes to the middle of the crop, by whole canvas pixels."""
    corner = np.round(transform(canvas, mouth) - CROP_SIZE / 2)
    return np.column_stack([canvas[:, :2], canvas[:, 2] - corner])


def draw_crop(picture: NDArray[np.uint8], crop: Matrix) -> NDArray[np.uint8]:
    """The ``(96, 96)`` grey mouth of an RGB picture."""
    grey = imgproc.gray_from_rgb(sample(picture, crop, CROP_SIZE))
    return np.asarray(grey, dtype=np.uint8)[..., 0]
