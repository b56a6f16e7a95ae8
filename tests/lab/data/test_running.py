"""Two utterances become one, with a short pause between them, sound and pictures together."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.data.running import Running, join
from tests.lab.data.test_recombine import sample

lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None)
@given(
    first=lengths, second=lengths, tail=st.integers(0, 40), lead=st.integers(0, 40), seed=st.integers(0, 99)
)
def test_every_word_is_where_its_time_says_and_the_pause_is_short(first, second, tail, lead, seed):
    before = sample("a", 0, first, tail=tail)
    both = join(before, sample("b", 100, second, lead=lead), np.random.default_rng(seed))
    assert both.text.split() == [f"a{i}" for i, _ in enumerate(first, 1)] + [
        f"b{i}" for i, _ in enumerate(second, 1)
    ]
    assert both.samples is not None and both.pixels is not None and both.words is not None
    assert len(both.samples) == 640 * both.ticks and len(both.pixels) == both.ticks
    assert np.array_equal(both.samples[::640] * 256, both.pixels[:, 0, 0])
    for index, (word, start, end) in enumerate(both.words):
        heard = set(both.pixels[round(start * 25) : round(end * 25), 0, 0])
        own = index + 1 if word[0] == "a" else index + 101 - len(first)
        assert heard == {own}
    assert both.words[len(first)][1] - both.words[len(first) - 1][2] <= 1.0


def test_only_utterances_of_the_same_senses_are_joined_and_the_speaker_s_own_first():
    rng = np.random.default_rng(0)
    heard = dataclasses.replace(sample("a", 0, [2, 2]), pixels=None)
    other = dataclasses.replace(sample("b", 0, [2, 2]), speaker="two")
    mine, last = sample("c", 0, [3]), sample("d", 0, [1])
    run_on = Running()
    assert run_on(heard, True, rng) is heard
    assert run_on(other, True, rng) is other
    assert run_on(mine, True, rng).text == "b1 b2 c1"
    assert run_on(last, True, rng).text == "c1 d1"
    assert run_on(last, False, rng) is last
    untimed = dataclasses.replace(sample("e", 0, [1]), words=None)
    assert run_on(untimed, True, rng) is untimed
