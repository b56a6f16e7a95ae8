"""When each word came to be shown, from the events of one live input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hearsight.evaluate.word_errors import align, normalise
from hearsight.recognizer.spoken import spoken
from hearsight.types import Event


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word of a final.

    Attributes:
        text: normalised.
        shown_s: when it came to stand there and stayed, in seconds since the input began.
        final_s: when its final came.
    """

    text: str
    shown_s: float
    final_s: float


@dataclass(frozen=True, slots=True)
class Showing:
    """What was shown of one input.

    Attributes:
        words: of all finals, in order.
        shown: words that were ever shown, those that did not last included.
        rewritten: how many of them were replaced or taken away again.
        first_s: when the first word was shown, None if none was.
    """

    words: tuple[ShownWord, ...]
    shown: int
    rewritten: int
    first_s: float | None

    @property
    def text(self) -> str:
        """All finals, normalised."""
        return " ".join(word.text for word in self.words)


def follow(events: Iterable[Event]) -> Showing:
    """Follow the shown words from event to event.

    A word that stands at its place in two successive events has been shown since the first of them; where
    a word changes, the old one counts as rewritten and the new one as shown from then on.

    Args:
        events: of one input, in order, with ``emitted``.
    """
    words: list[ShownWord] = []
    utterance: list[tuple[str, float]] = []
    shown = rewritten = 0
    first_s: float | None = None
    for event in events:
        now = event.end if event.emitted is None else event.emitted
        texts = normalise(spoken(event.text)).split()
        kept = _kept([text for text, _ in utterance], texts)
        shown += len(texts) - len(kept)
        rewritten += len(utterance) - len(kept)
        if texts and first_s is None:
            first_s = now
        since = {place: utterance[old][1] for old, place in kept}
        utterance = [(text, since.get(place, now)) for place, text in enumerate(texts)]
        if event.kind == "final":
            words += [ShownWord(text, shown_s, now) for text, shown_s in utterance]
            utterance = []
    return Showing(tuple(words), shown, rewritten + len(utterance), first_s)


def _kept(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Places before and after of the words that stay."""
    # Aligned from the end to the beginning, so that a word said twice is first taken for its first saying.
    pairs = align(before[::-1], after[::-1])
    return [
        (len(before) - 1 - old, len(after) - 1 - new)
        for old, new in pairs
        if old is not None and new is not None and before[::-1][old] == after[::-1][new]
    ]
