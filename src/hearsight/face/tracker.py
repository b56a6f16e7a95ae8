"""Follows one face from frame to frame: the largest at first, the same one from then on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .detector import Detection, FaceDetector
from .geometry import Points
from .mesh import MARGIN, FaceMesh, Region

MINIMUM_PRESENCE = 0.5
"""Below this probability the region is held not to show a face."""
MEMORY_FRAMES = 25
"""Frames for which the place of a lost face is remembered, so that it is taken up again there."""
CANDIDATES = 3
"""Detections tried on a frame before the mesh's word is taken that none of them is a face."""


@dataclass(frozen=True, slots=True)
class Face:
    """The followed face in one frame.

    Attributes:
        landmarks: ``(468, 2)`` in picture pixels.
        presence: the mesh's probability that it is a face.
        number: counts the faces followed so far; changes when another face is taken up.
    """

    landmarks: Points
    presence: float
    number: int


class FaceTracker:
    """Runs the mesh where the face was, and the detector only when it is not there any more."""

    def __init__(self, detector: FaceDetector, mesh: FaceMesh) -> None:
        self._detector = detector
        self._mesh = mesh
        self.detections = 0
        """Times the detector ran, for measuring."""
        self.reset()

    def reset(self) -> None:
        """Forget the face, as at the start of another input."""
        self._region: Region | None = None
        self._lost_for = 0
        self._number = -1
        self._shape: tuple[int, ...] = ()

    def __call__(self, picture: NDArray[np.uint8] | None) -> Face | None:
        """Find the followed face in the next frame.

        Args:
            picture: RGB ``(height, width, 3)`` uint8 of any size, or None where there is none.

        Returns:
            The face, or None where the picture shows none.
        """
        if picture is not None and picture.shape != self._shape:
            self._region, self._shape = None, picture.shape
        face = None if picture is None else self._follow(picture) or self._find(picture)
        if face is not None:
            self._region, self._lost_for = Region.around(face.landmarks), 0
        else:
            self._lost_for += 1
            if self._lost_for > MEMORY_FRAMES:
                self._region = None
        return face

    def _follow(self, picture: NDArray[np.uint8]) -> Face | None:
        if self._region is None:
            return None
        return self._fit(picture, self._region, self._number)

    def _find(self, picture: NDArray[np.uint8]) -> Face | None:
        self.detections += 1
        detections = self._detector(picture)
        detections.sort(key=self._is_elsewhere)  # a stable sort: largest first among the others
        for detection in detections[:CANDIDATES]:
            number = self._number + self._is_elsewhere(detection)
            region = Region(detection.centre, MARGIN * detection.size, detection.roll)
            face = self._fit(picture, region, number)
            if face is not None:
                self._number = number
                return face
        return None

    def _is_elsewhere(self, detection: Detection) -> bool:
        return self._region is None or not self._region.contains(detection.centre)

    def _fit(self, picture: NDArray[np.uint8], region: Region, number: int) -> Face | None:
        landmarks, presence = self._mesh(picture, region)
        return Face(landmarks, presence, number) if presence >= MINIMUM_PRESENCE else None
