"""What goes wrong while captions run, in plain sentences: with what the words go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hearsight.recognizer.effort import Effort
from hearsight.types import Modality, Sense

if TYPE_CHECKING:
    from hearsight.capture.live import CaptureStatus

FEW_PICTURES = 12.0
"""Lips cannot be read well from fewer pictures a second."""

_LEFT: dict[tuple[Sense, ...], str] = {
    ("audio", "video"): "going on",
    ("audio",): "going on by ear",
    ("video",): "going on by the lips",
    (): "nothing left to go by",
}
_CAMERA = {
    "lost": "no picture comes from the camera",
    "frozen": "picture frozen",
    "dark": "camera covered, or too dark",
}
_MICROPHONE = {"lost": "no sound comes from the microphone", "muted": "microphone muted"}


@dataclass(frozen=True, slots=True)
class Situation:
    """What the notices are about.

    Attributes:
        capture: how capture is going.
        modality: the senses asked for.
        senses: the senses that are used now.
        faceless: whether no face has been seen for a while in pictures that are looked at.
        effort: how much is done with the input.
    """

    capture: CaptureStatus
    modality: Modality
    senses: tuple[Sense, ...]
    faceless: bool
    effort: Effort


def notices(situation: Situation) -> tuple[str, ...]:
    """All that is worth saying, the gravest first; empty when all is well."""
    return (*_missing(situation), *_poor(situation))


def _missing(situation: Situation) -> Iterator[str]:
    """What the words have to do without."""
    missing = [each for each in (_sound_problem(situation), _picture_problem(situation)) if each]
    if missing:
        yield f"{', '.join(missing)}: {_LEFT[situation.senses]}"


def _sound_problem(situation: Situation) -> str | None:
    return None if situation.modality == "video" else _MICROPHONE.get(situation.capture.audio)


def _picture_problem(situation: Situation) -> str | None:
    if situation.modality == "audio":
        return None
    if problem := _CAMERA.get(situation.capture.video):
        return problem
    if situation.effort is not Effort.FULL and "video" not in situation.senses:
        return "computer busy, pictures skipped"
    return "no face in the picture" if situation.faceless and situation.capture.video == "ok" else None


def _poor(situation: Situation) -> Iterator[str]:
    """What makes the words worse or later."""
    capture = situation.capture
    if situation.modality != "video" and capture.audio == "clipping":
        yield "microphone clips: turn it down"
    if situation.modality != "audio" and capture.video == "ok" and 0 < capture.video_fps < FEW_PICTURES:
        yield f"only {capture.video_fps:.0f} pictures a second: more light helps most cameras"
    if situation.effort is Effort.LEAST:
        yield "computer busy: words come in larger steps"
