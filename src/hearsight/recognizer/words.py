"""Labels with emission frames to words with start, end and confidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hearsight.recognizer.beam import Hypothesis
from hearsight.types import FRAME_RATE, Word

if TYPE_CHECKING:
    from hearsight.recognizer.pieces import Pieces

TICK_S = 1 / FRAME_RATE
PIECE_S = 0.10
"""A piece without letters would last this long …"""
LETTER_S = 0.05
"""… and every letter adds this. Fitted to GRID: starts within 17 ms of the aligned ones on average."""
JOINED_S = 0.20
"""A word that would begin less than this after the one before begins at its end: nobody pauses so briefly."""


def to_words(
    hypothesis: Hypothesis, pieces: Pieces, *, emission_delay_s: float, earliest_s: float, latest_s: float
) -> tuple[Word, ...]:
    """The words of a hypothesis, in order and without overlap.

    A transducer says when it was sure of a label, which is near the end of its word: a word ends at its
    last label's frame, less the mean delay; it starts where its first piece would have started at an
    ordinary pace of speech, or at the end of the word before. The confidence is the geometric mean of the
    labels' probabilities among all labels, blank left out (measured: that is how often such words are right).

    Args:
        hypothesis: with frames counted from the input's start.
        pieces: what the labels stand for.
        emission_delay_s: mean lag of a label behind the end of its word, in seconds.
        earliest_s: no word starts before this, normally the end of the last word of the utterance before.
        latest_s: no word ends after this (but each lasts at least one tick), normally the time heard.
    """
    words: list[Word] = []
    floor = earliest_s
    for first, stop in _word_spans(hypothesis, pieces):
        labels = hypothesis.labels[first:stop]
        text = pieces.text(labels)
        if not text:
            continue
        first_s = hypothesis.frames[first] * TICK_S - emission_delay_s
        last_s = hypothesis.frames[stop - 1] * TICK_S - emission_delay_s
        end = max(min(last_s, latest_s), floor + TICK_S)
        start = first_s - PIECE_S - LETTER_S * len(pieces.text(labels[:1]))
        start = min(max(start, floor), end - TICK_S)
        if words and start - floor < JOINED_S:
            start = floor
        confidence = math.exp(sum(hypothesis.log_probabilities[first:stop]) / len(labels))
        # Rounded to the microsecond: a sum of ticks should read as what it is.
        words.append(Word(text, round(start, 6), round(end, 6), min(confidence, 1.0)))
        floor = words[-1].end
    return tuple(words)


def stable_words(hypotheses: Sequence[Hypothesis], pieces: Pieces) -> int:
    """How many words at the beginning no continuation of any of these hypotheses can change.

    Those that all hypotheses spell alike, and that each of them has ended by going on to another word.
    What comes later is always one of them with labels appended, so this number never shrinks.
    """
    shortest = min(hypotheses, key=lambda one: len(one.labels)).labels
    alike = next(
        (at for at, column in enumerate(_columns(hypotheses)) if len(set(column)) > 1), len(shortest)
    )
    ended = alike < len(shortest) and all(_ends_word(one.labels[alike], pieces) for one in hypotheses)
    spans = list(_word_spans(Hypothesis(shortest[:alike]), pieces))
    # A span before the last is ended by the labels that are alike; so is the last by a silent one.
    if spans and spans[-1][1] == alike and not ended:
        spans.pop()
    return sum(bool(pieces.text(shortest[first:stop])) for first, stop in spans)


def _columns(hypotheses: Sequence[Hypothesis]) -> Iterator[tuple[int, ...]]:
    """First labels, second labels …, as far as the shortest goes."""
    return zip(*(one.labels for one in hypotheses), strict=False)


def _ends_word(label: int, pieces: Pieces) -> bool:
    """Whether the word before this label is over."""
    return pieces.is_silent(label) or pieces.starts_word(label)


def _word_spans(hypothesis: Hypothesis, pieces: Pieces) -> Iterator[tuple[int, int]]:
    """First index and index after the last of each word's labels; labels without text belong to none."""
    first: int | None = None
    for index, label in enumerate(hypothesis.labels):
        if first is not None and _ends_word(label, pieces):
            yield first, index
            first = None
        if first is None and not pieces.is_silent(label):
            first = index
    if first is not None:
        yield first, len(hypothesis.labels)
