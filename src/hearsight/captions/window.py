"""A window with the picture, the mouth that is read, and the captions on top.

It is drawn with tkinter, Python's own toolkit: nothing more to install on most systems, and a picture of
640x480 costs 2 to 3 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from kornia_rs import imgproc
from numpy.typing import NDArray

from hearsight.captions.live_view import status_line
from hearsight.errors import HearsightError
from hearsight.types import Event

if TYPE_CHECKING:
    from hearsight.recognizer.live import LiveCaptions, LiveStatus
    from hearsight.recognizer.live_path import Sight

Drawing = NDArray[np.uint8]

WIDTH, HEIGHT = 854, 480
"""Of the picture in the window, in pixels."""
BAND = 104
"""Height of the darkened band behind the captions."""
BAND_BRIGHTNESS = 0.35
MOUTH_SIZE = 144
MARGIN = 12
STATUS_HEIGHT = 44
LINES = 3
"""Most lines of captions."""
FINAL_S = 6.0
"""A final is shown for so long, unless more is said."""
BACKGROUND, TEXT, FAINT, WARNING = "#16181d", "#ffffff", "#9aa0ac", "#ffd166"
FRAME_COLOUR = (120, 220, 232)


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word of the captions: where its left end stands, and whether it may still change."""

    text: str
    x: int
    line: int
    fixed: bool


class Window:
    """Shows live captions in a window; closing it ends them, and the keys are those of the terminal.

    Args:
        captions: whose pictures to show.

    Raises:
        HearsightError: there is no display, or this Python has no tkinter.
    """

    period_s = 1 / 15

    def __init__(self, captions: LiveCaptions) -> None:
        self._captions = captions
        self._final: Event | None = None
        self._partial: Event | None = None
        self._final_at = 0.0
        self._keys = ""
        self._tk = _tkinter()
        try:
            self._root = self._tk.Tk(className="hearsight")
        except self._tk.TclError as error:
            raise HearsightError(f"no window can be opened ({error}): leave out --window") from error

    def __enter__(self) -> Window:
        from tkinter import font

        root = self._root
        root.title("hearsight")
        root.resizable(False, False)
        root.protocol("WM_DELETE_WINDOW", lambda: self._press("q"))
        root.bind("<Key>", lambda event: self._press(event.char))
        self._font = font.Font(root=root, family="Helvetica", size=-24, weight="bold")
        self._small = font.Font(root=root, family="Helvetica", size=-13)
        self._canvas = self._tk.Canvas(
            root, width=WIDTH, height=HEIGHT + STATUS_HEIGHT, highlightthickness=0, background=BACKGROUND
        )
        self._canvas.pack()
        self._image = self._tk.PhotoImage(master=root, width=WIDTH, height=HEIGHT)
        self._canvas.create_image(0, 0, anchor="nw", image=self._image)
        root.update()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(self._tk.TclError):  # it may be gone
            self._root.destroy()

    def show(self, event: Event) -> None:
        """Take note of what was said; it is drawn with the next picture."""
        if event.kind == "final":
            self._final, self._partial, self._final_at = event, None, time.monotonic()
        else:
            self._partial = event

    def refresh(self, status: LiveStatus) -> None:
        """Draw the newest picture, the captions and the status."""
        try:
            self._draw(status)
        except self._tk.TclError:  # somebody else has closed the window
            self._press("q")

    def pressed(self) -> str:
        """The keys pressed since the last call; ``q`` for a closed window."""
        keys, self._keys = self._keys, ""
        return keys

    def _press(self, key: str) -> None:
        self._keys += key

    def _draw(self, status: LiveStatus) -> None:
        pixels = compose(self._captions.sight)
        header = f"P6 {WIDTH} {HEIGHT} 255 ".encode()
        self._image.configure(data=header + pixels.tobytes(), format="ppm")
        self._draw_words()
        self._draw_status(status)
        self._root.update()

    def _draw_words(self) -> None:
        if self._final is not None and time.monotonic() - self._final_at > FINAL_S:
            self._final = None
        self._canvas.delete("words")
        shown = [event for event in (self._final, self._partial) if event is not None]
        placed = place_words(shown, self._font.measure, WIDTH - 2 * MARGIN)
        step = (BAND - MARGIN) // LINES
        for word in placed:
            self._canvas.create_text(
                word.x + MARGIN,
                HEIGHT - BAND + MARGIN // 2 + word.line * step,
                text=word.text,
                anchor="nw",
                font=self._font,
                fill=TEXT if word.fixed else FAINT,
                tags="words",
            )

    def _draw_status(self, status: LiveStatus) -> None:
        line = status_line(status).plain
        self._canvas.delete("status")
        self._canvas.create_text(
            MARGIN,
            HEIGHT + STATUS_HEIGHT // 2,
            text=line,
            anchor="w",
            font=self._small,
            width=WIDTH - 2 * MARGIN,
            fill=WARNING if status.notices else FAINT,
            tags="status",
        )


