"""New sentences from old ones: words of one utterance are put in the place of another's.

A small corpus says each word in few surroundings, and a network learns the surroundings by heart. Exchanging
aligned words, sound and pictures together, breaks that ("Aligned data augmentation", Lam et al., 2021).
"""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np
from numpy.typing import NDArray

from hearsight.lab.data.shards import Sample
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME

_REMEMBERED = 48
"""Utterances of each speaker from which words are taken."""
_SPEAKERS = 32
"""Speakers heard last: a corpus may have one for each sentence, and would be remembered whole."""

Span = tuple[Sample, int, int]
"""Ticks of a sample, from the first to before the last."""


class Recombiner:
    """Remembers what each speaker said last, and lends words from it."""

    def __init__(self) -> None:
        self._said: dict[str, deque[Sample]] = {}

    def __call__(self, sample: Sample, share: float, rng: np.random.Generator) -> Sample:
        """The sample with about ``share`` of its words from another utterance of the speaker.

        Words are exchanged with those in the same place of an utterance of as many words, so that what
        has a grammar keeps it. Without word times, or without such an utterance, nothing changes.
        """
        if not sample.words or sample.samples is None:
            return sample
        said = self._said.pop(sample.speaker, None) or deque(maxlen=_REMEMBERED)
        donors = [one for one in said if _matches(one, sample)]
        self._said[sample.speaker] = said  # the last of all
        said.append(sample)
        if len(self._said) > _SPEAKERS:
            del self._said[next(iter(self._said))]
        if not donors:
            return sample
        donor = donors[rng.integers(len(donors))]
        taken = rng.random(len(sample.words)) < share
        return splice(sample, donor, taken) if taken.any() else sample


def _matches(donor: Sample, sample: Sample) -> bool:
    return (
        donor.id != sample.id
        and len(donor.words or ()) == len(sample.words or ())
        and (donor.pixels is None) == (sample.pixels is None)
        and donor.samples is not None
    )


def splice(sample: Sample, donor: Sample, taken: NDArray[np.bool_]) -> Sample:
    """``sample`` with the words where ``taken`` is True from ``donor``; cuts lie between ticks."""
    assert sample.words and donor.words and sample.samples is not None and donor.samples is not None
    first, last = _tick(sample.words[0][1]), _tick(sample.words[-1][2])
    spans: list[Span] = [(sample, 0, min(first, sample.ticks))]
    words: list[tuple[str, float, float]] = []
    for index, take in enumerate(taken):
        source = donor if take else sample
        assert source.words
        word, start, end = source.words[index]
        begin = _tick(start)
        stop = _tick(source.words[index + 1][1]) if index + 1 < len(source.words) else _tick(end)
        begin, stop = min(begin, source.ticks), min(max(stop, begin), source.ticks)
        offset = sum(to - since for _, since, to in spans) - begin
        words.append((word, start + offset / FRAME_RATE, end + offset / FRAME_RATE))
        spans.append((source, begin, stop))
    spans.append((sample, min(last, sample.ticks), sample.ticks))
    pictures = [one.pixels[since:to] for one, since, to in spans if one.pixels is not None]
    sounds = [
        one.samples[since * SAMPLES_PER_FRAME : to * SAMPLES_PER_FRAME]
        for one, since, to in spans
        if one.samples is not None
    ]
    return dataclasses.replace(
        sample,
        text=" ".join(word for word, _, _ in words),
        words=tuple(words),
        pixels=np.concatenate(pictures) if pictures else None,
        video_present=np.concatenate([one.video_present[since:to] for one, since, to in spans]),
        samples=np.concatenate(sounds),
        phones=None,
        units=None,
    )


def _tick(seconds: float) -> int:
    return round(seconds * FRAME_RATE)
