"""Cues fit on a screen, lose no word, and are shown one at a time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.captions.cues import to_cues
from hearsight.types import Event, Word


def utterance(*words: Word, kind="final") -> Event:
    return Event(kind, words, words[0].start, words[-1].end, ("audio",))


def spoken(text: str, start: float = 0.0, pace: float = 0.3, gap: float = 0.0) -> list[Word]:
    words = []
    for word in text.split():
        words.append(Word(word, round(start, 3), round(start + pace, 3), 0.9))
        start += pace + gap
    return words


@st.composite
def utterances(draw) -> list[Event]:
    """Finals with words of up to 42 letters, in order."""
    now, events = 0.0, []
    for _ in range(draw(st.integers(0, 4))):
        words = []
        for _ in range(draw(st.integers(1, 30))):
            start = now + draw(st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.5]))
            now = start + draw(st.floats(0.04, 1.0))
            words.append(Word("x" * draw(st.integers(1, 42)), start, now, 0.5))
        events.append(utterance(*words))
    return events


@settings(max_examples=50, deadline=None)
@given(utterances())
def test_cues_fit_and_lose_nothing(events: list[Event]) -> None:
    cues = list(to_cues(events))
    words = [word.text for event in events for word in event.words]
    assert " ".join(line for cue in cues for line in cue.lines).split() == words
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(len(line) <= 42 for line in cue.lines)
        assert cue.start < cue.end <= cue.start + 6.0 + 1e-6
    for before, after in pairwise(cues):
        assert before.end <= after.start


def test_partials_make_no_cues() -> None:
    assert list(to_cues([utterance(*spoken("bin blue"), kind="partial")])) == []


def test_a_short_utterance_is_one_cue() -> None:
    (cue,) = to_cues([utterance(*spoken("bin blue at f two now"))])
    assert cue.lines == ("bin blue at f two now",)
    assert (cue.start, cue.end) == (0.0, 1.8)


def test_a_pause_begins_a_new_cue() -> None:
    cues = list(to_cues([utterance(*spoken("bin blue"), *spoken("at f two", start=2.0))]))
    assert [cue.lines for cue in cues] == [("bin blue",), ("at f two",)]


def test_a_long_utterance_is_cut_at_its_widest_gap() -> None:
    before = spoken("we hear what is said and we see it while", pace=0.4)
    after = spoken("it is being said by somebody who does not stop", start=before[-1].end + 0.3, pace=0.4)
    cues = list(to_cues([utterance(*before, *after)]))
    assert cues[0].lines == ("we hear what is said and we see it while",)
    assert cues[1].start == after[0].start


def test_a_single_word_stays_long_enough_to_be_read() -> None:
    (cue,) = to_cues([utterance(Word("now", 1.0, 1.2, 0.9))])
    assert cue.end == 2.0
    first, _ = to_cues([utterance(Word("now", 1.0, 1.2, 0.9)), utterance(Word("here", 1.5, 3.0, 0.9))])
    assert first.end == 1.5
