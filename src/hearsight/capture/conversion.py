"""Decoded video frames as RGB pictures: upright, with square pixels, at most full HD."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import cast

import numpy as np
from av.buffer import Buffer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""``(height, width, 3)`` RGB."""

_MAX_SIDE = 1920
"""Larger pictures are reduced: in full HD even a distant face has all the pixels of a mouth crop."""
_MAX_ASPECT = 4.0
"""A pixel longer than this is a mistake in the file."""
_SAME_SHAPE = 0.05
_PIXEL = np.dtype("V3")


class PictureConverter:
    """Makes pictures of the frames of one stream.

    All pictures have the size of the first one, even where the stream changes its resolution (calls do,
    on a bad line), so that what tracks faces in them is not disturbed; only another shape is kept.

    Args:
        pixel_aspect: width of a stored pixel over its height, None if it is not known.
    """

    def __init__(self, pixel_aspect: Fraction | None) -> None:
        aspect = float(pixel_aspect or 1)
        self._aspect = aspect if 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT else 1.0
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None
        self._rotation: int | None = None
        self._matrix = (1, 0, 0, 1)

    def convert(self, frame: VideoFrame) -> Picture | None:
        """The picture, or None if its pixel format cannot be converted."""
        width, height = self._target_size(frame)
        # A colour space that is marked wrongly is refused: then the usual one is taken.
        for colorspace in (None, Colorspace.ITU601):
            try:
                rgb = self._reformatter.reformat(
                    frame, width, height, "rgb24", src_colorspace=colorspace, threads=1
                )
            except FFmpegError:
                continue
            # Rows may be padded in the frame's memory.
            picture = np.ascontiguousarray(cast(Picture, rgb.to_ndarray()))
            return upright(picture, self._display_matrix(frame))
        return None

    def _display_matrix(self, frame: VideoFrame) -> tuple[int, int, int, int]:
        # Asking a frame for its side data makes a reference cycle, which keeps its memory for long:
        # it is done once, and again only if the phone was turned.
        if frame.rotation != self._rotation:
            self._rotation, self._matrix = frame.rotation, display_matrix(frame)
        return self._matrix

    def _target_size(self, frame: VideoFrame) -> tuple[int, int]:
        width, height = frame.width * self._aspect, float(frame.height)
        if self._size is not None:
            change = (width / height) / (self._size[0] / self._size[1])
            if abs(change - 1) < _SAME_SHAPE:
                return self._size
        scale = min(1.0, _MAX_SIDE / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        self._size = self._size or size
        return size


def display_matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """How the camera was held: ``(a, b, c, d)`` with ``x' = a x + c y`` and ``y' = b x + d y``.

    The signs and the larger of ``a`` and ``b`` tell turns by 90 degrees and mirrorings apart.
    """
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # Another kind of side data is newer than PyAV's list; the angle it gives all the same.
        angle = math.radians(frame.rotation)
        a, b = round(math.cos(angle)), -round(math.sin(angle))
        return a, b, -b, a
    if matrix is None:
        return 1, 0, 0, 1
    values = np.frombuffer(bytes(cast(Buffer, matrix)), np.int32)
    return int(values[0]), int(values[1]), int(values[3]), int(values[4])


def upright(picture: Picture, matrix: tuple[int, int, int, int]) -> Picture:
    """Turn and mirror a stored picture, which is contiguous, the way its display matrix says."""
    a, b, c, d = matrix
    swapped = abs(b) > abs(a)
    flip_x, flip_y = (c < 0, b < 0) if swapped else (a < 0, d < 0)
    # Whole pixels are moved, which is quicker than moving their colours one by one.
    pixels = picture.view(_PIXEL)[..., 0]
    pixels = pixels.T if swapped else pixels
    pixels = pixels[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
    return np.ascontiguousarray(pixels)[..., None].view(np.uint8)
