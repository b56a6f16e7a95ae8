"""Phones with durations -> curves of face-unit weights.

Coarticulation by dominance functions (Cohen and Massaro, 1993, "Modeling coarticulation in synthetic
visual speech"): every phone pulls each face unit towards its target with a strength that fades
before and after it; the weight at any time is the mean of the targets by strength.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hearsight.lab.synth.arrays import Floats
from hearsight.types import FRAME_RATE

STEP_S = 1 / 40
"""Unit of the phone durations."""
PAUSE_S = 0.12
"""A shorter gap between words keeps the mouth's movement going; a longer one closes it."""
EXPOSURES = 4
"""Moments per frame whose mean is the frame's pose: a camera's shutter is open for a while."""
SHUTTER = 0.5
"""Part of the frame time for which the shutter is open."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """What a phone asks of the face.

    Attributes:
        units: target weight by face unit; units not named here are asked to be zero.
        default: how strongly the phone insists on the units that ``strength`` does not name.
        strength: how strongly it insists, by unit.
        fade_s: time in which the pull falls to 1/e outside the phone.
    """

    units: dict[str, float]
    default: float
    strength: dict[str, float] = field(default_factory=dict)
    fade_s: float = 0.045


def _all(value: float, *units: str) -> dict[str, float]:
    return dict.fromkeys(units, value)


_LIPS = ("mouthPress", "mouthRollLower", "mouthRollUpper", "mouthClose", "jawOpen")
_ROUND = ("mouthPucker", "mouthFunnel")

SILENCE = Viseme({}, 0.7, fade_s=0.07)
"""Lips closed and at rest."""
_LIPS_CLOSED = Viseme(
    {"mouthPress": 0.45, "mouthRollLower": 0.3, "mouthRollUpper": 0.25}, 0.2, _all(6.0, *_LIPS), fade_s=0.03
)
_LIP_ON_TEETH = Viseme(
    {"mouthRollLower": 0.75, "mouthUpperUp": 0.22, "jawOpen": 0.05},
    0.25,
    {**_all(4.0, *_LIPS), "mouthUpperUp": 3.0},
    fade_s=0.035,
)
_TONGUE_OUT = Viseme(
    {"jawOpen": 0.16, "tongueOut": 0.45, "mouthUpperUp": 0.12, "mouthLowerDown": 0.2},
    0.4,
    {"tongueOut": 2.0, "jawOpen": 1.0},
    fade_s=0.035,
)
_TONGUE_UP = Viseme(
    {"jawOpen": 0.12, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1}, 0.25, {"jawOpen": 0.8}, fade_s=0.035
)
_TEETH_TOGETHER = Viseme(
    {"jawOpen": 0.05, "mouthStretch": 0.3, "mouthLowerDown": 0.38, "mouthUpperUp": 0.2},
    0.35,
    {"jawOpen": 2.5, "mouthLowerDown": 1.0},
    fade_s=0.04,
)
_LIPS_FORWARD = Viseme(
    {"mouthFunnel": 0.6, "mouthPucker": 0.15, "jawOpen": 0.08, "mouthLowerDown": 0.15},
    0.4,
    {"jawOpen": 2.0, **_all(2.0, *_ROUND)},
    fade_s=0.06,
)
_BEHIND = Viseme({"jawOpen": 0.18}, 0.12, {"jawOpen": 0.4}, fade_s=0.035)
_R = Viseme(
    {"mouthPucker": 0.35, "jawOpen": 0.12, "mouthFunnel": 0.25}, 0.4, _all(1.2, *_ROUND), fade_s=0.055
)
_W = Viseme({"mouthPucker": 0.9, "jawOpen": 0.05}, 0.6, {**_all(3.0, *_ROUND), "jawOpen": 1.5}, fade_s=0.07)
_EH = {"jawOpen": 0.34, "mouthStretch": 0.3, "mouthSmile": 0.08, "mouthLowerDown": 0.15}
_GROUPS = {
    "pbm": _LIPS_CLOSED,
    "fv": _LIP_ON_TEETH,
    "θð": _TONGUE_OUT,
    "tdnlɾT": _TONGUE_UP,
    "szʦʣ": _TEETH_TOGETHER,
    "ʃʒʧʤ": _LIPS_FORWARD,
    "kɡŋhxʔ": _BEHIND,
    "j": Viseme({"jawOpen": 0.1, "mouthStretch": 0.3}, 0.4),
    "ɹr": _R,
    "w": _W,
    "i": Viseme({"jawOpen": 0.1, "mouthStretch": 0.5, "mouthSmile": 0.25}, 0.9),
    "ɪᵻ": Viseme({"jawOpen": 0.18, "mouthStretch": 0.3, "mouthSmile": 0.1}, 0.6),
    "ɛe": Viseme(_EH, 0.9),
    "æ": Viseme({"jawOpen": 0.48, "mouthStretch": 0.35, "mouthLowerDown": 0.2}, 1.0),
    "ɑaɒ": Viseme({"jawOpen": 0.6}, 1.0),
    "ʌɐ": Viseme({"jawOpen": 0.36}, 0.8),
    "əᵊ": Viseme({"jawOpen": 0.2}, 0.35),
    "ɜɚ": Viseme({"jawOpen": 0.22, "mouthFunnel": 0.25}, 0.8),
    "ɔ": Viseme({"jawOpen": 0.42, "mouthFunnel": 0.5}, 0.9, _all(1.5, *_ROUND), fade_s=0.055),
    "uʊ": Viseme({"mouthPucker": 0.8, "jawOpen": 0.12}, 0.9, _all(2.0, *_ROUND), fade_s=0.065),
}
VISEME_GROUPS = tuple(_GROUPS)
"""Phones that look alike, by viseme: the symbols of each."""
VISEMES: dict[str, Viseme] = {phone: viseme for phones, viseme in _GROUPS.items() for phone in phones}
UNITS = tuple(sorted({unit for viseme in VISEMES.values() for unit in viseme.units}))
"""Face units that speech moves, without their sides."""
DIPHTHONGS = {
    "A": ("ɛ", "i"),
    "I": ("a", "i"),
    "Y": ("ɔ", "i"),
    "O": ("ɔ", "u"),
    "Q": ("ɜ", "u"),
    "W": ("a", "u"),
}
"""Kokoro's one-letter diphthongs and the two vowels that they glide between."""


