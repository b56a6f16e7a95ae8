"""Drawn faces of known place, size and roll that the networks take for real ones, and what finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hearsight.face import FacePath
from hearsight.face.detector import FaceDetector
from hearsight.face.mesh import FaceMesh
from hearsight.face.tracker import FaceTracker
from hearsight.types import Chunk

Picture = NDArray[np.uint8]
Colour = tuple[int, ...]

SKIN, HAIR, BROW = (214, 168, 140), (60, 42, 32), (120, 85, 70)
SIZE = 288
MIDDLE = SIZE // 2
FACE_WIDTH = 104
"""Of the face as it is painted, before it is scaled to the width asked for."""


@dataclass(frozen=True)
class DrawnFace:
    """One face: middle, width of the cheeks in pixels, roll in radians (clockwise), openness of the mouth."""

    x: float
    y: float
    width: float = 100
    roll: float = 0
    mouth: float = 0.3

    @property
    def matrix(self) -> NDArray[np.float64]:
        """From the painted face to the picture."""
        scale = self.width / FACE_WIDTH
        matrix = cv2.getRotationMatrix2D((MIDDLE, MIDDLE), -np.degrees(self.roll), scale)
        matrix[:, 2] += np.array([self.x, self.y]) - MIDDLE
        return matrix

    def place(self, across: float, down: float) -> NDArray[np.float64]:
        """Where a point of the painted face comes to lie in the picture."""
        return self.matrix @ np.array([MIDDLE + across, MIDDLE + down, 1])

    @property
    def mouth_centre(self) -> NDArray[np.float64]:
        return self.place(0, 40)


def draw(*faces: DrawnFace, size: tuple[int, int] = (360, 288)) -> Picture:
    """An RGB picture of ``size`` (width, height) that shows the faces, the last one in front."""
    picture = np.full((size[1], size[0], 3), (90, 130, 150), np.uint8)
    for face in faces:
        painted, mask = _paint(face.mouth)
        interpolation = cv2.INTER_LINEAR
        layer = cv2.warpAffine(painted, face.matrix, size, flags=interpolation)
        cover = cv2.warpAffine(mask, face.matrix, size, flags=interpolation)[..., None] / 255
        picture = (picture * (1 - cover) + layer * cover).astype(np.uint8)
    return picture


def _paint(mouth: float) -> tuple[Picture, Picture]:
    """The face upright in the middle of a square, and the mask of what it covers."""
    painted, mask = np.zeros((SIZE, SIZE, 3), np.uint8), np.zeros((SIZE, SIZE), np.uint8)

    def oval(x: int, y: int, width: int, height: int, colour: Colour, *arc: int) -> None:
        start, end, thickness = arc or (0, 360, -1)
        shape = (MIDDLE + x, MIDDLE + y), (width, height), 0, start, end
        cv2.ellipse(painted, *shape, colour, thickness, cv2.LINE_AA)
        if thickness == -1:
            cv2.ellipse(mask, *shape, 255, -1, cv2.LINE_AA)

    oval(0, -18, 60, 72, HAIR)
    oval(0, 88, 24, 34, tuple(int(value * 0.85) for value in SKIN))
    oval(0, 0, FACE_WIDTH // 2, 70, SKIN)
    oval(0, -62, 44, 18, HAIR)
    for side in (-1, 1):
        oval(21 * side, -14, 11, 6, (245, 245, 245))
        oval(21 * side, -14, 5, 5, (50, 35, 25))
        oval(21 * side, -28, 13, 5, HAIR, 180, 360, 3)
        oval(21 * side, -14, 12, 7, BROW, 180, 360, 2)
        oval(5 * side, 18, 2, 2, (110, 70, 60))
    cv2.line(painted, (MIDDLE - 3, MIDDLE - 8), (MIDDLE - 6, MIDDLE + 14), (188, 140, 114), 3, cv2.LINE_AA)
    oval(0, 16, 10, 6, (176, 126, 102), 0, 180, 2)
    oval(0, 40, 21, 5 + int(12 * mouth), (170, 75, 78))
    oval(0, 40, 16, 1 + int(10 * mouth), (70, 25, 28))
    return cv2.GaussianBlur(painted, (0, 0), 1.0), mask


@pytest.fixture(scope="session")
def face() -> type[DrawnFace]:
    """Describes a drawn face: ``face(x, y, width=100, roll=0, mouth=0.3)``."""
    return DrawnFace


@pytest.fixture(scope="session")
def picture() -> Callable[..., Picture]:
    """Draws faces: ``picture(*faces, size=(360, 288))``."""
    return draw


@pytest.fixture(scope="session")
def chunk_of() -> Callable[[Sequence[Picture | None]], Chunk]:
    """Makes a silent chunk of pictures that starts at tick ``start``."""

    def make(pictures: Sequence[Picture | None], start: int = 0) -> Chunk:
        count = len(pictures)
        return Chunk(start, list(pictures), np.zeros(640 * count, np.float32), np.zeros(count, bool))

    return make


@pytest.fixture(scope="session")
def detector() -> FaceDetector:
    return FaceDetector.load()


@pytest.fixture(scope="session")
def mesh() -> FaceMesh:
    return FaceMesh.load()


@pytest.fixture
def tracker(detector: FaceDetector, mesh: FaceMesh) -> FaceTracker:
    return FaceTracker(detector, mesh)


@pytest.fixture
def path(tracker: FaceTracker) -> FacePath:
    return FacePath(tracker)