def compose(sight: Sight | None) -> Drawing:
    """The picture with the mouth in a corner and a dark band for the captions, ``(480, 854, 3)`` RGB."""
    canvas = np.full((HEIGHT, WIDTH, 3), (22, 24, 29), np.uint8)
    if sight is not None:
        _paste_picture(canvas, sight)
    band = canvas[HEIGHT - BAND :]
    band[:] = (band * BAND_BRIGHTNESS).astype(np.uint8)
    if sight is not None and sight.crop is not None:
        left = WIDTH - MARGIN - MOUTH_SIZE
        mouth = _resized(np.repeat(sight.crop[..., None], 3, axis=2), (MOUTH_SIZE, MOUTH_SIZE), "bicubic")
        canvas[MARGIN : MARGIN + MOUTH_SIZE, left : left + MOUTH_SIZE] = mouth
        _outline(canvas, (left - 1, MARGIN - 1, left + MOUTH_SIZE, MARGIN + MOUTH_SIZE))
    return canvas


def place_words(events: Sequence[Event], measure: Callable[[str], int], width: int) -> list[PlacedWord]:
    """Lay the words of the events out in lines, each event on a line of its own; the last lines are kept.

    Args:
        events: the oldest first.
        measure: width of a text in pixels.
        width: of a line.
    """
    space, line, placed = measure(" "), -1, list[PlacedWord]()
    for event in events:
        x = width + 1
        for index, word in enumerate(event.words):
            length = measure(word.text)
            if x + length > width:
                x, line = 0, line + 1
            placed.append(PlacedWord(word.text, x, line, index < event.stable))
            x += length + space
    first = max(0, line + 1 - LINES)
    return [
        PlacedWord(word.text, word.x, word.line - first, word.fixed) for word in placed if word.line >= first
    ]


def _paste_picture(canvas: Drawing, sight: Sight) -> None:
    """As large as fits, in the middle, with a frame round the face."""
    height, width = sight.picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    x, y = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    place = canvas[y : y + size[1], x : x + size[0]]
    place[:] = _resized(sight.picture, size, "bilinear")
    if sight.track is not None:
        _outline(place, tuple(round(scale * value) for value in sight.track.box))


def _resized(drawing: Drawing, size: tuple[int, int], how: str) -> Drawing:
    """In ``size``, width and height."""
    height, width = drawing.shape[:2]
    if size == (width, height):
        return drawing
    if min(width, height) < 2:  # of one row or column alone it makes nothing
        drawing = drawing.repeat(2, axis=0).repeat(2, axis=1)
    return np.asarray(imgproc.resize(np.ascontiguousarray(drawing), size[::-1], how))


def _outline(drawing: Drawing, box: tuple[int, ...]) -> None:
    """A line one pixel wide along left, top, right and bottom, as far as they are inside."""
    height, width = drawing.shape[:2]
    left, top, right, bottom = box
    across = slice(max(left, 0), max(right + 1, 0))
    down = slice(max(top, 0), max(bottom + 1, 0))
    for row in {top, bottom} & set(range(height)):
        drawing[row, across] = FRAME_COLOUR
    for column in {left, right} & set(range(width)):
        drawing[down, column] = FRAME_COLOUR


def _tkinter() -> Any:
    try:
        import tkinter
    except ImportError as error:
        raise HearsightError(
            "--window needs tkinter, which this Python lacks: install it (Debian: apt install python3-tk), "
            "or leave out --window"
        ) from error
    return tkinter
