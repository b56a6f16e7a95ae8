"""What is normalised reads as it would be written, and keeps the promises that events make."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hearsight.captions.normalising import as_spoken, form_of_text, normalise
from hearsight.errors import HearsightError
from hearsight.types import Event, Word

SPEECH = """a and first five half hundred hundreds i i'm in k million nineteen no o of one place point second
    six thirds thousand twenty two zero"""
words_of_speech = st.sampled_from(SPEECH.split())


def event(text: str, kind: str = "final", stable: int | None = None) -> Event:
    """Words of 0.4 s, one every half second, each surer than the one before."""
    words = tuple(Word(word, at / 2, at / 2 + 0.4, 0.5 + at / 100) for at, word in enumerate(text.split()))
    return Event(
        kind, words, 0.0, len(words) / 2, ("audio",), stable=len(words) if stable is None else stable
    )


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("set white by k four soon", "Set white by k 4 soon"),
        ("i have twenty four apples and one pear", "I have 24 apples and one pear"),
        ("the year two thousand and five", "The year 2005"),
        ("three point one four", "3.14"),
        ("twenty first of may", "21st of may"),
        ("wait a second i'm here", "Wait a second I'm here"),
        ("no one knows", "No one knows"),
        ("a hundred and five people", "105 people"),
        ("half a million people", "Half a million people"),
        ("hundreds of people two thirds of them", "Hundreds of people two thirds of them"),
        ("bin blue at o four now", "Bin blue at o 4 now"),
        ("one two three", "1 2 3"),
        ("", ""),
    ],
)
def test_numbers_are_digits_and_sentences_begin_with_a_capital(spoken: str, written: str) -> None:
    assert normalise(event(spoken)).text == written


def test_several_words_that_become_one_number_last_as_long_as_they_did() -> None:
    (first, number, last) = normalise(event("bring twenty four apples")).words
    assert (first.text, first.start, first.end) == ("Bring", 0.0, 0.4)
    assert number == Word("24", 0.5, 1.4, 0.51), "as sure as the least sure of its words"
    assert (last.start, last.confidence) == (1.5, 0.53)


def test_the_rest_of_an_event_stays() -> None:
    before = Event("final", event("five").words, 0.0, 9.0, ("video",), 9.5, stable=1, on_screen=True)
    after = normalise(before)
    assert (after.kind, after.start, after.end, after.senses) == ("final", 0.0, 9.0, ("video",))
    assert (after.emitted, after.stable, after.on_screen) == (9.5, 1, True)


def test_a_number_that_may_go_on_is_not_stable() -> None:
    assert normalise(event("bring twenty", "partial", 2)).stable == 1
    assert normalise(event("bring twenty four", "partial", 3)).stable == 1
    assert normalise(event("bring twenty four apples", "partial", 3)).stable == 1
    assert normalise(event("bring twenty four apples", "partial", 4)).stable == 3
    assert normalise(event("bring twenty four", "final")).stable == 2


@given(st.lists(words_of_speech, max_size=9), st.lists(words_of_speech, max_size=9), st.integers(0, 9))
@example(["two", "hundred"], ["and", "five"], 2)
@example(["one"], ["two"], 1)
def test_stable_words_stay_whatever_follows(now: list[str], later: list[str], stable: int) -> None:
    stable = min(stable, len(now))
    partial = normalise(event(" ".join(now), "partial", stable))
    final = normalise(event(" ".join(now[:stable] + later)))
    count = partial.stable
    assert [word.text for word in final.words[:count]] == [word.text for word in partial.words[:count]]
    assert final.stable == len(final.words)


@given(st.lists(words_of_speech, max_size=12))
def test_words_stay_in_order_and_what_is_no_number_is_lost_nowhere(texts: list[str]) -> None:
    spoken = event(" ".join(texts))
    words = normalise(spoken).words
    assert all(before.end <= after.start for before, after in pairwise(words))
    if texts:
        assert (words[0].start, words[-1].end) == (spoken.words[0].start, spoken.words[-1].end)
    plain = {"place", "in", "k", "of", "no", "thirds", "hundreds", "o", "half"}
    kept = [word.text.lower() for word in words if word.text.lower() in plain]
    assert kept == [text for text in texts if text in plain]


def test_only_english_is_normalised() -> None:
    assert form_of_text("en-GB", normalize=True) is normalise
    assert form_of_text("fr", normalize=False) is as_spoken
    with pytest.raises(HearsightError, match="English only, and this model hears 'fr'"):
        form_of_text("fr", normalize=True)
