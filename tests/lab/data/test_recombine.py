"""Words change places between utterances of one speaker, sound and pictures together."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.data.recombine import Recombiner, splice
from hearsight.lab.data.shards import Sample


def sample(name: str, value: int, lengths: list[int], lead: int = 2, tail: int = 3) -> Sample:
    """Every tick holds ``value`` plus the number of its word (0 outside words)."""
    ticks, words, marks = lead, [], [0] * lead
    for index, length in enumerate(lengths, 1):
        words.append((f"{name}{index}", ticks / 25, (ticks + length) / 25))
        marks += [index] * length
        ticks += length
    content = np.array([*marks, *[0] * tail]) + value
    return Sample(
        id=name,
        speaker="one",
        text=" ".join(word for word, _, _ in words),
        words=tuple(words),
        media="",
        split=None,
        pixels=np.repeat(content, 96 * 96).reshape(-1, 96, 96).astype(np.uint8),
        video_present=np.ones(len(content), np.bool_),
        samples=(np.repeat(content, 640) / 256).astype(np.float32),
    )


lengths = st.lists(st.integers(1, 6), min_size=3, max_size=3)


@settings(max_examples=30, deadline=None)
@given(mine=lengths, theirs=lengths, taken=st.lists(st.booleans(), min_size=3, max_size=3))
def test_each_word_keeps_its_own_ticks_and_its_times_say_where_they_are(mine, theirs, taken):
    mixed = splice(sample("a", 0, mine), sample("b", 100, theirs), np.array(taken))
    assert mixed.text.split() == [f"{'b' if take else 'a'}{i}" for i, take in enumerate(taken, 1)]
    assert mixed.samples is not None and mixed.pixels is not None and mixed.words is not None
    assert len(mixed.samples) == 640 * mixed.ticks
    assert np.array_equal(mixed.samples[::640] * 256, mixed.pixels[:, 0, 0])
    for index, (take, (_, start, end)) in enumerate(zip(taken, mixed.words, strict=True), 1):
        heard = mixed.pixels[round(start * 25) : round(end * 25), 0, 0]
        assert len(heard) == (theirs if take else mine)[index - 1]
        assert set(heard) == {index + 100 * take}


def test_only_the_same_speaker_lends_words_and_only_to_as_many():
    rng, recombine = np.random.default_rng(0), Recombiner()
    first, second, longer = sample("a", 0, [2, 2]), sample("b", 0, [3, 3]), sample("c", 0, [1, 1, 1])
    assert recombine(first, 1.0, rng) is first
    assert recombine(longer, 1.0, rng) is longer
    assert recombine(second, 1.0, rng).text == "a1 a2"
    assert recombine(second, 0.0, rng).text == second.text


def test_a_corpus_with_a_speaker_for_each_sentence_is_not_remembered_whole():
    rng, recombine = np.random.default_rng(0), Recombiner()
    regular = sample("a", 0, [2, 2])
    recombine(regular, 0.0, rng)
    for number in range(500):
        recombine(dataclasses.replace(sample("b", 0, [2, 2]), speaker=f"once {number}"), 0.0, rng)
    assert len(recombine._said) < 50
    assert recombine(sample("c", 0, [2, 2]), 1.0, rng).text == "c1 c2", "long ago"
    assert recombine(regular, 1.0, rng).text == "c1 c2"
