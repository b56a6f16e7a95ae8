"""A language model is counted in text as Kneser and Ney have it, and serves the bundle it was made for."""

from __future__ import annotations

import itertools
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hearsight.cli import app
from hearsight.errors import HearsightError
from hearsight.lab.language_model import add_language_model, backoffs, counted, estimated, pruned
from hearsight.recognizer import Bundle, Recognizer
from hearsight.recognizer.language_model import ORDER, STEP, LanguageModelConfig, NGram
from tests.recognizer.speaker import voice

SIZE = 5
CONFIG = LanguageModelConfig(weight=0.4, internal=0.3, bonus=0.4, unknown=2.0)

TOY = Path(__file__).parents[1] / "recognizer" / "toy_bundle.py"


@pytest.fixture
def toy_bundle(tmp_path: Path) -> Path:
    return Path(runpy.run_path(str(TOY))["write_toy_bundle"](tmp_path / "toy"))


texts = st.lists(st.lists(st.integers(1, SIZE - 1), min_size=1, max_size=7), min_size=1, max_size=12)


def built(sentences: list[list[int]], most: int = 10**6) -> NGram:
    orders = pruned(estimated(counted(sentences, SIZE, 0), SIZE), SIZE, most)
    scores = [-np.log(order.probabilities) / STEP for order in orders]
    left = [-np.log(each) / STEP for each in backoffs(orders, SIZE)]
    return NGram([order.grams for order in orders], scores, left, SIZE)  # type: ignore[arg-type]


@given(texts)
@settings(max_examples=50, deadline=None)
def test_n_grams_are_counted_within_sentences(sentences: list[list[int]]) -> None:
    for order, (grams, counts) in enumerate(counted(sentences, SIZE, 0), 1):
        found = {}
        for sentence in sentences:
            marked = [0, *sentence]
            for end in range(max(order, 2), len(marked) + 1):
                gram = tuple(marked[end - order : end])
                found[gram] = found.get(gram, 0) + 1
        numbers = {
            sum(label * SIZE**place for place, label in enumerate(gram[::-1])): times
            for gram, times in found.items()
        }
        assert dict(zip(grams.tolist(), counts.tolist(), strict=True)) == numbers


@given(texts, st.integers(SIZE, 40))
@settings(max_examples=50, deadline=None)
def test_after_anything_something_comes(sentences: list[list[int]], most: int) -> None:
    model = built(sentences, most)
    for length in range(ORDER):
        for context in itertools.product(range(SIZE), repeat=length):
            assert np.exp(model.after(context)).sum() == pytest.approx(1.0, abs=1e-3)


def test_what_came_often_is_likely_and_a_name_that_came_with_one_word_is_not() -> None:
    model = built([[1, 2], [1, 2], [1, 2], [1, 3], [4, 1, 2], [2, 2], [3, 2]])
    assert model.after((1,)).argmax() == 2
    assert model.after((1,))[2] > model.after((1,))[3] > model.after((1,))[4]
    often = built([[1, 4]] * 9 + [[1, 2], [2, 3], [3, 2], [2, 2], [3, 3]])
    assert often.after(())[4] < often.after(())[2], "it came nine times, but always after the same"


def test_few_n_grams_are_kept_where_few_are_asked_for() -> None:
    random = np.random.default_rng(0)
    sentences = [random.integers(1, SIZE, 6).tolist() for _ in range(50)]
    orders = pruned(estimated(counted(sentences, SIZE, 0), SIZE), SIZE, 40)
    assert sum(len(order.grams) for order in orders) <= 42, "but for those of equal worth"
    assert len(orders[0].grams) == SIZE - 1


def test_a_bundle_gets_a_language_model(toy_bundle: Path) -> None:
    sentences = ["The quick brown fox", "place red now, please!", "the fox jumps", "4711"]
    assert (
        add_language_model(toy_bundle, sentences, ["dogs", "no word 7"], CONFIG, most=1000, beam_width=3) == 3
    )
    bundle = Bundle.load(toy_bundle).open()
    assert bundle.language_model is not None
    assert bundle.config.language_model == CONFIG
    assert not list(toy_bundle.glob("*.new"))
    recognizer = Recognizer.load(toy_bundle)
    assert recognizer.beam_width == 3
    events = recognizer.stream("audio").push(None, voice(200))
    assert any(event.text for event in events)


def test_the_command_line_makes_one_of_text_files(toy_bundle: Path, tmp_path: Path) -> None:
    text, words = tmp_path / "text.txt", tmp_path / "words.txt"
    text.write_text("the quick brown fox\njumps over the dog\n")
    words.write_text("lazy\n")
    command = ["language", str(toy_bundle), str(text), "--words", str(words), "--unknown", "3"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0
    assert told.stdout == f"a language model of 2 sentences is in {toy_bundle}\n"
    config = Bundle.load(toy_bundle).config.language_model
    assert config is not None
    assert config.unknown == 3
    missing = CliRunner().invoke(app, ["language", str(toy_bundle), str(tmp_path / "absent.txt")])
    assert missing.exit_code == 2
    assert "absent.txt cannot be read" in missing.stderr


def test_texts_without_words_make_none(toy_bundle: Path) -> None:
    before = sorted(path.name for path in toy_bundle.iterdir())
    with pytest.raises(HearsightError, match="no sentence can be spelled"):
        add_language_model(toy_bundle, ["4711", ""], [], CONFIG, most=1000, beam_width=3)
    assert sorted(path.name for path in toy_bundle.iterdir()) == before
