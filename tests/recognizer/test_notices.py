"""What is wrong is said in plain sentences, with what the words go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hearsight.capture.live import CaptureStatus
from hearsight.recognizer.effort import Effort
from hearsight.recognizer.notices import Situation, notices

CAPTURE = CaptureStatus("ok", "ok", -20.0, 25.0, 0, 0, 0.0, 0.0)
WELL = Situation(CAPTURE, "av", ("audio", "video"), False, Effort.FULL)


def said(
    senses: tuple[str, ...], *, capture: dict[str, Any] | None = None, **changes: Any
) -> tuple[str, ...]:
    return notices(replace(WELL, capture=replace(CAPTURE, **(capture or {})), senses=senses, **changes))


def test_nothing_is_said_when_all_is_well() -> None:
    assert notices(WELL) == ()


def test_no_camera_asked_for_is_no_news() -> None:
    assert said(("audio",), capture={"video": "none", "video_fps": 0.0}) == ()
    assert said(("video",), capture={"audio": "none"}) == ()


@pytest.mark.parametrize(
    ("capture", "senses", "notice"),
    [
        ({"video": "dark"}, ("audio",), "camera covered, or too dark: going on by ear"),
        ({"video": "frozen"}, ("audio",), "picture frozen: going on by ear"),
        ({"audio": "muted"}, ("video",), "microphone muted: going on by the lips"),
        (
            {"audio": "lost", "video": "lost"},
            (),
            "no sound comes from the microphone, no picture comes from the camera: nothing left to go by",
        ),
        ({"audio": "clipping"}, ("audio", "video"), "microphone clips: turn it down"),
        ({"video_fps": 8.2}, ("audio",), "only 8 pictures a second: more light helps most cameras"),
    ],
)
def test_what_is_lost_is_named_with_what_is_left(
    capture: dict[str, Any], senses: tuple[str, ...], notice: str
) -> None:
    assert said(senses, capture=capture) == (notice,)


def test_a_sense_that_was_not_asked_for_is_not_missed() -> None:
    assert said(("audio",), capture={"video": "dark"}, modality="audio") == ()
    assert said(("video",), capture={"audio": "clipping"}, modality="video") == ()


def test_a_missing_face_is_news_after_a_while_only() -> None:
    assert said(("audio",)) == ()
    assert said(("audio",), faceless=True) == ("no face in the picture: going on by ear",)


def test_a_busy_computer_says_what_it_leaves_out() -> None:
    assert said(("audio",), effort=Effort.BY_EAR) == ("computer busy, pictures skipped: going on by ear",)
    assert said(("audio",), effort=Effort.LEAST)[-1] == "computer busy: words come in larger steps"
    assert said(("video",), effort=Effort.BY_EAR, modality="video") == ()
