"""Word errors: pooled rates, where they fall in a sentence of fixed grammar, and how sure they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hearsight.recognizer.aligning import align
from hearsight.recognizer.spoken import readings, spoken

__all__ = [
    "GRID_SLOTS",
    "WordErrors",
    "align",
    "confidence_interval",
    "count_errors",
    "normalise",
    "pooled",
    "said_and_heard",
    "slot_errors",
]

GRID_SLOTS = ("verb", "colour", "preposition", "letter", "digit", "adverb")
"""The places of a GRID sentence, such as "bin blue at b eight now"."""

RESAMPLES = 2000
"""Bootstrap resamples: enough that another seed moves the interval's ends by few tenths of a percent."""


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Substituted, deleted and inserted words against the words that were said."""

    errors: int = 0
    words: int = 0

    @property
    def percent(self) -> float:
        """Word error rate in percent; with no words said, 0 without errors and 100 with any."""
        if self.words == 0:
            return 100.0 * (self.errors > 0)
        return 100.0 * self.errors / self.words

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)


def pooled(counts: Iterable[WordErrors]) -> WordErrors:
    """All utterances together: long ones count for more, as is usual for word error rates."""
    return sum(counts, WordErrors())


def normalise(text: str) -> str:
    """Lower case, without punctuation other than apostrophes within words, single spaces."""
    return " ".join(re.findall(r"\w+(?:['’]\w+)*", text.lower())).replace("’", "'")


def said_and_heard(reference: str, hypothesis: str) -> tuple[list[str], list[str]]:
    """The words of both as they are compared: lower case, no punctuation, figures in words.

    A figure in the hypothesis counts as said in the way that agrees best with the reference: "1995" may have
    been "nineteen ninety five" or "one nine nine five". Texts without figures are only normalised.
    """
    said = normalise(spoken(reference)).split()
    parts = readings(hypothesis)
    chosen = [ways[0] for ways in parts]
    for place, ways in enumerate(parts):
        if len(ways) > 1:
            tried = [[*chosen[:place], way, *chosen[place + 1 :]] for way in ways]
            chosen = min(tried, key=lambda texts: _errors(said, normalise("".join(texts)).split()))
    return said, normalise("".join(chosen)).split()


def count_errors(reference: str, hypothesis: str) -> WordErrors:
    """Errors of one utterance: substituted, deleted and inserted words."""
    said, heard = said_and_heard(reference, hypothesis)
    return WordErrors(_errors(said, heard), len(said))


def _errors(said: Sequence[str], heard: Sequence[str]) -> int:
    return sum(_is_error(said, heard, *pair) for pair in align(said, heard))


def slot_errors(pairs: Iterable[tuple[str, str]]) -> dict[str, WordErrors]:
    """Wrong or missing words per place of the GRID grammar; inserted words belong to no place.

    Args:
        pairs: ``(reference, hypothesis)`` of each utterance.

    Returns:
        One entry per slot in the order of the sentence; empty if a reference has not six words.
    """
    wrong, total = [0] * len(GRID_SLOTS), 0
    for reference, hypothesis in pairs:
        said, heard = said_and_heard(reference, hypothesis)
        if len(said) != len(GRID_SLOTS):
            return {}
        total += 1
        for place, other in align(said, heard):
            if place is not None:
                wrong[place] += _is_error(said, heard, place, other)
    return {slot: WordErrors(errors, total) for slot, errors in zip(GRID_SLOTS, wrong, strict=True) if total}


def _is_error(said: Sequence[str], heard: Sequence[str], place: int | None, other: int | None) -> bool:
    return place is None or other is None or said[place] != heard[other]


def confidence_interval(
    counts: Sequence[WordErrors], *, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval of the pooled word error rate by the percentile bootstrap over utterances.

    Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
    evaluation", ICASSP 2004. Words of one utterance go wrong together, so whole utterances are drawn.

    Args:
        counts: errors and words of each utterance.
        level: the share of resampled rates inside the interval.
        seed: of the resampling; the same seed gives the same interval.

    Returns:
        Lower and upper end in percent; both the rate itself where there is nothing to resample.
    """
    errors = np.array([count.errors for count in counts])
    words = np.array([count.words for count in counts])
    if words.sum() == 0:
        rate = pooled(counts).percent
        return rate, rate
    generator = np.random.default_rng(seed)
    draws = (generator.integers(len(counts), size=len(counts)) for _ in range(RESAMPLES))
    rates = [100.0 * errors[drawn].sum() / words[drawn].sum() for drawn in draws if words[drawn].any()]
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
