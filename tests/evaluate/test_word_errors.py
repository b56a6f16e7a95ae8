"""Word errors are counted as the field counts them, and intervals say how sure they are."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.evaluate.word_errors import (
    WordErrors,
    align,
    confidence_interval,
    count_errors,
    normalise,
    pooled,
    said_and_heard,
    slot_errors,
)

WORDS = st.sampled_from(["bin", "blue", "at", "f", "two", "now", "please"])
SENTENCES = st.lists(WORDS, max_size=8).map(" ".join)


@given(SENTENCES, SENTENCES)
def test_errors_are_counted_as_jiwer_counts_them(reference: str, hypothesis: str) -> None:
    expected = jiwer.process_words(reference, hypothesis)
    counted = count_errors(reference, hypothesis)
    assert counted.errors == expected.substitutions + expected.deletions + expected.insertions
    assert counted.words == len(reference.split())


@given(SENTENCES, SENTENCES)
def test_an_alignment_uses_every_word_once_in_order(reference: str, hypothesis: str) -> None:
    pairs = align(reference.split(), hypothesis.split())
    assert [place for place, _ in pairs if place is not None] == list(range(len(reference.split())))
    assert [place for _, place in pairs if place is not None] == list(range(len(hypothesis.split())))


def test_rates_are_pooled_over_words_not_averaged_over_utterances() -> None:
    assert pooled([WordErrors(1, 1), WordErrors(0, 9)]).percent == pytest.approx(10.0)


def test_words_heard_where_none_were_said_are_errors() -> None:
    assert count_errors("", "bin blue") == WordErrors(2, 0)
    assert count_errors("", "bin blue").percent == 100.0
    assert count_errors("", "").percent == 0.0


def test_case_and_punctuation_are_not_words() -> None:
    assert count_errors("Seven o'clock, please!", "seven o’clock please").errors == 0
    assert normalise("“Don't  stop” – NOW.") == "don't stop now"


def test_an_error_is_charged_to_the_slot_it_falls_in() -> None:
    pairs = [
        ("bin blue at f two now", "bin blue at s two now"),
        ("lay red by g six soon", "lay red by six soon"),
        ("set white in a one again", "set white in a one again please"),
    ]
    slots = slot_errors(pairs)
    assert list(slots) == ["verb", "colour", "preposition", "letter", "digit", "adverb"]
    assert slots["letter"] == WordErrors(2, 3)
    assert pooled(slots.values()).errors == 2


def test_sentences_of_another_grammar_have_no_slots() -> None:
    assert slot_errors([("bin blue at f two now", "bin"), ("hello there", "hello")]) == {}


def test_an_interval_holds_the_rate_and_follows_from_its_seed() -> None:
    counts = [WordErrors(number % 3, 6) for number in range(50)]
    low, high = confidence_interval(counts, seed=7)
    assert low < pooled(counts).percent < high
    assert confidence_interval(counts, seed=7) == (low, high)


def test_an_interval_covers_the_true_rate_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    trials = 40
    covered = 0
    for _ in range(trials):
        counts = [WordErrors(int(errors), 6) for errors in generator.binomial(6, 0.2, size=40)]
        low, high = confidence_interval(counts)
        covered += low <= 20.0 <= high
    assert covered >= 0.85 * trials


def test_nothing_measured_has_an_interval_without_width() -> None:
    assert confidence_interval([]) == (0.0, 0.0)
    assert confidence_interval([WordErrors(0, 6)] * 5) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("bin blue at f two now", "Bin blue at F2 now."),
        ("bin blue at f two now", "bin blue at f 2 now"),
        ("set white by k zero soon", "Set white by K0, soon."),
        ("meet me at four thirty", "Meet me at 4:30."),
        ("it is ten o'clock", "It is 10:00."),
        ("the second of may nineteen oh five", "The 2nd of May, 1905."),
        ("it costs five dollars", "It costs $5."),
        ("five dollars and twenty cents", "$5.20"),
        ("dial five five five one two three four", "Dial 555-1234."),
        ("twenty twelve", "2012"),
        ("two thousand and one nights", "2001 nights"),
        ("one hundred percent", "100%"),
    ],
)
def test_figures_count_as_the_words_they_stand_for(said: str, written: str) -> None:
    assert count_errors(said, written) == WordErrors(0, len(said.split()))
    assert count_errors(written, said).errors <= count_errors(said, "").errors


def test_a_wrong_figure_is_as_wrong_as_a_wrong_word() -> None:
    assert count_errors("bin blue at f two now", "Bin blue at F3 now.").errors == 1
    assert slot_errors([("bin blue at f two now", "Bin blue at S2 now.")])["letter"] == WordErrors(1, 1)
    assert slot_errors([("bin blue at f two now", "Bin blue at S2 now.")])["digit"] == WordErrors(0, 1)


@given(st.text(alphabet="abc dé,.'-$%", max_size=30), st.text(alphabet="abc dé,.'-$%", max_size=30))
def test_texts_without_figures_are_only_normalised(reference: str, hypothesis: str) -> None:
    assert said_and_heard(reference, hypothesis) == (
        normalise(reference).split(),
        normalise(hypothesis).split(),
    )
