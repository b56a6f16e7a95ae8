"""The language model knows which words there are, and adds to each label what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.errors import BundleError
from hearsight.recognizer import Bundle
from hearsight.recognizer.language_model import (
    LanguageModel,
    LanguageModelConfig,
    Lexicon,
    NGram,
    pack_language_model,
    read_language_model,
)

TEXTS = (None, "a", "b", "a", "b", "ab")
BEGINS = (False, True, True, False, False, False)
"""A blank, two labels that begin words, and three that go on with them."""
CONFIG = LanguageModelConfig(weight=0.5, internal=0.25, bonus=0.75, unknown=2.0)

words = st.sets(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=6).map(sorted)
sequences = st.lists(st.integers(1, len(TEXTS) - 1), max_size=8).map(tuple)


def unknown_words(known: list[str], labels: tuple[int, ...]) -> int:
    """How many words some labels spell that are not, or will not be, among those that are known."""
    spelled = [""]
    for label in labels:
        if BEGINS[label]:
            spelled.append("")
        spelled[-1] += TEXTS[label] or ""
    *whole, last = spelled
    finished = sum(word not in known for word in whole if word)
    return finished + (bool(last) and not any(word.startswith(last) for word in known))


def parts(size: int) -> tuple[list, list, list]:
    """Pairs of labels: 2 after 1 is likely, all else as likely as the label alone."""
    none = np.zeros(0, np.uint8)
    grams = [np.arange(1, size), np.array([1 * size + 2]), none.astype(np.int64), none.astype(np.int64)]
    scores = [np.full(size - 1, 32, np.uint8), np.array([4], np.uint8), none, none]
    return grams, scores, [np.array([99], np.uint8), np.array([8], np.uint8), none, none]


def ngram() -> NGram:
    return NGram(*parts(len(TEXTS)), len(TEXTS))


@given(known=words, labels=sequences)
def test_every_word_that_there_is_not_costs_once(known: list[str], labels: tuple[int, ...]) -> None:
    lexicon = Lexicon(known, TEXTS, BEGINS)
    if not labels or not BEGINS[labels[0]]:
        labels = (1, *labels)  # an utterance begins with a word
    cost = sum(
        lexicon.misspelled(lexicon.letters(labels[:place]))[label] for place, label in enumerate(labels)
    )
    assert cost == unknown_words(known, labels)


def test_a_pair_of_labels_is_as_likely_as_it_says_and_another_backs_off() -> None:
    after = ngram().after
    assert after((1,))[2] == -0.25
    assert after((1,))[3] == -2.0 - 0.5, "what is left for those that never came"
    assert after((2,))[2] == after((5, 4))[2] == -2.0, "a context that nothing is known of changes nothing"
    assert np.array_equal(after((3, 1)), after((1,)))


def test_what_is_added_is_the_sum_of_its_parts() -> None:
    model = LanguageModel(ngram(), Lexicon(["a", "bab"], TEXTS, BEGINS), CONFIG, blank=0)
    probabilities = np.array([0.5, 0.1, 0.2, 0.1, 0.05, 0.05], np.float32)
    row = model.outlook([(1,)], np.log(probabilities)[None])[0]
    assert row[0] == 0.0
    assert row[2] == pytest.approx(0.5 * -0.25 - 0.25 * np.log(0.2 / 0.5) + 0.75)
    assert row[3] == pytest.approx(0.5 * -2.5 - 0.25 * np.log(0.1 / 0.5) + 0.75 - 2.0), "aa is no word"


@given(known=words, labels=sequences)
def test_an_utterance_ends_with_a_whole_word_or_pays(known: list[str], labels: tuple[int, ...]) -> None:
    labels = (1, *labels)
    model = LanguageModel(ngram(), Lexicon(known, TEXTS, BEGINS), CONFIG, blank=0)
    begun = unknown_words(known, labels)
    ended = unknown_words(known, (*labels, 1)) - unknown_words(known, (1,))
    assert model.end(labels) == -CONFIG.unknown * (ended - begun)


def test_words_may_become_known() -> None:
    lexicon = Lexicon(["a"], TEXTS, BEGINS)
    model = LanguageModel(ngram(), lexicon, CONFIG, blank=0)
    internal = np.log(np.full((1, len(TEXTS)), 1 / len(TEXTS), np.float32))
    gained = model.knowing(frozenset({"ab"})).outlook([(1,)], internal) - model.outlook([(1,)], internal)
    assert gained.tolist() == [[0, 0, 0, 0, CONFIG.unknown, 0]]


def test_what_is_added_to_one_utterance_is_the_same_beside_others() -> None:
    model = LanguageModel(ngram(), Lexicon(["a", "bab"], TEXTS, BEGINS), CONFIG, blank=0)
    internal = np.log(np.random.default_rng(0).dirichlet(np.ones(len(TEXTS)), 3)).astype(np.float32)
    spelled = [(), (1,), (3, 1)]
    alone = [model.outlook([labels], row[None]) for labels, row in zip(spelled, internal, strict=True)]
    assert np.array_equal(model.outlook(spelled, internal), np.concatenate(alone))


def test_what_is_packed_is_read(toy: Bundle) -> None:
    size = toy.config.vocabulary_size
    model = read_language_model(
        pack_language_model(*parts(size), ["the", "fox"]), "here", CONFIG, toy.pieces, toy.config.blank
    )
    (row,) = model.outlook([()], np.log(np.full((1, size), 1 / size, np.float32)))
    first = {toy.pieces.letters(label): row[label] for label in range(size) if toy.pieces.starts_word(label)}
    known = {letters for letters in first if any(word.startswith(letters) for word in ("the", "fox"))}
    assert known and known != first.keys()
    assert len({first[letters] for letters in known}) == 1
    for letters in first.keys() - known:
        assert first[letters] == pytest.approx(first[min(known)] - CONFIG.unknown)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and more", b"\x93NUMPY"])
def test_another_file_is_refused(content: bytes, toy: Bundle) -> None:
    with pytest.raises(BundleError, match="here is no language model"):
        read_language_model(content, "here", CONFIG, toy.pieces, toy.config.blank)


def test_labels_that_there_are_not_are_refused(toy: Bundle) -> None:
    with pytest.raises(BundleError, match="labels that there are not"):
        read_language_model(
            pack_language_model(*parts(600), ["the"]), "here", CONFIG, toy.pieces, toy.config.blank
        )


def test_the_weights_are_numbers(tmp_path: Path, write_toy_bundle) -> None:
    for wrong in ([], {"weight": 1}, {"weight": "1", "internal": 0, "bonus": 0, "unknown": 0}):
        folder = write_toy_bundle(tmp_path / "toy", language_model=wrong)
        with pytest.raises(BundleError, match="language_model is not an object of numbers"):
            Bundle.load(folder)
