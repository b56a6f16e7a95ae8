"""What live captions look like: words that will stay, words that may not, and how it is going."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from hearsight.captions.live_view import PlainView, TerminalView, caption_line, meter, status_line
from hearsight.capture.live import CaptureStatus
from hearsight.recognizer.live import LiveStatus
from hearsight.types import Event, Word

WORDS = tuple(
    Word(text, 65.0 + index, 65.5 + index, 0.9) for index, text in enumerate(["set", "white", "[by]"])
)
PARTIAL = Event("partial", WORDS, 65.0, 68.0, ("audio",), 68.2, stable=2)
FINAL = replace(PARTIAL, kind="final", stable=3)
CAPTURE = CaptureStatus("ok", "ok", -20.0, 29.97, 0, 0, 3.0, 0.1)
STATUS = LiveStatus(CAPTURE, True, 0.34, 0.18, ("audio", "video"), 0, (), True)


def terminal() -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=120, highlight=False), stream


def test_words_that_stay_stand_out_from_those_that_may_not() -> None:
    console, stream = terminal()
    with TerminalView(console) as view:
        view.show(PARTIAL)
    assert "01:05" in stream.getvalue()
    assert "set white\x1b[2m [by]\x1b[0m" in stream.getvalue()


def test_a_final_stays_above_the_status() -> None:
    console, stream = terminal()
    with TerminalView(console) as view:
        view.refresh(STATUS)
        view.show(PARTIAL)
        view.show(FINAL)
    after = stream.getvalue().split("set white [by]\n")[-1]
    assert "lag 0.3 s" in after
    assert "[by]" not in after


def test_a_voice_of_someone_else_is_marked() -> None:
    assert "someone else" in caption_line(replace(FINAL, on_screen=False)).plain
    assert "someone else" not in caption_line(FINAL).plain


def test_the_status_says_how_it_is_going() -> None:
    line = status_line(STATUS).plain
    for part in ("ears + eyes", "face", "30 fps", "lag 0.3 s", "dropped 0", "load 18 %"):
        assert part in line
    assert len(line) < 80


def test_the_status_says_what_is_wrong() -> None:
    capture = replace(CAPTURE, video="dark", dropped_frames=12, dropped_samples=8000)
    covered = "camera covered, or too dark: going on by ear"
    status = replace(
        STATUS,
        capture=capture,
        face=False,
        looking=False,
        senses=("audio",),
        skipped_ticks=40,
        notices=(covered,),
    )
    line = status_line(status).plain
    for part in ("ears ·", "dropped 12 + 0.5 s of sound", "skipped 40", covered):
        assert part in line


def test_a_missing_face_is_seen_in_the_status() -> None:
    assert "no face" in status_line(replace(STATUS, face=False)).plain


def test_a_face_that_is_not_looked_for_is_not_missed() -> None:
    assert "face" not in status_line(replace(STATUS, looking=False, face=False)).plain
    without = replace(STATUS, capture=replace(CAPTURE, video="none"), face=False)
    assert "fps" not in status_line(without).plain


def test_an_old_terminal_gets_plain_characters() -> None:
    assert status_line(STATUS, plain=True).plain.isascii()


@pytest.mark.parametrize(
    ("level", "bar"),
    [(float("-inf"), "--------"), (float("nan"), "--------"), (-33.0, "####----"), (0.0, "########")],
)
def test_the_meter_shows_the_level(level: float, bar: str) -> None:
    assert meter(level, plain=True).plain == bar


def test_in_a_pipe_there_are_finals_and_news_only() -> None:
    lines, errors = io.StringIO(), io.StringIO()
    view = PlainView(Console(file=lines, width=20), Console(file=errors, width=20))
    for event in (PARTIAL, FINAL):
        view.show(event)
    for notices in (
        (),
        ("microphone [muted]: going on by the lips",),
        ("microphone [muted]: going on by the lips",),
        (),
    ):
        view.refresh(replace(STATUS, notices=notices))
    assert lines.getvalue() == "set white [by]\n"
    assert errors.getvalue() == "hearsight: microphone [muted]: going on by the lips\n"
