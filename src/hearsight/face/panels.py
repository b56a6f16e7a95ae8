"""Draws what the face path does: original, detected, aligned and cropped, side by side."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .alignment import CANVAS_SIZE, FOUR_POINTS
from .geometry import Matrix, sample, transform
from .mesh import INNER_LIPS, OUTER_LIPS
from .path import FaceTrack

Drawing = NDArray[np.uint8]

PANEL_HEIGHT = 240
GAP = 12
DIMMED = 0.75
"""Brightness of the picture under the drawn landmarks."""
HEADER = 34
FOOTER = 30
TITLES = ("original", "detected", "aligned", "mouth")
BACKGROUND, EMPTY, FAINT, BRIGHT = (22, 24, 29), (38, 41, 48), (140, 146, 158), (236, 239, 244)
DOTS, FRAME, LIPS, ANCHORS = (120, 220, 232), (120, 220, 232), (255, 111, 97), (255, 209, 102)


class PanelPainter:
    """Paints one strip of four panels for each frame; all strips of an input have one size."""

    def __init__(self, width: int, height: int) -> None:
        """Take the size in pixels of the first picture, which gives the panels their shape."""
        fitting = PANEL_HEIGHT * width / height
        # Video formats want even sizes.
        self._width = 2 * round(min(max(fitting, PANEL_HEIGHT / 2), PANEL_HEIGHT * 2) / 2)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of a header with one strip and its footer."""
        return 2 * self._width + 2 * PANEL_HEIGHT + 5 * GAP, HEADER + PANEL_HEIGHT + FOOTER

    def header(self) -> Drawing:
        """The titles of the four panels."""
        line = self._line(HEADER)
        left = GAP
        for title, width in zip(TITLES, (self._width, self._width, PANEL_HEIGHT, PANEL_HEIGHT), strict=True):
            _write(line, title, (left, HEADER - 11), BRIGHT, 0.52)
            left += width + GAP
        return line

    def strip(self, picture: Drawing | None, track: FaceTrack | None, crop: Drawing) -> Drawing:
        """The four panels of one frame.

        Args:
            picture: RGB ``(height, width, 3)``, or None where there is none.
            track: what the path found in it.
            crop: ``(96, 96)`` grey.
        """
        if picture is None:
            return _beside(
                [_notice("no picture", self._width), _blank(self._width)] + [_blank(PANEL_HEIGHT)] * 2
            )
        shown, to_panel = self._fit(picture)
        if track is None:
            return _beside([shown, _notice("no face", self._width)] + [_blank(PANEL_HEIGHT)] * 2)
        aligned = sample(picture, track.canvas * (PANEL_HEIGHT / CANVAS_SIZE), PANEL_HEIGHT)
        mouth = _resized(np.repeat(crop[..., None], 3, axis=2), (PANEL_HEIGHT, PANEL_HEIGHT))
        return _beside([shown, _detected(shown, track, to_panel), aligned, mouth])

    def footer(self, second: float, track: FaceTrack | None) -> Drawing:
        """Time and finding of one frame, to stand below its strip."""
        line = self._line(FOOTER)
        _write(line, f"{second:.2f} s", (GAP, 18), FAINT, 0.45)
        if track is not None:
            _write(line, f"face {track.presence:.2f}", (2 * GAP + self._width, 18), FAINT, 0.45)
        return line

    def _line(self, height: int) -> Drawing:
        """Room for writing, as wide as a strip."""
        return np.full((height, self.size[0], 3), BACKGROUND, dtype=np.uint8)

    def _fit(self, picture: Drawing) -> tuple[Drawing, Matrix]:
        """Letterbox a picture of any size into the panel; also the map from its pixels to the panel's."""
        height, width = picture.shape[:2]
        scale = min(self._width / width, PANEL_HEIGHT / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        panel = _blank(self._width)
        left, top = (self._width - size[0]) // 2, (PANEL_HEIGHT - size[1]) // 2
        panel[top : top + size[1], left : left + size[0]] = _resized(picture, size)
        return panel, np.array([[scale, 0, left], [0, scale, top]])


def _detected(panel: Drawing, track: FaceTrack, to_panel: Matrix) -> Drawing:
    """The picture with the face's box, its landmarks, its lips and the four points of the alignment."""
    panel = (panel * DIMMED).astype(np.uint8)
    points = transform(to_panel, track.landmarks)
    for point in points:
        _dot(panel, point, 0.5, DOTS)
    for lips in (OUTER_LIPS, INNER_LIPS):
        outline = np.round(points[list(lips)] * 16).astype(np.int32)
        cv2.polylines(panel, [cv2.convexHull(outline)], True, LIPS, 1, cv2.LINE_AA, 4)
    left, top, right, bottom = (round(float(value)) for value in (*points.min(axis=0), *points.max(axis=0)))
    cv2.rectangle(panel, (left - 4, top - 4), (right + 4, bottom + 4), FRAME, 1, cv2.LINE_AA)
    for point in FOUR_POINTS @ points:
        _dot(panel, point, 3, ANCHORS)
    return panel


def _beside(panels: list[Drawing]) -> Drawing:
    gap = np.full((PANEL_HEIGHT, GAP, 3), BACKGROUND, dtype=np.uint8)
    parts = [part for panel in panels for part in (gap, panel)]
    return np.hstack([*parts, gap])


def _resized(drawing: Drawing, size: tuple[int, int]) -> Drawing:
    smaller = size[0] < drawing.shape[1]
    resized = cv2.resize(drawing, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def _blank(width: int) -> Drawing:
    return np.full((PANEL_HEIGHT, width, 3), EMPTY, dtype=np.uint8)


def _notice(text: str, width: int) -> Drawing:
    panel = _blank(width)
    (length, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
    _write(panel, text, ((width - length) // 2, PANEL_HEIGHT // 2 + 5), FAINT, 0.5)
    return panel


def _write(drawing: Drawing, text: str, at: tuple[int, int], colour: tuple[int, ...], size: float) -> None:
    cv2.putText(drawing, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def _dot(drawing: Drawing, at: NDArray[np.float64], radius: float, colour: tuple[int, ...]) -> None:
    """A smooth dot at a place between pixels."""
    x, y = (round(float(value) * 16) for value in at)
    cv2.circle(drawing, (x, y), round(radius * 16), colour, -1, cv2.LINE_AA, 4)
