"""Several utterances on end, as people speak who do not wait for a caption.

A network that has only heard single sentences expects nothing after the end of one.
"""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np

from hearsight.lab.data.shards import Sample
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME

_REMEMBERED = 64
_PAUSE_S = (0.05, 0.45)
"""Silence that is left at either side of the border, where the recordings have it."""
_LONGEST_S = 9.0
"""Longer examples would make batches of many frames."""


class Running:
    """Remembers the last utterances, and puts one of them before another."""

    def __init__(self) -> None:
        self._said: deque[Sample] = deque(maxlen=_REMEMBERED)

    def __call__(self, sample: Sample, joins: bool, rng: np.random.Generator) -> Sample:
        """The sample, after another one if it ``joins``.

        The other has the same senses, and if possible the same speaker. Without word times, or without such
        an utterance, nothing changes.
        """
        if not sample.words:
            return sample
        others = [one for one in self._said if _fits(one, sample)]
        self._said.append(sample)
        if not joins or not others:
            return sample
        others = [one for one in others if one.speaker == sample.speaker] or others
        return join(others[rng.integers(len(others))], sample, rng)


def _fits(other: Sample, sample: Sample) -> bool:
    return (
        other.id != sample.id
        and (other.samples is None) == (sample.samples is None)
        and (other.pixels is None) == (sample.pixels is None)
        and (other.ticks + sample.ticks) / FRAME_RATE <= _LONGEST_S
    )


def join(first: Sample, second: Sample, rng: np.random.Generator) -> Sample:
    """Both on end, with a pause of up to 0.9 s; the id and the speaker are the second's."""
    assert first.words and second.words
    after, before = rng.uniform(*_PAUSE_S, 2)
    stop = min(first.ticks, int(np.ceil((first.words[-1][2] + after) * FRAME_RATE)))
    since = max(0, int((second.words[0][1] - before) * FRAME_RATE))
    offset = (stop - since) / FRAME_RATE
    moved = tuple((word, start + offset, end + offset) for word, start, end in second.words)
    pixels = samples = None
    if first.pixels is not None and second.pixels is not None:
        pixels = np.concatenate([first.pixels[:stop], second.pixels[since:]])
    if first.samples is not None and second.samples is not None:
        parts = [first.samples[: stop * SAMPLES_PER_FRAME], second.samples[since * SAMPLES_PER_FRAME :]]
        samples = np.concatenate(parts)
    return dataclasses.replace(
        second,
        text=f"{first.text} {second.text}",
        words=(*first.words, *moved),
        pixels=pixels,
        video_present=np.concatenate([first.video_present[:stop], second.video_present[since:]]),
        samples=samples,
        phones=None,
        units=None,
    )
