"""The station between capture and recognizer: chunks of pictures in, mouth crops out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from hearsight.types import CROP_SIZE, Chunk, Crops

from .alignment import Aligner, Alignment, draw_crop
from .course import MESH_INTERVAL, Face
from .detector import FaceDetector
from .geometry import Matrix, Points
from .mesh import FaceMesh
from .stillness import Stillness
from .tracker import FaceTracker


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """What the path knows about the face in one frame.

    Attributes:
        landmarks: ``(468, 2)`` points of MediaPipe's face mesh in picture pixels.
        presence: the mesh's probability in [0, 1] that this is a face.
        number: counts the faces followed so far; changes when another face is taken up.
        canvas: ``(2, 3)`` map from picture pixels to the aligned 256 x 256 face.
        transform: ``(2, 3)`` map from picture pixels to the 96 x 96 mouth crop.
    """

    landmarks: Points
    presence: float
    number: int
    canvas: Matrix
    transform: Matrix

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the face in picture pixels."""
        left, top = self.landmarks.min(axis=0)
        right, bottom = self.landmarks.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


class FacePath:
    """Finds, follows, aligns and crops the speaker's mouth, frame by frame.

    It looks at each frame and those before it, never ahead, so the crops do not depend on how
    the frames are cut into chunks. No face, and no picture, are ordinary states.
    """

    def __init__(self, tracker: FaceTracker) -> None:
        self._tracker = tracker
        self._aligner = Aligner()
        self._stillness = Stillness()
        self.last: list[FaceTrack | None] = []
        """The face in each frame of the latest chunk, None where there is none."""
        self.frozen = np.zeros(0, bool)
        """Of each frame of the latest chunk, whether the picture has frozen."""

    @classmethod
    def load(cls, *, mesh_interval: int = MESH_INTERVAL) -> FacePath:
        """A path with the two networks of the package, which all paths of a process share.

        Args:
            mesh_interval: frames from one look of the mesh at a steady face to the next; 1 looks at every
                frame, for nearly twice the cost.

        Raises:
            HearsightError: a network is damaged.
        """
        return cls(FaceTracker(*_networks(), mesh_interval))

    @property
    def mesh_interval(self) -> int:
        """Frames from one look of the mesh at a steady face to the next; may be set at any time."""
        return self._tracker.course.interval

    @mesh_interval.setter
    def mesh_interval(self, interval: int) -> None:
        self._tracker.course.interval = interval

    def reset(self) -> None:
        """Forget the face, as at the start of another input."""
        self._tracker.reset()
        self._aligner.reset()
        self._stillness.reset()
        self.last, self.frozen = [], np.zeros(0, bool)

    def process(self, chunk: Chunk) -> Crops:
        """Crop the mouth in the next chunk of the input, of any number of frames.

        Returns:
            Crops of the same ticks: zeros and ``video_present`` False where no face is seen. The face in a
            frozen picture is followed and cropped too; :attr:`frozen` tells.
        """
        pixels = np.zeros((len(chunk), CROP_SIZE, CROP_SIZE), dtype=np.uint8)
        self.last = []
        self.frozen = np.array([self._stillness(picture) for picture in chunk.frames], dtype=bool)
        for index, picture in enumerate(chunk.frames):
            face = self._tracker(picture)
            alignment = self._aligner(face)
            if picture is None or face is None or alignment is None:
                self.last.append(None)
                continue
            pixels[index] = draw_crop(picture, alignment.crop)
            self.last.append(_track(face, alignment))
        present = np.array([track is not None for track in self.last], dtype=bool)
        return Crops(chunk.start, pixels, present)


@cache
def _networks() -> tuple[FaceDetector, FaceMesh]:
    """Opened once: they keep no state, and opening them takes as long as half a second of input."""
    return FaceDetector.load(), FaceMesh.load()


def _track(face: Face, alignment: Alignment) -> FaceTrack:
    return FaceTrack(face.landmarks, face.presence, face.number, alignment.canvas, alignment.crop)
