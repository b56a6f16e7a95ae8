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
    capture, modality, left = situation.capture, situation.modality, _LEFT[situation.senses]
    if modality != "video" and capture.audio in _MICROPHONE:
        yield f"{_MICROPHONE[capture.audio]}: {left}"
    if modality == "audio":
        return
    if capture.video in _CAMERA:
        yield f"{_CAMERA[capture.video]}: {left}"
    elif situation.effort is not Effort.FULL and "video" not in situation.senses:
        yield f"computer busy, pictures skipped: {left}"
    elif situation.faceless and capture.video == "ok":
        yield f"no face in the picture: {left}"


def _poor(situation: Situation) -> Iterator[str]:
    """What makes the words worse or later."""
    capture = situation.capture
    if situation.modality != "video" and capture.audio == "clipping":
        yield "microphone clips: turn it down"
    if situation.modality != "audio" and capture.video == "ok" and 0 < capture.video_fps < FEW_PICTURES:
        yield f"only {capture.video_fps:.0f} pictures a second: more light helps most cameras"
    if situation.effort is Effort.LEAST:
        yield "computer busy: words come in larger steps"
