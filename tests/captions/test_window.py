"""The window of live captions: the picture, the mouth that is read, and the words."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.captions.window import BAND, FRAME_COLOUR, HEIGHT, LINES, WIDTH, Window, compose, place_words
from hearsight.capture.files import read_chunks
from hearsight.errors import HearsightError
from hearsight.face import FacePath
from hearsight.recognizer.live_path import Sight
from hearsight.types import Event, Word

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "set_white_by_k_four_soon.mp4"


def event(text: str, stable: int = 0) -> Event:
    words = tuple(Word(word, 0.0, 0.1, 0.9) for word in text.split())
    return Event("partial", words, 0.0, 1.0, ("audio",), stable=stable)


def measure(text: str) -> int:
    return 10 * len(text)


@pytest.fixture(scope="module")
def sight() -> Sight:
    chunk = next(read_chunks(EXAMPLE, ticks=4))
    path = FacePath.load()
    crops = path.process(chunk)
    picture = chunk.frames[-1]
    assert picture is not None
    return Sight(picture, path.last[-1], crops.pixels[-1])


def test_the_mouth_stands_in_the_corner_and_the_captions_have_a_dark_ground(sight: Sight) -> None:
    drawn = compose(sight)
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    assert sight.crop is not None
    corner = drawn[20:140, -140:-20]
    assert np.ptp(corner.astype(int), axis=2).max() == 0, "grey, as it is read"
    assert abs(corner.mean() - sight.crop.mean()) < 20
    without = compose(replace(sight, track=None, crop=None))
    assert not np.array_equal(drawn, without)
    assert drawn[HEIGHT - BAND :].mean() < 0.5 * drawn[: HEIGHT - BAND].mean()


def test_there_is_a_window_before_there_is_a_picture() -> None:
    assert compose(None).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("shape", [(2000, 100), (100, 2000), (480, 640), (1, 1)])
def test_pictures_of_any_shape_fit(shape: tuple[int, int]) -> None:
    drawn = compose(Sight(np.full((*shape, 3), 255, np.uint8), None, None))
    assert drawn.shape == (HEIGHT, WIDTH, 3)
    assert drawn.max() == 255


@pytest.mark.parametrize("box", [(-30, -20, 300, 200), (100, 80, 900, 900), (-9, -9, 700, 500)])
def test_a_face_is_framed_as_far_as_it_is_in_the_picture(box: tuple[int, int, int, int]) -> None:
    black = np.zeros((480, 640, 3), np.uint8)
    drawn = compose(Sight(black, SimpleNamespace(box=box), None))[: HEIGHT - BAND]  # type: ignore[arg-type]
    left, top, right, bottom = box
    margin = (WIDTH - 640) // 2
    rows, columns = (drawn[:, margin:-margin] == FRAME_COLOUR).all(axis=2).nonzero()
    on_frame = np.isin(rows, (top, bottom)) | np.isin(columns, (left, right))
    assert on_frame.all() and ((rows >= top) & (rows <= bottom)).all()
    assert ((columns >= left) & (columns <= right)).all()
    assert set(rows) >= {row for row in (top, bottom) if 0 <= row < HEIGHT - BAND}
    assert set(columns) >= {column for column in (left, right) if 0 <= column < 640}


def test_words_that_stay_are_told_from_those_that_may_not() -> None:
    placed = place_words([event("set white by", stable=2)], measure, 500)
    assert [(word.text, word.x, word.line, word.fixed) for word in placed] == [
        ("set", 0, 0, True),
        ("white", 40, 0, True),
        ("by", 100, 0, False),
    ]


@given(st.lists(st.integers(0, 40), max_size=4), st.integers(60, 900))
def test_the_last_words_are_always_shown_and_inside(lengths: list[int], width: int) -> None:
    texts = [" ".join(["word"] * length) for length in lengths]
    placed = place_words([event(text) for text in texts], measure, width)
    assert all(word.x >= 0 and word.x + measure(word.text) <= width for word in placed)
    assert all(0 <= word.line < LINES for word in placed)
    assert bool(placed) == any(lengths)
    if placed:
        assert max(word.line for word in placed) == len({word.line for word in placed}) - 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(HearsightError, match="leave out --window"):
        Window(captions=None)  # type: ignore[arg-type]


def test_without_tkinter_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with pytest.raises(HearsightError, match="python3-tk"):
        Window(captions=None)  # type: ignore[arg-type]


def test_it_opens_draws_and_takes_keys_where_there_is_a_display(sight: Sight) -> None:
    tkinter = pytest.importorskip("tkinter")
    try:
        tkinter.Tk().destroy()
    except tkinter.TclError:
        pytest.skip("no display here")
    from tests.captions.test_live_view import FINAL, PARTIAL, STATUS

    class Captions:
        def __init__(self) -> None:
            self.sight = sight

    with Window(Captions()) as window:  # type: ignore[arg-type]
        window.show(FINAL)
        window.show(PARTIAL)
        window.refresh(STATUS)
        shown = window._image.get(WIDTH // 2, HEIGHT // 3)
        assert tuple(shown) == tuple(compose(sight)[HEIGHT // 3, WIDTH // 2])
        window._press("v")
        assert window.pressed() == "v"
        assert window.pressed() == ""
        window._root.destroy()
        window.refresh(STATUS)
        assert window.pressed() == "q", "a window that is gone ends the captions"
