"""Follows one face from frame to frame: the largest at first, the same one from then on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .course import MESH_INTERVAL, Course, Face
from .detector import Detection, FaceDetector
from .geometry import Points
from .mesh import MARGIN, FaceMesh, Region

MINIMUM_PRESENCE = 0.5
"""Below this probability the region is held not to show a face."""
MEMORY_FRAMES = 25
"""Frames for which the place of a lost face is remembered, so that it is taken up again there."""
CANDIDATES = 3
"""Detections tried on a frame before the mesh's word is taken that none of them is a face."""


class FaceTracker:
    """Runs the mesh where the face was, and the detector only when it is not there any more.

    A steady face is looked at every few frames and carried on between them, so that one that goes is
    missed that much later at most; a face that comes is found in its first frame.

    Args:
        detector: finds faces anywhere.
        mesh: fits one where it is expected.
        interval: frames from one look of the mesh at a steady face to the next.

    Attributes:
        course: of the face; its interval may be set at any time.
    """

    def __init__(self, detector: FaceDetector, mesh: FaceMesh, interval: int = MESH_INTERVAL) -> None:
        self._detector = detector
        self._mesh = mesh
        self.course = Course(interval)
        self.detections = 0
        """Times the detector ran, for measuring."""
        self.reset()

    def reset(self) -> None:
        """Forget the face, as at the start of another input."""
        self.course.clear()
        self._picture: NDArray[np.uint8] | None = None
        self._face: Face | None = None
        self._landmarks: Points | None = None
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
        # Videos of few frames a second show one picture at several ticks: nothing moves between them.
        if picture is not self._picture or not self.course.settled:
            self._picture, self._face = picture, self._next(picture)
        return self._face

    def _next(self, picture: NDArray[np.uint8] | None) -> Face | None:
        if picture is not None and picture.shape != self._shape:
            self.course.clear()
            self._landmarks, self._shape = None, picture.shape
        face = None if picture is None else self.course.carry_on() or self._look(picture)
        if face is not None:
            self._landmarks, self._lost_for = face.landmarks, 0
            return face
        self.course.clear()
        self._lost_for += 1
        if self._lost_for > MEMORY_FRAMES:
            self._landmarks = None
        return None

    def _look(self, picture: NDArray[np.uint8]) -> Face | None:
        region = None if self._landmarks is None else Region.around(self._landmarks)
        if region is not None and (face := self._fit(picture, region, self._number)) is not None:
            self.course.look(face)
            return face
        # In the region of the detector the mesh is off by some pixels: how it settles is no motion.
        self.course.clear()
        return self._find(picture, region)

    def _find(self, picture: NDArray[np.uint8], known: Region | None) -> Face | None:
        def is_elsewhere(detection: Detection) -> bool:
            return known is None or not known.contains(detection.centre)

        self.detections += 1
        # A stable sort: the face where it was, then the others, largest first.
        for detection in sorted(self._detector(picture), key=is_elsewhere)[:CANDIDATES]:
            number = self._number + is_elsewhere(detection)
            region = Region(detection.centre, MARGIN * detection.size, detection.roll)
            face = self._fit(picture, region, number)
            if face is not None:
                self._number = number
                return face
        return None

    def _fit(self, picture: NDArray[np.uint8], region: Region, number: int) -> Face | None:
        landmarks, presence = self._mesh(picture, region)
        return Face(landmarks, presence, number) if presence >= MINIMUM_PRESENCE else None