def without_side(unit: str) -> str:
    """The name of a face unit without Left or Right."""
    return unit.removesuffix("Left").removesuffix("Right")


@dataclass(frozen=True, slots=True)
class Segment:
    """One phone's pull: from ``start`` to ``end`` seconds towards ``viseme``."""

    start: float
    end: float
    viseme: Viseme


def segments(phones: str, durations: list[int]) -> list[Segment]:
    """The visemes in time.

    Args:
        phones: Kokoro's symbols, words separated by spaces.
        durations: in steps of 1/40 s: a leading pad, one per symbol, a trailing pad.

    Raises:
        ValueError: there are not two durations more than symbols.
    """
    if len(durations) != len(phones) + 2:
        raise ValueError(f"{len(durations)} durations for {len(phones)} phones; there must be two more")
    found: list[Segment] = []
    end = 0.0
    for symbol, steps in zip(["^", *phones, "$"], durations, strict=True):
        start, end = end, end + steps * STEP_S
        if symbol in DIPHTHONGS:
            turn = start + 0.6 * (end - start)
            first, second = DIPHTHONGS[symbol]
            found += [Segment(start, turn, VISEMES[first]), Segment(turn, end, VISEMES[second])]
        elif symbol in VISEMES:
            found.append(Segment(start, end, VISEMES[symbol]))
        elif symbol in "^$" or (symbol in " .,!?;:" and end - start >= PAUSE_S):
            found.append(Segment(start, end, SILENCE))
        elif found:  # stress and length marks belong to the phone before
            found[-1] = Segment(found[-1].start, end, found[-1].viseme)
    return found


def curves(phones: str, durations: list[int], ticks: int, unit_names: tuple[str, ...]) -> Floats:
    """Face-unit weights ``(ticks, len(unit_names))`` at 25 frames per second."""
    spoken = segments(phones, durations)
    strength, target = _tables(spoken, unit_names)
    moments = (np.arange(EXPOSURES) + 0.5) / EXPOSURES * SHUTTER + (1 - SHUTTER) / 2
    times = ((np.arange(ticks)[:, None] + moments) / FRAME_RATE).ravel()
    start = np.array([s.start for s in spoken])
    end = np.array([s.end for s in spoken])
    fade = np.array([s.viseme.fade_s for s in spoken])
    outside = np.maximum(np.maximum(start[None] - times[:, None], times[:, None] - end[None]), 0)
    pull = np.exp(-outside / fade)
    weights = (pull @ (strength * target)) / np.maximum(pull @ strength, 1e-9)
    return weights.reshape(ticks, EXPOSURES, -1).mean(1).astype(np.float32)


def _tables(spoken: list[Segment], unit_names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Strength and target ``(segments, units)``; a name without side means both sides."""
    strength = np.zeros((len(spoken), len(unit_names)), np.float32)
    target = np.zeros_like(strength)
    for column, name in enumerate(unit_names):
        plain = without_side(name)
        for row, segment in enumerate(spoken):
            viseme = segment.viseme
            strength[row, column] = viseme.strength.get(plain, viseme.default)
            target[row, column] = viseme.units.get(plain, 0.0)
    return strength, target
