"""Words come in order, without overlap, with times and confidences that mean something."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.recognizer.beam import Hypothesis
from hearsight.recognizer.words import stable_words, to_words
from hearsight.types import Word

PIECES = ["<blank>", "▁bin", "▁blue", "▁again", "st", "o", "<unk>"]


class ToyPieces:
    def is_silent(self, label: int) -> bool:
        return PIECES[label].startswith("<")

    def starts_word(self, label: int) -> bool:
        return PIECES[label].startswith("▁")

    def text(self, labels) -> str:
        return "".join(PIECES[label] for label in labels).replace("▁", " ").strip()


def words(labels, frames, probabilities=None, *, delay=0.0, earliest=0.0, latest=1e9) -> tuple[Word, ...]:
    logs = tuple(math.log(one) for one in probabilities or [1.0] * len(labels))
    return to_words(
        Hypothesis(tuple(labels), tuple(frames), logs),
        ToyPieces(),
        emission_delay_s=delay,
        earliest_s=earliest,
        latest_s=latest,
    )


def test_pieces_join_to_words() -> None:
    assert [one.text for one in words([1, 2, 4, 5, 3], [10, 20, 21, 22, 40])] == ["bin", "bluesto", "again"]


def test_a_first_piece_without_a_space_begins_a_word() -> None:
    assert [one.text for one in words([4, 5, 1], [10, 11, 20])] == ["sto", "bin"]


def test_silent_labels_part_words_and_are_not_shown() -> None:
    assert [one.text for one in words([1, 6, 4], [10, 11, 12])] == ["bin", "st"]


def test_a_word_ends_where_its_last_piece_came_less_the_delay() -> None:
    (one,) = words([1, 4], [50, 60], delay=0.2)
    assert one.end == pytest.approx(60 / 25 - 0.2)
    assert one.start == pytest.approx(50 / 25 - 0.2 - 0.25)


def test_a_word_close_behind_another_begins_at_its_end() -> None:
    first, second, third = words([1, 2, 3], [50, 60, 100])
    assert second.start == first.end
    assert third.start > second.end + 0.2


def test_the_confidence_is_the_geometric_mean() -> None:
    (one,) = words([1, 4], [5, 6], [0.9, 0.4])
    assert one.confidence == pytest.approx(math.sqrt(0.36))


@given(
    steps=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 30), st.floats(0.01, 1)), max_size=30),
    delay=st.floats(-0.5, 1.0),
    earliest=st.floats(0, 5),
)
def test_words_are_in_order_and_do_not_overlap(steps, delay, earliest) -> None:
    frames, now = [], 0
    for _, step, _ in steps:
        now += step
        frames.append(now)
    latest = max(now / 25, earliest)
    found = words(
        [label for label, _, _ in steps],
        frames,
        [one for _, _, one in steps],
        delay=delay,
        earliest=earliest,
        latest=latest,
    )
    for one in found:
        assert earliest - 1e-6 <= one.start < one.end
        assert delay < 0 or one.end <= max(latest, earliest + 0.04 * len(found)) + 1e-5
        assert 0 < one.confidence <= 1
    for before, after in pairwise(found):
        assert before.end <= after.start


def stable(*spellings) -> int:
    return stable_words([Hypothesis(tuple(labels)) for labels in spellings], ToyPieces())


def test_words_are_stable_that_all_hypotheses_share_and_have_left() -> None:
    assert stable([1, 2]) == 1, "blue may go on"
    assert stable([1, 2, 3], [1, 2, 4, 3]) == 1, "blue or bluest"
    assert stable([1, 2, 3], [1, 2, 1]) == 2, "whatever comes next, it is another word"
    assert stable([1, 2, 3], [1, 2]) == 1, "the second may still go on as bluest"
    assert stable([2, 3], [1, 3]) == 0
    assert stable([1, 6], [1, 6, 6]) == 1, "a silent label ends a word"
    assert stable([6, 1, 2], [6, 1, 3]) == 1
    assert stable([]) == stable([1]) == 0


spelling = st.lists(st.integers(1, 6), max_size=6)


@given(common=spelling, ends=st.lists(spelling, min_size=1, max_size=4), more=spelling)
def test_no_continuation_changes_stable_words(common, ends, more) -> None:
    spellings = [[*common, *end] for end in ends]
    promised = [one.text for one in words(spellings[0], range(len(spellings[0])))][: stable(*spellings)]
    for labels in spellings:
        longer = [*labels, *more]
        found = [one.text for one in words(longer, range(len(longer)))]
        assert found[: len(promised)] == promised
    assert stable(*[[*labels, *more] for labels in spellings]) >= len(promised)
