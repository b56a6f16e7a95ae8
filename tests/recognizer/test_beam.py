"""The beam search is exact where it may be, and keeps what the words need."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hearsight.recognizer.beam import Beam, Hypothesis
from hearsight.recognizer.biasing import ContextGraph
from hearsight.recognizer.language_model import LanguageModel

BLANK = 0
WORD_ENDS = np.array([True, True, True, False])
"""Of four labels: a blank, two that begin words, one that goes on with them."""


class Table:
    """A transducer given by a table: log probabilities depend on the frame and the last two labels."""

    language: LanguageModel | None = None

    def __init__(self, seed: int, frames: int, labels: int, sharpness: float = 2.0) -> None:
        random = np.random.default_rng(seed)
        logits = sharpness * random.standard_normal((frames, labels, labels, labels))
        self.log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        self.frames, self.labels = frames, labels
        self.predictor_rows = 0

    def predict(self, inputs, state):
        self.predictor_rows += len(inputs["token"])
        return np.concatenate([state["last"], inputs["token"][:, None]], 1).astype(np.float32), {
            "last": inputs["token"][:, None]
        }

    def join(self, inputs, state):
        frame = inputs["encoded"][:, 0].astype(int) - 1  # nothing heard is the last frame
        before, last = inputs["predicted"].T.astype(int)
        return self.log_probabilities[frame, before, last].astype(np.float32), {}

    def beam(self, width: int, margin: float = math.inf, context: ContextGraph | None = None) -> Beam:
        start = {"last": np.array([[BLANK]], np.int64)}
        return Beam(
            self.predict,
            self.join,
            start,
            blank=BLANK,
            width=width,
            margin=margin,
            context=context,
            language=self.language,
        )

    def decode(
        self, width: int, margin: float = math.inf, context: ContextGraph | None = None
    ) -> tuple[Hypothesis, ...]:
        beam = self.beam(width, margin, context)
        for frame in range(self.frames):
            beam.advance(encoded(frame), frame)
        return beam.hypotheses

    def every_sequence(self) -> dict[tuple[int, ...], float]:
        """Log probability of every label sequence: the sum over all ways to emit at most one a frame."""
        sums: dict[tuple[int, ...], float] = defaultdict(lambda: -math.inf)
        for path in itertools.product(range(self.labels), repeat=self.frames):
            history, total = (BLANK, BLANK), 0.0
            for frame, label in enumerate(path):
                total += float(self.log_probabilities[(frame, *history, label)])
                if label != BLANK:
                    history = (history[1], label)
            spelled = tuple(label for label in path if label != BLANK)
            sums[spelled] = float(np.logaddexp(sums[spelled], total))
        return sums


def encoded(frame: int) -> NDArray[np.float32]:
    return np.array([frame + 1, 0], np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_is_an_exhaustive_search(seed: int) -> None:
    table = Table(seed, frames=6, labels=4)
    expected = table.every_sequence()
    found = {one.labels: one.score for one in table.decode(width=len(expected))}
    assert found.keys() == expected.keys()
    for labels, score in expected.items():
        assert found[labels] == pytest.approx(score, abs=1e-4)
    assert table.decode(width=len(expected))[0].labels == max(expected, key=expected.__getitem__)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_a_beam_never_claims_more_than_the_truth(seed: int, width: int) -> None:
    table = Table(seed, frames=5, labels=3)
    truth = table.every_sequence()
    hypotheses = table.decode(width)
    assert len(hypotheses) <= width
    assert len({one.labels for one in hypotheses}) == len(hypotheses), "equal spellings are merged"
    assert [one.score for one in hypotheses] == sorted((one.score for one in hypotheses), reverse=True)
    for one in hypotheses:
        assert one.score <= truth[one.labels] + 1e-4


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_width_one_takes_the_likeliest_label_of_each_frame(seed: int) -> None:
    table = Table(seed, frames=20, labels=4)
    labels, frames, history = [], [], (BLANK, BLANK)
    for frame in range(table.frames):
        label = int(table.log_probabilities[(frame, *history)].argmax())
        if label != BLANK:
            labels.append(label)
            frames.append(frame)
            history = (history[1], label)
    (best,) = table.decode(width=1)
    assert (list(best.labels), list(best.frames)) == (labels, frames)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_each_label_keeps_the_frame_and_the_probability_of_its_emission(seed: int, width: int) -> None:
    table = Table(seed, frames=12, labels=4)
    for one in table.decode(width):
        assert len(one.labels) == len(one.frames) == len(one.log_probabilities)
        assert list(one.frames) == sorted(set(one.frames)), "at most one label per frame, in order"
        history = (BLANK, BLANK)
        for label, frame, probability in zip(one.labels, one.frames, one.log_probabilities, strict=True):
            among = np.exp(table.log_probabilities[(frame, *history)])
            expected = among[label] / (among.sum() - among[BLANK])
            assert math.exp(probability) == pytest.approx(expected, abs=1e-5)
            history = (history[1], label)


def test_a_margin_leaves_one_hypothesis_where_the_network_is_sure() -> None:
    table = Table(0, frames=50, labels=4)
    table.log_probabilities[...] = np.log(1e-6)
    table.log_probabilities[..., BLANK] = np.log(1 - 3e-6)
    assert len(table.decode(width=4, margin=8.0)) == 1
    assert table.predictor_rows == 1, "the predictor has run for the start of the utterance only"


def test_a_reset_beam_is_a_new_beam() -> None:
    table = Table(3, frames=10, labels=4)
    beam = table.beam(width=4)
    for _ in range(2):
        beam.reset()
        for frame in range(table.frames):
            beam.advance(encoded(frame), frame)
        assert beam.hypotheses == table.decode(width=4)


def test_a_beam_needs_a_width() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Table(0, frames=1, labels=2).beam(width=0)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 6), age=st.integers(0, 8))
@settings(max_examples=30, deadline=None)
def test_what_is_committed_stays(seed: int, width: int, age: int) -> None:
    table = Table(seed, frames=16, labels=4)
    beam = table.beam(width)
    settled: tuple[int, ...] = ()
    for frame in range(table.frames):
        beam.advance(encoded(frame), frame)
        best = beam.best
        beam.commit(frame - age)
        assert beam.best == best, "the best hypothesis is never dropped"
        count = sum(at < frame - age for at in best.frames)
        for one in beam.hypotheses:
            assert one.labels[:count] == best.labels[:count]
            assert one.labels[: len(settled)] == settled
        settled = best.labels[:count]
    assert beam.is_empty == (not any(one.labels for one in beam.hypotheses))


class Expectations:
    """A language model by chance: depends on all labels up to here, and on what the network expects."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def outlook(
        self, spelled: Sequence[tuple[int, ...]], internal: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return np.stack([self.one(*each) for each in zip(spelled, internal, strict=True)])

    def one(self, labels: tuple[int, ...], internal: NDArray[np.float32]) -> NDArray[np.float32]:
        row = np.random.default_rng((self.seed, *labels)).standard_normal(len(internal))
        row = (row + 0.1 * internal).astype(np.float32)
        row[BLANK] = 0.0
        return row

    def end(self, labels: tuple[int, ...]) -> float:
        return float(-3 * np.random.default_rng((self.seed, 7, *labels)).random())


