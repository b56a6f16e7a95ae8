"""Places 468 landmarks on one face whose whereabouts are known: MediaPipe's face mesh.

Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs" (2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .geometry import Points, invert, sample, square_to_output, transform
from .networks import load_network

INPUT_SIZE = 192
LANDMARKS = 468
MARGIN = 1.5
"""Side of the region the mesh looks at, in units of the face's longer side."""
RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 33, 263
NOSE_TIP = 1
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the picture, turned with the head: where the mesh looks for the face.

    Attributes:
        centre: ``(2,)`` in picture pixels.
        side: in picture pixels.
        angle: radians, clockwise positive.
    """

    centre: Points
    side: float
    angle: float

    @classmethod
    def around(cls, landmarks: Points) -> Region:
        """The region in which to look for a face in the next frame, from its ``(468, 2)`` landmarks."""
        across = landmarks[LEFT_EYE_CORNER] - landmarks[RIGHT_EYE_CORNER]
        angle = math.atan2(across[1], across[0])
        upright = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turned = landmarks @ upright
        low, high = turned.min(axis=0), turned.max(axis=0)
        return cls(upright @ (low + high) / 2, MARGIN * float((high - low).max()), angle)

    def contains(self, point: Points) -> bool:
        """Whether a point lies within the face's own extent (a circle in the middle of the region)."""
        return bool(np.hypot(*(point - self.centre)) < self.side / MARGIN / 2)


class FaceMesh:
    """Landmarks of the face in one region of one picture; keeps no state."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    @classmethod
    def load(cls) -> FaceMesh:
        """Read the network from the package; raises HearsightError when it is damaged."""
        return cls(load_network("mesh.onnx"))

    def __call__(self, picture: NDArray[np.uint8], region: Region) -> tuple[Points, float]:
        """Fit the mesh in an RGB picture ``(height, width, 3)`` uint8.

        Returns:
            ``(468, 2)`` landmarks in picture pixels, and the probability in [0, 1] that the
            region holds a face at all.
        """
        to_input = square_to_output(region.centre, region.side, region.angle, INPUT_SIZE)
        view = sample(picture, to_input, INPUT_SIZE)
        landmarks, logit = self._session.run(["landmarks", "presence"], {"picture": view[None]})
        flat = landmarks.reshape(LANDMARKS, 2).astype(float)
        return transform(invert(to_input), flat), 1 / (1 + math.exp(-float(logit.item())))
