"""Words of a second pass get times from those of the first."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.recognizer.reading import ReadWord, to_read_words
from hearsight.recognizer.retiming import retime
from hearsight.types import Word


def heard(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start, end, 0.5) for text, start, end in words]


def timed(text: str, first: list[Word], latest: float = 10.0) -> list[tuple[str, float, float]]:
    read = [ReadWord(word, math.log(0.25)) for word in text.split()]
    words = retime(read, first, earliest_s=0.0, latest_s=latest)
    assert all(word.confidence == pytest.approx(0.25) for word in words)
    return [(word.text, word.start, word.end) for word in words]


BIN = heard(("bin", 1.0, 1.2), ("blue", 1.2, 1.5), ("at", 1.5, 1.6), ("f", 1.7, 1.9), ("two", 1.9, 2.2))


def test_words_that_both_passes_have_keep_their_times():
    assert timed("Bin blue at", BIN[:3]) == [("Bin", 1.0, 1.2), ("blue", 1.2, 1.5), ("at", 1.5, 1.6)]


def test_figures_are_the_words_they_are_spoken_as():
    assert timed("Bin blue at F2.", BIN)[-1] == ("F2.", 1.7, 2.2)
    assert timed("Bin blue at F 2", BIN)[-1] == ("2", 1.9, 2.2)


def test_a_word_without_a_partner_has_the_gap_between_its_neighbours():
    first = heard(("please", 1.0, 1.4), ("number", 2.0, 2.5))
    assert timed("Please enter number", first)[1] == ("enter", 1.4, 2.0)


def test_where_there_is_no_gap_words_share_the_time_of_the_one_before():
    first = heard(("mailbox", 1.0, 1.6), ("now", 1.6, 2.0))
    assert timed("the mailbox is full now", first)[-1] == ("now", 1.6, 2.0)


def test_words_before_and_after_all_others_take_their_ordinary_time():
    first = heard(("number", 5.0, 5.5))
    before, number, after = timed("your number please", first)
    assert number[1:] == (5.0, 5.5)
    assert before[1:] == (pytest.approx(4.7), 5.0)
    assert after[1:] == (5.5, pytest.approx(5.9))


WORDS = st.sampled_from(["bin", "Blue", "at", "F2", "4:30", "now,", "mail", "é"])


@given(
    read=st.lists(WORDS, min_size=1, max_size=12),
    texts=st.lists(st.sampled_from(["bin", "blue", "at", "f", "two", "now"]), min_size=1, max_size=8),
    data=st.data(),
)
def test_words_are_in_order_without_overlap_and_last_a_tick(read, texts, data):
    earliest = data.draw(st.floats(0, 100))
    at, first = earliest, []
    for text in texts:
        start = at + data.draw(st.floats(0, 1))
        at = start + data.draw(st.floats(0.04, 1))
        first.append(Word(text, start, at, 1.0))
    words = retime([ReadWord(text, -0.1) for text in read], first, earliest_s=earliest, latest_s=at)
    assert [word.text for word in words] == read
    assert words[0].start >= earliest - 1e-6
    assert all(word.end - word.start >= 0.04 - 1e-5 for word in words)
    assert all(before.end <= after.start for before, after in pairwise(words))
    assert words[-1].end <= max(at, words[0].start + 0.04 * len(read)) + 0.04 * len(read) + 1e-5


def test_tokens_become_words_with_the_mean_of_their_probabilities():
    words = to_read_words([b" That", b"'s", b" -", b" mail", b"box", b"."], [-1, -3, -9, -1, -2, -3])
    assert words == [ReadWord("That's", -2), ReadWord("mailbox.", -2)]