@given(seed=st.integers(0, 10_000), language=st.integers(0, 100), width=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_a_beam_weighs_what_is_likely_to_be_said(seed: int, language: int, width: int) -> None:
    table, plain = (Table(seed, frames=5, labels=3) for _ in range(2))
    table.language = expectations = Expectations(language)  # type: ignore[assignment]
    truth = plain.every_sequence()
    for labels in truth:
        history = (BLANK, BLANK)
        for place, label in enumerate(labels):
            internal = table.log_probabilities[(-1, *history)].astype(np.float32)
            truth[labels] += float(expectations.one(labels[:place], internal)[label])
            history = (history[1], label)
    for one in table.decode(width):
        assert one.score <= truth[one.labels] + 1e-4
    beam = table.beam(len(truth))
    for frame in range(table.frames):
        beam.advance(encoded(frame), frame)
    assert {one.labels: one.score for one in beam.hypotheses} == pytest.approx(dict(truth), abs=1e-4)
    beam.end()
    assert beam.best.labels == max(truth, key=lambda labels: truth[labels] + expectations.end(labels))


phrases = st.lists(
    st.tuples(
        st.tuples(st.sampled_from([1, 2]), st.lists(st.integers(1, 3), max_size=2)).map(
            lambda both: (both[0], *both[1])
        ),
        st.floats(0.1, 3.0),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda phrase: phrase[0],
)


def worth(found: list, labels: tuple[int, ...]) -> float:
    """What the phrases in a sequence are worth: their boost for each label, where they end with a word."""
    return sum(
        boost * len(phrase)
        for phrase, boost in found
        for at in range(len(labels) - len(phrase) + 1)
        if labels[at : at + len(phrase)] == phrase
        and all(WORD_ENDS[label] for label in labels[at + len(phrase) : at + len(phrase) + 1])
    )


@given(seed=st.integers(0, 10_000), found=phrases)
@settings(max_examples=20, deadline=None)
def test_a_wide_beam_finds_what_is_likeliest_with_its_context_phrases(seed: int, found) -> None:
    table = Table(seed, frames=5, labels=4)
    truth = table.every_sequence()
    hypotheses = table.decode(len(truth), context=ContextGraph(found, WORD_ENDS))
    assert {one.labels for one in hypotheses} == truth.keys()
    for one in hypotheses:
        assert one.score == pytest.approx(truth[one.labels], abs=1e-4), "scores are without the boosts"
    expected = max(truth, key=lambda labels: truth[labels] + worth(found, labels))
    assert hypotheses[0].labels == expected


@given(seed=st.integers(0, 10_000), width=st.integers(1, 5), found=phrases)
@settings(max_examples=50, deadline=None)
def test_any_beam_is_in_order_and_carries_its_phrases_along(seed: int, width: int, found) -> None:
    table = Table(seed, frames=12, labels=4)
    hypotheses = table.decode(width, context=ContextGraph(found, WORD_ENDS))
    assert len(hypotheses) <= 2 * width
    assert len({one.labels for one in hypotheses}) == len(hypotheses), "equal spellings are merged"
    ranks = [one.score + worth(found, one.labels) for one in hypotheses]
    assert ranks == pytest.approx(sorted(ranks, reverse=True))


def spoken(*labels: tuple[float, ...]) -> Table:
    """A table whose probabilities depend on the frame alone."""
    table = Table(0, frames=len(labels), labels=4)
    table.log_probabilities[...] = np.log(labels)[:, None, None]
    return table


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_phrase_that_was_misheard_is_heard(width: int) -> None:
    table = spoken((0.01, 0.29, 0.69, 0.01), (0.01, 0.01, 0.01, 0.97))
    assert table.decode(width)[0].labels == (2, 3)
    assert table.decode(width, context=ContextGraph([((1, 3), 0.3)], WORD_ENDS))[0].labels == (2, 3)
    assert table.decode(width, context=ContextGraph([((1, 3), 1.0)], WORD_ENDS))[0].labels == (1, 3)


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("boost", [1.0, 20.0])
def test_a_phrase_that_only_begins_costs_no_other_word(width: int, boost: float) -> None:
    table = spoken((0.01, 0.3, 0.69, 1e-30), (0.01, 0.48, 0.51, 1e-30), (0.98, 0.01, 0.01, 1e-30))
    context = ContextGraph([((1, 3), boost), ((1, 2, 1, 3), boost)], WORD_ENDS)
    assert table.decode(width, margin=4.0, context=context)[0].labels == (2, 2)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_phrases_of_which_nothing_is_heard_change_nothing(seed: int, width: int) -> None:
    table = Table(seed, frames=12, labels=4)
    table.log_probabilities[..., 2] = -50.0
    found = [one.labels for one in table.decode(width, margin=8.0)]
    context = ContextGraph([((2, 1), 4.0), ((2, 3, 3), 4.0)], WORD_ENDS)
    assert [one.labels for one in table.decode(width, margin=8.0, context=context)] == found
