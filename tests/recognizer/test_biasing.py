"""Context phrases are worth what they should be, to every sequence of labels, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.errors import HearsightError
from hearsight.recognizer import Bundle
from hearsight.recognizer.biasing import BOOST, ContextGraph, ContextState, Hotword, read_hotwords

BLANK, LABELS = 0, 6
WORD_ENDS = np.array([True, True, True, False, False, False])
"""A blank, two labels that begin words, and three that go on with them."""

phrases = st.lists(
    st.tuples(
        st.tuples(st.sampled_from([1, 2]), st.lists(st.integers(1, LABELS - 1), max_size=3)).map(
            lambda both: (both[0], *both[1])
        ),
        st.integers(1, 4).map(lambda quarters: quarters / 4),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda phrase: phrase[0],
)
sequences = st.lists(st.integers(1, LABELS - 1), max_size=12).map(tuple)


def worth(found: list, labels: tuple[int, ...]) -> tuple[float, float]:
    """What finished and unfinished phrases are worth, straight from the definition."""
    finished, lent = 0.0, 0.0
    for phrase, boost in found:
        size = len(phrase)
        for at in range(len(labels) - size + 1):
            after = labels[at + size : at + size + 1]
            if labels[at : at + size] == phrase and all(WORD_ENDS[label] for label in after):
                finished += boost * size
        for size in range(1, min(len(phrase), len(labels) + 1)):
            if labels[-size:] == phrase[:size]:
                lent = max(lent, boost * size)
    return finished, lent


def state_after(graph: ContextGraph, labels: tuple[int, ...]) -> ContextState:
    state = ContextState()
    for label in labels:
        state = graph.step(state, label)
    return state


@given(phrases, sequences)
def test_labels_are_worth_the_phrases_in_them(found, labels: tuple[int, ...]) -> None:
    graph = ContextGraph(found, WORD_ENDS)
    state = state_after(graph, labels)
    assert (graph.lasting(state), graph.lent(state)) == worth(found, labels)


@given(phrases, sequences)
def test_what_each_label_makes_of_it_is_known_beforehand(found, labels: tuple[int, ...]) -> None:
    graph = ContextGraph(found, WORD_ENDS)
    state = state_after(graph, labels)
    for label, (lasting, lent) in enumerate(graph.outlook(state).T):
        if label != BLANK:
            after = graph.step(state, label)
            assert (lasting, lent) == (graph.lasting(after), graph.lent(after))


def test_what_an_unfinished_phrase_lent_is_taken_back() -> None:
    graph = ContextGraph([((1, 3, 2, 4), 2.0)], WORD_ENDS)
    labels = (1, 3, 2)
    states = [state_after(graph, labels[:size]) for size in range(4)]
    assert [graph.lent(state) for state in states] == [0.0, 2.0, 4.0, 6.0]
    assert not any(graph.lasting(state) for state in states)
    for elsewhere in (5, 3, 2):
        assert graph.lent(graph.step(states[-1], elsewhere)) == 0.0
    assert graph.lent(graph.step(states[-1], 1)) == 2.0, "it may begin again"
    finished = graph.step(states[-1], 4)
    assert (graph.lasting(finished), graph.lent(finished)) == (8.0, 0.0)


def test_a_phrase_in_the_middle_of_a_word_is_none() -> None:
    graph = ContextGraph([((1,), 2.0)], WORD_ENDS)
    assert graph.lasting(state_after(graph, (1,))) == 2.0
    assert graph.lasting(state_after(graph, (1, 3))) == 0.0, "art is not heard in artist"
    assert graph.lasting(state_after(graph, (1, 2))) == 2.0


def test_of_equal_phrases_the_highest_boost_counts() -> None:
    graph = ContextGraph([((1, 3), 2.0), ((1, 3), 0.5)], WORD_ENDS)
    assert graph.lasting(state_after(graph, (1, 3))) == 4.0


def test_phrases_are_spelled_as_the_model_spells(toy: Bundle) -> None:
    graph = ContextGraph.of([Hotword("Blue  fox", 2.0)], toy.pieces)
    labels = toy.pieces.labels("blue fox")
    assert labels is not None
    assert toy.pieces.text(labels) == "blue fox"
    assert graph.lasting(state_after(graph, labels)) == 2.0 * len(labels)


def test_what_the_model_cannot_spell_is_refused(toy: Bundle) -> None:
    with pytest.raises(HearsightError, match=r"'Zürich 8' cannot be spelled .* no ü, 8: write"):
        ContextGraph.of([Hotword("blue"), Hotword("Zürich 8")], toy.pieces)
    assert toy.pieces.labels("") is None


def test_a_file_has_a_phrase_a_line_and_perhaps_its_boost(tmp_path: Path) -> None:
    path = tmp_path / "phrases.txt"
    path.write_bytes("\ufeffblue fox\r\n\r\n  jumps   over\t 3.5\n".encode())
    assert read_hotwords(path) == [Hotword("blue fox", BOOST), Hotword("jumps over", 3.5)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b" \n\n", "holds no context phrases"),
        (b"blue\tvery\n", "boost 'very' of the context phrase 'blue'"),
        (b"blue\t-1\n", "boost -1"),
        (b"blue\tnan\n", "boost nan"),
        (b"blue\t1e9\n", "boost 1e"),
        (b"blue\t2\t3\n", "of the context phrase 'blue' is no number"),
        (b"\t2\n", "has no words"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
    ],
)
def test_a_file_that_is_no_list_of_phrases_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "phrases.txt"
    path.write_bytes(content)
    with pytest.raises(HearsightError, match=why):
        read_hotwords(path)


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(HearsightError, match="cannot be read"):
            read_hotwords(path)
