from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from hearsight.lab.ear.tokenizer import END, Tokenizer, byte_symbols
from hearsight.recognizer.reading import has_loop, without_loop


def test_a_loop_at_the_end_is_said_once():
    assert without_loop([1, 2, 3, 7, 8, 7, 8, 7, 8]) == [1, 2, 3, 7, 8]
    assert without_loop([5, *[1, 2, 3, 4] * 5]) == [5, 1, 2, 3, 4]


def test_digits_may_be_repeated_and_sentences_said_twice():
    assert without_loop([4, 0, 0, 0, 0]) == [4, 0, 0, 0, 0]
    assert without_loop([1, 2, 3, 1, 2, 3]) == [1, 2, 3, 1, 2, 3]


@given(st.lists(st.integers(0, 3), max_size=40))
def test_what_is_kept_is_the_beginning(tokens):
    kept = without_loop(tokens)
    assert kept == tokens[: len(kept)]
    assert bool(kept) == bool(tokens)


def test_every_byte_has_a_symbol():
    assert sorted(byte_symbols().values()) == list(range(256))


def test_tokens_become_text_without_marks():
    model = {"vocab": {"Ġpound": 0, "Press": 1, ".": 2, "âĤ": 3, "¬": 4}}
    tokenizer = Tokenizer(json.dumps({"model": model}).encode())
    assert tokenizer.text([50257, 50362, 1, 0, 2, END]) == "Press pound."
    assert tokenizer.text([3, 4]) == "€"


def test_a_long_stretch_of_few_letters_is_a_loop_too():
    assert has_loop([9, *[1, 2, 1, 1, 2, 3, 2, 1, 3, 1, 1, 2] * 2])
    assert not has_loop([5, 5, 5, 1, 2, 1, 2, 5, 5, 9, 8, 7])
