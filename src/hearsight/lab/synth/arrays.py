"""Types of arrays, and OpenCV's resampling with types."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
Pixels = NDArray[np.uint8]


def blurred(picture: Floats, across: float, down: float | None = None) -> Floats:
    """Gaussian blur by deviations in pixels; the border is mirrored."""
    soft = cv2.GaussianBlur(picture, (0, 0), across, sigmaY=down or across)
    return np.asarray(soft, np.float32)


def shrunk(picture: Floats, width: int, height: int) -> Floats:
    """Each pixel the mean of those that it covers."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def enlarged(picture: Floats, width: int, height: int) -> Floats:
    """Bicubic interpolation."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
