"""Draws what the face path does: original, detected, aligned and cropped, side by side."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .alignment import CANVAS_SIZE, FOUR_POINTS
from .geometry import Matrix, sample, transform
from .mesh import INNER_LIPS, OUTER_LIPS
from .path import FaceTrack

Drawing = NDArray[np.uint8]
Colour = tuple[int, int, int]

PANEL_HEIGHT = 240
GAP = 12
DIMMED = 0.75
"""Brightness of the picture under the drawn landmarks."""
HEADER = 34
FOOTER = 30
FONT_SIZE = 15
FINER = 4
"""Shapes are drawn so many times as fine as they are shown."""
LINE = 1.25
"""Width of the lips' outline in pixels."""
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
            line = _write(line, title, (left, HEADER - 11), BRIGHT)
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
        line = _write(self._line(FOOTER), f"{second:.2f} s", (GAP, 18), FAINT)
        if track is None:
            return line
        return _write(line, f"face {track.presence:.2f}", (2 * GAP + self._width, 18), FAINT)

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
    points = transform(to_panel, track.landmarks)
    fine = _enlarged((panel * DIMMED).astype(np.uint8))
    pen = ImageDraw.Draw(fine)
    for point in points:
        _dot(pen, point, 0.75, DOTS)
    for lips in (OUTER_LIPS, INNER_LIPS):
        outline = [_fine(point) for point in points[[*lips, *lips[:2]]]]
        pen.line(outline, LIPS, round(LINE * FINER), joint="curve")
    for point in FOUR_POINTS @ points:
        _dot(pen, point, 3, ANCHORS)
    drawn = fine.reduce(FINER)
    left, top, right, bottom = (round(float(value)) for value in (*points.min(axis=0), *points.max(axis=0)))
    ImageDraw.Draw(drawn).rectangle((left - 4, top - 4, right + 4, bottom + 4), outline=FRAME)
    return np.asarray(drawn)


def _beside(panels: list[Drawing]) -> Drawing:
    gap = np.full((PANEL_HEIGHT, GAP, 3), BACKGROUND, dtype=np.uint8)
    parts = [part for panel in panels for part in (gap, panel)]
    return np.hstack([*parts, gap])


def _resized(drawing: Drawing, size: tuple[int, int]) -> Drawing:
    return np.asarray(Image.fromarray(drawing).resize(size, Image.Resampling.BICUBIC))


def _blank(width: int) -> Drawing:
    return np.full((PANEL_HEIGHT, width, 3), EMPTY, dtype=np.uint8)


def _notice(text: str, width: int) -> Drawing:
    return _write(_blank(width), text, (width / 2, PANEL_HEIGHT / 2), FAINT, "mm")


def _write(
    drawing: Drawing, text: str, at: tuple[float, float], colour: Colour, anchor: str = "ls"
) -> Drawing:
    """The drawing with a text on it; ``anchor`` is which part of the text is ``at``, as Pillow names it."""
    written = Image.fromarray(drawing)
    ImageDraw.Draw(written).text(at, text, colour, _font(), anchor)
    return np.asarray(written)


@cache
def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The one that Pillow brings along."""
    return ImageFont.load_default(FONT_SIZE)


def _enlarged(drawing: Drawing) -> Image.Image:
    """To be drawn on and reduced again, which makes edges smooth and leaves the rest as it is."""
    height, width = drawing.shape[:2]
    return Image.fromarray(drawing).resize((width * FINER, height * FINER), Image.Resampling.NEAREST)


def _fine(point: NDArray[np.float64]) -> tuple[float, float]:
    """Where a place in the drawing lies in the enlarged one: centres of pixels are whole numbers in both."""
    x, y = (float(value) * FINER + (FINER - 1) / 2 for value in point)
    return x, y


def _dot(pen: ImageDraw.ImageDraw, at: NDArray[np.float64], radius: float, colour: Colour) -> None:
    pen.circle(_fine(at), radius * FINER, colour)
