"""Finals to cues: what is shown on a screen at once."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from hearsight.types import Event, Word

LINE_CHARACTERS = 42
"""Longest line of a caption (BBC and Netflix guidelines: 37 to 42)."""
LINES = 2
"""Most lines of a caption."""
LONGEST_S = 6.0
"""Longest time that a caption holds words for, in seconds."""
SHORTEST_S = 1.0
"""A caption stays this long where the next one leaves room for it."""
PAUSE_S = 0.8
"""A pause this long in the middle of an utterance begins a new caption."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines of text, shown from ``start`` to ``end`` seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


class CueMaker:
    """Makes cues of finals as they come, one cue behind them, never two at a time."""

    def __init__(self) -> None:
        self._waiting: Cue | None = None

    def push(self, final: Event) -> Iterator[Cue]:
        """The cues that are complete with this final."""
        for group in split_words(final.words):
            cue = Cue(group[0].start, group[-1].end, wrap(group))
            if self._waiting is not None:
                yield _stretched(self._waiting, cue.start)
            self._waiting = cue

    def rest(self) -> Iterator[Cue]:
        """The last cue, as it is if nothing follows; may be asked for at any time."""
        if self._waiting is not None:
            yield _stretched(self._waiting, self._waiting.start + SHORTEST_S)


def to_cues(events: Iterable[Event]) -> Iterator[Cue]:
    """The cues of all finals, in order, never two at a time; one cue behind the events."""
    maker = CueMaker()
    for event in events:
        if event.kind == "final":
            yield from maker.push(event)
    yield from maker.rest()


def split_words(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Cut an utterance into what fits on the screen.

    It is cut at every pause; what is still too long or too slow is cut at the widest gap between words
    that lies past the first third of what fits.
    """
    while words:
        fitting = _fitting(words)
        if fitting < len(words) and words[fitting].start - words[fitting - 1].end < PAUSE_S:
            fitting = _widest_gap(words, fitting)
        yield words[:fitting]
        words = words[fitting:]


def wrap(words: Sequence[Word]) -> tuple[str, ...]:
    """The words in lines; words longer than a line are broken."""
    text = " ".join(word.text for word in words)
    return tuple(textwrap.wrap(text, LINE_CHARACTERS, break_on_hyphens=False))


def _fitting(words: Sequence[Word]) -> int:
    """How many of the first words make one cue, up to the first pause; at least one."""
    for count in range(1, len(words)):
        paused = words[count].start - words[count - 1].end >= PAUSE_S
        too_slow = words[count].end - words[0].start > LONGEST_S
        if paused or too_slow or len(wrap(words[: count + 1])) > LINES:
            return count
    return len(words)


def _widest_gap(words: Sequence[Word], fitting: int) -> int:
    """Where to cut before the word that does not fit: at the widest gap, the latest of equals."""
    first = max(1, -(-fitting // 3))
    return max(range(first, fitting + 1), key=lambda at: (words[at].start - words[at - 1].end, at))


def _stretched(cue: Cue, limit: float) -> Cue:
    """The cue, shown at least for the shortest time if ``limit`` lets it."""
    return replace(cue, end=max(cue.end, min(cue.start + SHORTEST_S, limit)))
