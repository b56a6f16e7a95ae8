"""Shows what the face path does with an input: an animated picture and a contact sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

from hearsight.capture.files import read_chunks
from hearsight.errors import MediaError
from hearsight.types import FRAME_RATE

from .panels import Drawing, PanelPainter
from .path import FacePath, FaceTrack

SHEET_ROWS = 6
QUALITY = 60
"""Of the animated picture, 0 to 100: enough for the eye at about 10 kB a frame."""


def inspect(source: str | Path, out_dir: str | Path, *, seconds: float = 20.0) -> list[Path]:
    """Draw original, detected, aligned and cropped for each frame of an input.

    Args:
        source: anything :func:`hearsight.capture.files.read_chunks` reads.
        out_dir: folder for the pictures; made if it does not exist.
        seconds: how much of the input to show, from its beginning.

    Returns:
        The files written: ``face.webp``, animated at 25 frames a second, and ``face.png``, a
        contact sheet of frames evenly spaced over the same time.

    Raises:
        MediaError: the source cannot be read, or has no pictures.
    """
    frames = islice(_follow(source), max(1, round(seconds * FRAME_RATE)))
    painter, early = _painter(frames)
    if painter is None:
        raise MediaError(f"{source} has no pictures to inspect: give a video.")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    animation, sheet = folder / "face.webp", folder / "face.png"
    rows = _animate(animation, painter, chain(early, frames))
    Image.fromarray(np.vstack([painter.header(), *rows])).save(sheet)
    return [animation, sheet]


@dataclass(frozen=True, slots=True)
class _Frame:
    """One tick of the input with what the path made of it."""

    tick: int
    picture: Drawing | None
    track: FaceTrack | None
    crop: Drawing

    def paint(self, painter: PanelPainter) -> Drawing:
        strip = painter.strip(self.picture, self.track, self.crop)
        return np.vstack([strip, painter.footer(self.tick / FRAME_RATE, self.track)])


def _follow(source: str | Path) -> Iterator[_Frame]:
    path = FacePath.load()
    for chunk in read_chunks(source):
        crops = path.process(chunk)
        for index, picture in enumerate(chunk.frames):
            yield _Frame(chunk.start + index, picture, path.last[index], crops.pixels[index])


def _painter(frames: Iterator[_Frame]) -> tuple[PanelPainter | None, list[_Frame]]:
    """Take frames up to the first with a picture, which decides the size of the panels."""
    early = []  # sound may begin before the pictures do
    for frame in frames:
        early.append(frame)
        if frame.picture is not None:
            height, width = frame.picture.shape[:2]
            return PanelPainter(width, height), early
    return None, early


def _animate(file: Path, painter: PanelPainter, frames: Iterable[_Frame]) -> list[Drawing]:
    """Write the animated picture; returns a few evenly spaced strips of it for the contact sheet."""
    header, sheet = painter.header(), _EvenlySpaced(SHEET_ROWS)
    with av.open(str(file), "w", format="webp", options={"loop": "0"}) as container:
        stream = container.add_stream("libwebp_anim", rate=FRAME_RATE, options={"quality": str(QUALITY)})
        stream.width, stream.height = painter.size
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            strip = frame.paint(painter)
            sheet.add(strip)
            drawing = np.vstack([header, strip])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawing, format="rgb24")))
        container.mux(stream.encode(None))
    return sheet.chosen()


class _EvenlySpaced:
    """Keeps a few evenly spaced drawings out of many, never holding more than four times as many."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._step = 1
        self._seen = 0
        self._kept: list[Drawing] = []

    def add(self, drawing: Drawing) -> None:
        if self._seen % self._step == 0:
            self._kept.append(drawing)
        self._seen += 1
        if len(self._kept) > 4 * self._count:
            self._kept = self._kept[::2]
            self._step *= 2

    def chosen(self) -> list[Drawing]:
        places = np.linspace(0, len(self._kept) - 1, min(self._count, len(self._kept)))
        return [self._kept[round(place)] for place in places]
