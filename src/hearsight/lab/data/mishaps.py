"""What goes wrong between ears and eyes, drawn at random for training.

A model that has only seen lips that belong to the voice and keep in step with it believes any lips. These
examples teach it when not to: pictures of somebody else, early or late, frozen, covered; and a face that says
nothing.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError
from hearsight.lab.data.shards import Sample
from hearsight.types import CROP_SIZE, FRAME_RATE, SAMPLES_PER_FRAME

Pixels = NDArray[np.uint8]

_REMEMBERED = 16
"""Utterances whose pictures may stand in for another's."""
_SHORTEST_SILENCE = 5
"""Ticks before the first word from which a longer silence is made."""


@dataclass(frozen=True, slots=True)
class Mishaps:
    """Probabilities, but for ``late`` of examples that have both sound and pictures.

    Attributes:
        foreign: the pictures are those of another utterance.
        shifted: the pictures come early or late, by up to ``shift_ticks``.
        frozen: the picture stands still from some moment on.
        covered: a grey patch lies over part of the picture for a while.
        silent: the face and the room before the first word, for a while, and nothing is said.
        late: speech begins after up to 3 s of silence; for examples with one sense too.
        shift_ticks: largest shift in ticks of 40 ms.
    """

    foreign: float = 0.12
    shifted: float = 0.08
    frozen: float = 0.04
    covered: float = 0.08
    silent: float = 0.05
    late: float = 0.1
    shift_ticks: int = 6

    def times(self, strength: float) -> Mishaps:
        """All of them more or less often; 0 is never.

        Raises:
            HearsightError: more than every example would be spoilt.
        """
        names = ("foreign", "shifted", "frozen", "covered", "silent")
        often = {name: strength * getattr(self, name) for name in names}
        if strength < 0 or sum(often.values()) > 1 or strength * self.late > 1:
            most = 1 / max(sum(getattr(self, name) for name in names), self.late)
            raise HearsightError(f"mishaps cannot be {strength:g} times as frequent: choose 0 to {most:.1f}.")
        return dataclasses.replace(self, late=strength * self.late, **often)


class MishapMaker:
    """Draws mishaps; remembers the pictures of the last utterances."""

    def __init__(self, settings: Mishaps) -> None:
        self._settings = settings
        self._seen: deque[Pixels] = deque(maxlen=_REMEMBERED)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> tuple[Sample, bool]:
        """The sample, perhaps spoilt, and whether its pictures still say what its sound says."""
        if sample.pixels is None or sample.samples is None:
            return sample, True
        settings, chance = self._settings, rng.random()
        others = [pixels for pixels in self._seen if pixels is not sample.pixels]
        self._seen.append(sample.pixels)
        pixels, told = sample.pixels, True
        if (chance := chance - settings.silent) < 0:
            return silence(sample, rng), True
        if (chance := chance - settings.foreign) < 0 and others:
            pixels, told = fit(others[rng.integers(len(others))], len(pixels)), False
        elif 0 <= chance < settings.shifted:
            shift = int(rng.integers(-settings.shift_ticks, settings.shift_ticks + 1))
            pixels = pixels[np.clip(np.arange(len(pixels)) + shift, 0, len(pixels) - 1)]
        elif 0 <= (chance := chance - settings.shifted) < settings.frozen:
            stop = int(rng.integers(len(pixels)))
            pixels, told = pixels[np.minimum(np.arange(len(pixels)), stop)], False
        elif 0 <= chance - settings.frozen < settings.covered:
            pixels = cover(pixels, rng)
        return dataclasses.replace(sample, pixels=pixels), told


def fit(pixels: Pixels, ticks: int) -> Pixels:
    """Repeated or cut to so many ticks."""
    return pixels[np.arange(ticks) % len(pixels)]


def cover(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A flat patch of up to 60 x 60 pixels, such as a hand or a microphone, for up to two seconds."""
    covered = pixels.copy()
    height, width = rng.integers(16, 61, 2)
    top, left = rng.integers(CROP_SIZE - height), rng.integers(CROP_SIZE - width)
    start = int(rng.integers(len(pixels)))
    stop = start + int(rng.integers(4, 2 * FRAME_RATE))
    covered[start:stop, top : top + height, left : left + width] = rng.integers(256)
    return covered


def silence(sample: Sample, rng: np.random.Generator) -> Sample:
    """Face and room from before the first word, played forward and backward for 0.8 to 3 s.

    Without word times, or where speech begins at once, the sample as it is.
    """
    index = _before_the_first_word(sample, int(rng.integers(20, 75)))
    if index is None:
        return sample
    return dataclasses.replace(
        sample,
        text="",
        words=(),
        pixels=None if sample.pixels is None else sample.pixels[index],
        video_present=sample.video_present[index],
        samples=_sound(sample, index),
    )


def delay(sample: Sample, rng: np.random.Generator) -> Sample:
    """The sample after up to 3 s in which nothing is said; a third of the time it is digital silence.

    Without word times, or where speech begins at once, the sample as it is.
    """
    index = _before_the_first_word(sample, int(rng.integers(10, 75)))
    if index is None or sample.samples is None:
        return sample
    waited = _sound(sample, index) * np.float32(rng.random() > 1 / 3)
    after = len(index) / FRAME_RATE
    return dataclasses.replace(
        sample,
        words=tuple((word, start + after, end + after) for word, start, end in sample.words or ()),
        pixels=None if sample.pixels is None else np.concatenate([sample.pixels[index], sample.pixels]),
        video_present=np.concatenate([sample.video_present[index], sample.video_present]),
        samples=np.concatenate([waited, sample.samples]),
    )


def _before_the_first_word(sample: Sample, ticks: int) -> NDArray[np.int64] | None:
    """So many ticks from before the first word, forward and backward in turn, None if there is none."""
    if not sample.words or sample.samples is None:
        return None
    quiet = min(int(sample.words[0][1] * FRAME_RATE) - 1, sample.ticks)
    if quiet < _SHORTEST_SILENCE:
        return None
    return np.resize(np.concatenate([np.arange(quiet), np.arange(quiet)[::-1]]), ticks)


def _sound(sample: Sample, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """The sound of these ticks, those that go backward played backward, so that there is no step."""
    assert sample.samples is not None
    length = int(index.max()) + 1
    blocks = sample.samples[: length * SAMPLES_PER_FRAME].reshape(length, SAMPLES_PER_FRAME)
    backward = np.arange(len(index)) // length % 2 == 1
    return np.where(backward[:, None], blocks[index, ::-1], blocks[index]).ravel()
