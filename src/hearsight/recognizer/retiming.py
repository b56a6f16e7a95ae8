"""Gives the words of a second pass the times of the first pass's words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hearsight.recognizer.aligning import align
from hearsight.recognizer.reading import ReadWord
from hearsight.recognizer.spoken import spoken
from hearsight.recognizer.words import LETTER_S, PIECE_S, TICK_S
from hearsight.types import Word


def retime(
    read: Sequence[ReadWord], heard: Sequence[Word], *, earliest_s: float, latest_s: float
) -> tuple[Word, ...]:
    """The words that were read, in order and without overlap, each at least a tick long.

    They are aligned with the words that were heard, as they are spoken ("K4" is "k four"), with the fewest
    errors. Words without a partner share the gap between their neighbours, by their letters.

    Args:
        read: of the second pass.
        heard: of the first pass, at least one.
        earliest_s: no word starts before this.
        latest_s: no word ends after this, unless there are more words than ticks.
    """
    stretches: list[_Stretch] = []
    spans = _partners(read, heard)
    place = 0
    while place < len(read):
        alone = spans[place] is not None
        stop = place + 1 if alone else next((at for at in range(place, len(read)) if spans[at]), len(read))
        natural_s = sum(PIECE_S + LETTER_S * len(word.text) for word in read[place:stop])
        start, end = spans[place] or _gap(stretches, spans[stop:], natural_s, earliest_s, latest_s)
        _append(stretches, _Stretch(stop - place, start, end), earliest_s)
        place = stop
    edges = _edges(read, stretches)
    return tuple(
        Word(word.text, start, end, min(math.exp(word.log_probability), 1.0))
        for word, (start, end) in zip(read, edges, strict=True)
    )


Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """So many words share the time from ``start`` to ``end``."""

    words: int
    start: float
    end: float

    @property
    def is_long_enough(self) -> bool:
        """Whether each word can have a tick."""
        return self.end - self.start >= self.words * TICK_S


def _gap(
    before: Sequence[_Stretch],
    after: Sequence[Span | None],
    natural_s: float,
    earliest_s: float,
    latest_s: float,
) -> Span:
    """The time between neighbours; at either end of the utterance as much as words ordinarily take."""
    if after and after[0] is not None:
        end = after[0][0]
        return (before[-1].end if before else max(earliest_s, end - natural_s)), end
    start = before[-1].end if before else earliest_s
    return start, min(latest_s, start + natural_s)


def _append(stretches: list[_Stretch], new: _Stretch, earliest_s: float) -> None:
    """Add a stretch; one that is too short for its words is joined with those before it."""
    floor = stretches[-1].end if stretches else earliest_s
    new = _Stretch(new.words, max(new.start, floor), max(new.end, floor))
    while not new.is_long_enough and stretches:
        last = stretches.pop()
        new = _Stretch(last.words + new.words, last.start, new.end)
    if not new.is_long_enough:
        new = _Stretch(new.words, new.start, new.start + new.words * TICK_S)
    stretches.append(new)


def _edges(read: Sequence[ReadWord], stretches: Sequence[_Stretch]) -> Iterator[Span]:
    """Start and end of each word: a tick for each, and the rest of the stretch by their letters."""
    words = iter(read)
    for stretch in stretches:
        texts = [next(words).text for _ in range(stretch.words)]
        letters = sum(map(len, texts))
        spare_s = max(0.0, stretch.end - stretch.start - stretch.words * TICK_S)
        start = stretch.start
        for text in texts:
            end = start + TICK_S + spare_s * len(text) / letters
            # Rounded to the microsecond: a sum of ticks should read as what it is.
            yield round(start, 6), round(end, 6)
            start = end


def _partners(read: Sequence[ReadWord], heard: Sequence[Word]) -> list[Span | None]:
    """From the beginning of the first to the end of the last word that a word is aligned with."""
    sayings = [_saying(word.text) for word in read]
    owner = [index for index, saying in enumerate(sayings) for _ in saying]
    said, times = [], []
    for word in heard:
        saying = _saying(word.text)
        step = (word.end - word.start) / len(saying)
        said += saying
        times += [(word.start + step * at, word.start + step * (at + 1)) for at in range(len(saying))]
    spans: list[Span | None] = [None] * len(read)
    for first, second in align(said, [each for saying in sayings for each in saying]):
        if first is not None and second is not None:
            known = spans[owner[second]]
            start, end = times[first]
            spans[owner[second]] = (start if known is None else known[0], end)
    return spans


def _saying(text: str) -> list[str]:
    """A word as it is spoken, at least one."""
    return re.findall(r"\w+(?:['’]\w+)*", spoken(text).lower()) or [text.lower()]
