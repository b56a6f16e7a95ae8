"""What flows from station to station: Chunk, Crops, Word, Event.

Everything runs on one clock of ticks: tick ``k`` is the video frame at ``k / 25`` s and the
640 audio samples from ``k / 25`` s on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

FRAME_RATE = 25
"""Video frames, and ticks, per second."""
SAMPLE_RATE = 16_000
"""Audio samples per second."""
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAME_RATE
"""Audio samples in one tick."""
CROP_SIZE = 96
"""Width and height of a mouth crop in pixels."""

Sense = Literal["audio", "video"]
Modality = Literal["av", "audio", "video"]


def check_modality(modality: str) -> Modality:
    """The modality, if it is one.

    Raises:
        ValueError: it is not.
    """
    for known in get_args(Modality):
        if modality == known:
            return known
    raise ValueError(f"modality {modality!r} is not one of {', '.join(get_args(Modality))}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of consecutive ticks, pictures and sound in step.

    Attributes:
        start: tick of the first frame.
        frames: one RGB picture ``(height, width, 3)`` uint8 per tick, or None where the input
            has no picture at that tick.
        samples: ``(len(frames) * 640,)`` float32 in [-1, 1]; zeros where there is no sound.
        audio_present: ``(len(frames),)`` bool, False where the input has no sound at that tick.
    """

    start: int
    frames: list[NDArray[np.uint8] | None]
    samples: NDArray[np.float32]
    audio_present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, slots=True)
class Crops:
    """The mouth in each tick of a chunk.

    Attributes:
        start: tick of the first crop.
        pixels: ``(ticks, 96, 96)`` uint8 grey, zeros where no face was found.
        video_present: ``(ticks,)`` bool, False where no face was found.
    """

    start: int
    pixels: NDArray[np.uint8]
    video_present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; times in seconds of the input's own clock, confidence in [0, 1]."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Event:
    """What was said, as far as is known.

    Attributes:
        kind: ``partial`` may still change, ``final`` never changes and comes once per utterance.
        words: the words of the utterance so far.
        start: start of the utterance in seconds of the input's own clock.
        end: how far the input had been heard when the event was made, in seconds.
        senses: which of ``audio`` and ``video`` the utterance had, in this order.
        emitted: wall-clock seconds since the input began, when it is paced by the clock.
        stable: so many words at the beginning keep their texts in all later partials of the utterance and
            in its final; a final has all.
        on_screen: True where the visible lips move with the voice, False where a voice is heard while the
            visible lips rest, None where that is not known: no face, no sound, or no voice yet.
    """

    kind: Literal["partial", "final"]
    words: tuple[Word, ...]
    start: float
    end: float
    senses: tuple[Sense, ...]
    emitted: float | None = None
    stable: int = 0
    on_screen: bool | None = None

    @property
    def text(self) -> str:
        """The words, joined by single spaces."""
        return " ".join(word.text for word in self.words)
