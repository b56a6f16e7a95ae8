"""Finds faces anywhere in a picture: MediaPipe's full-range face detector.

A single-shot detector in the manner of "BlazeFace: Sub-millisecond Neural Face Detection on
Mobile GPUs" (Bazarevsky et al., 2019): 48 x 48 cells, one candidate each, candidates that
overlap are averaged by their scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .geometry import Points, sample, square_to_output
from .networks import load_network

INPUT_SIZE = 192
GRID_SIZE = 48
MINIMUM_SCORE = 0.5
OVERLAP = 0.3
"""Candidates that share more than this part of their union are one face."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One face as the detector sees it, in picture pixels.

    Attributes:
        score: in [0, 1].
        box: ``(2, 2)`` left-top and right-bottom corner, forehead to chin.
        eyes: ``(2, 2)`` the person's right and left eye (left and right on the screen).
    """

    score: float
    box: Points
    eyes: Points

    @property
    def centre(self) -> Points:
        """Middle of the box."""
        middle: Points = self.box.mean(axis=0)
        return middle

    @property
    def size(self) -> float:
        """Longer side of the box in pixels."""
        return float(np.ptp(self.box, axis=0).max())

    @property
    def roll(self) -> float:
        """Rotation of the head in the picture plane, radians, clockwise positive."""
        across = self.eyes[1] - self.eyes[0]
        return float(np.arctan2(across[1], across[0]))


class FaceDetector:
    """Finds the faces in one picture; keeps no state."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        rows, columns = np.mgrid[:GRID_SIZE, :GRID_SIZE]
        self._centres = (np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5) / GRID_SIZE

    @classmethod
    def load(cls) -> FaceDetector:
        """Read the network from the package; raises HearsightError when it is damaged."""
        return cls(load_network("detector.onnx"))

    def __call__(self, picture: NDArray[np.uint8]) -> list[Detection]:
        """Find faces in an RGB picture ``(height, width, 3)`` uint8, largest first."""
        height, width = picture.shape[:2]
        side, middle = max(height, width), np.array([width / 2, height / 2])
        view = sample(picture, square_to_output(middle, side, 0.0, INPUT_SIZE), INPUT_SIZE)
        boxes, logits = self._session.run(["boxes", "scores"], {"picture": view[None]})
        threshold = np.log(MINIMUM_SCORE / (1 - MINIMUM_SCORE))
        chosen = np.flatnonzero(logits[0, :, 0] > threshold)
        scores = 1 / (1 + np.exp(-logits[0, chosen, 0].astype(float)))
        points = self._corners_and_eyes(boxes[0, chosen].astype(float), chosen)
        faces = _merge(scores, points * side + middle - side / 2)
        return sorted(faces, key=lambda face: face.size, reverse=True)

    def _corners_and_eyes(self, raw: NDArray[np.float64], cells: NDArray[np.intp]) -> Points:
        """Decode ``(n, 16)`` outputs to ``(n, 4, 2)``: two corners, two eyes, as parts of the input."""
        raw = raw.reshape(-1, 8, 2) / INPUT_SIZE
        cell = self._centres[cells][:, None]
        centre, half = raw[:, :1] + cell, raw[:, 1:2] / 2
        return np.concatenate([centre - half, centre + half, raw[:, 2:4] + cell], axis=1)


def _merge(scores: NDArray[np.float64], points: Points) -> list[Detection]:
    """Join overlapping candidates into faces, weighted by score (weighted non-maximum suppression)."""
    faces = []
    left = np.argsort(-scores)
    while len(left):
        boxes = points[left, :2]
        shared = np.minimum(boxes[:, 1], boxes[0, 1]) - np.maximum(boxes[:, 0], boxes[0, 0])
        intersection = np.prod(np.maximum(shared, 0), axis=1)
        areas = np.prod(boxes[:, 1] - boxes[:, 0], axis=1)
        same = intersection > OVERLAP * (areas + areas[0] - intersection)
        same[0] = True
        members = left[same]
        mean = np.average(points[members], axis=0, weights=scores[members])
        faces.append(Detection(float(scores[left[0]]), mean[:2], mean[2:]))
        left = left[~same]
    return faces
