"""Events as they are written instead of as they are spoken: numbers in digits, sentence case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from text_to_num import find_numbers

from hearsight.errors import HearsightError
from hearsight.types import Event, Word

DIGITS_FROM = 3
"""A smaller number that stands by itself stays a word: "no one", "just a second"."""
_LANGUAGE = "en"
_CONNECTIVES = {"a", "and", "point"}
"""Words that may be part of a number, and are none by themselves."""
_MULTIPLIERS = {"hundred", "thousand", "million", "billion", "trillion"}


def form_of_text(language: str, *, normalize: bool) -> Callable[[Event], Event]:
    """What brings events into the form in which they are shown.

    Args:
        language: that the model hears, as its configuration says.
        normalize: as they are written; otherwise they stay as they are spoken.

    Raises:
        HearsightError: nothing is known about how numbers are spoken in that language.
    """
    if not normalize:
        return as_spoken
    if language.split("-")[0].lower() != _LANGUAGE:
        raise HearsightError(
            f"--normalize knows English only, and this model hears {language!r}: leave --normalize out"
        )
    return normalise


def as_spoken(event: Event) -> Event:
    """The event itself."""
    return event


def normalise(event: Event) -> Event:
    """The event with numbers in digits, the first word and the word I with capitals.

    Several words that become one number become one word: it lasts from the beginning of the first to the end
    of the last, and is as sure as the least sure of them. A number that may still go on is not stable yet,
    so what is promised of ``stable`` holds for the new words.
    """
    words: list[Word] = []
    stable = 0
    for first, stop, closed in _stretches(event.words):
        words += _written(event.words, first, stop)
        if event.kind == "final" or stop + (not closed) <= event.stable:
            stable = len(words)
    if words:
        text = words[0].text
        words[0] = replace(words[0], text=text[:1].upper() + text[1:])
    return replace(event, words=tuple(words), stable=stable)


def _stretches(words: Sequence[Word]) -> Iterator[tuple[int, int, bool]]:
    """Stretches of words that are looked at together: first, end, and whether no later word can join.

    Stretches in which a number may be, and every other word by itself.
    """
    first = 0
    while first < len(words):
        stop = first
        while stop < len(words) and _may_count(words[stop].text):
            stop += 1
        if stop > first:
            yield first, stop, False
        else:
            stop = first + 1
            yield first, stop, True
        first = stop


@lru_cache(maxsize=4096)
def _may_count(text: str) -> bool:
    """Whether a word may be part of a number."""
    return text in _CONNECTIVES or bool(find_numbers([_Token(text)], _LANGUAGE, threshold=0))


def _written(words: Sequence[Word], first: int, stop: int) -> Iterator[Word]:
    """The words of a stretch as they are written."""
    done = first
    tokens = [_token(words, at) for at in range(first, stop)]
    for number in find_numbers(tokens, _LANGUAGE, threshold=DIGITS_FROM):
        begin, end = first + number.start, first + number.end
        yield from map(_cased, words[done:begin])
        confidence = min(word.confidence for word in words[begin:end])
        yield Word(number.text, words[begin].start, words[end - 1].end, confidence)
        done = end
    yield from map(_cased, words[done:stop])


def _token(words: Sequence[Word], at: int) -> _Token:
    """A word as part of a number: "a hundred" counts as "one hundred", "half a million" is left alone."""
    text = words[at].text
    if text == "a" and at + 1 < len(words) and words[at + 1].text in _MULTIPLIERS:
        text = "one"
    before = at
    while before and words[before - 1].text in _MULTIPLIERS:
        before -= 1
    halved = [word.text for word in words[max(0, before - 2) : before]] == ["half", "a"]
    return _Token(text, spoken=halved and text in _MULTIPLIERS)


def _cased(word: Word) -> Word:
    """The word I is written large."""
    return replace(word, text=f"I{word.text[1:]}") if word.text.partition("'")[0] == "i" else word


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, as text_to_num wants it."""

    word: str
    spoken: bool = False

    def text(self) -> str:
        """What it says."""
        return self.word

    def nt_separated(self, previous: _Token) -> bool:
        """Whether something other than words lies between them; pauses do not count, for times may move."""
        return False

    def not_a_number_part(self) -> bool:
        """The letter o is no zero, and hundreds and thirds are no numbers."""
        return self.spoken or self.word == "o" or self.word.endswith("s")
