from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.lab.synth.visemes import DIPHTHONGS, STEP_S, VISEMES, curves, segments

UNITS = ("jawOpen", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthFunnel", "mouthUpperUpLeft")
PHONES = "".join(VISEMES) + "".join(DIPHTHONGS) + "ˈː ."


def track(phones: str, durations: list[int], unit: str) -> np.ndarray:
    ticks = round(sum(durations) * STEP_S * 25)
    return curves(phones, durations, ticks, UNITS)[:, UNITS.index(unit)]


def at(second: float) -> int:
    return int(second * 25)


def test_lips_meet_for_m_and_the_jaw_opens_for_ah():
    phones, durations = "ɑmɑ", [8, 8, 8, 8, 8]
    jaw, press = track(phones, durations, "jawOpen"), track(phones, durations, "mouthPressLeft")
    assert jaw[at(0.3)] > 0.4 and press[at(0.3)] < 0.1
    assert jaw[at(0.5)] < 0.03 and press[at(0.5)] > 0.4


def test_both_sides_of_the_face_move_alike():
    phones, durations = "pɑfu", [4, 4, 8, 4, 8, 4]
    left = track(phones, durations, "mouthPressLeft")
    np.testing.assert_array_equal(left, track(phones, durations, "mouthPressRight"))


def test_lips_round_before_a_rounded_vowel_begins():
    early = track("tu", [8, 4, 12, 8], "mouthPucker")[at(0.28)]
    assert early > 2 * track("ti", [8, 4, 12, 8], "mouthPucker")[at(0.28)]
    assert early > 0.2


def test_the_mouth_closes_in_a_long_pause_and_not_in_a_short_one():
    long = track("ɑ ɑ", [4, 8, 16, 8, 4], "jawOpen")
    short = track("ɑ ɑ", [4, 8, 2, 8, 4], "jawOpen")
    assert long[at(0.5)] < 0.15
    assert short[at(0.32)] > 0.5


def test_a_diphthong_glides_between_two_vowels():
    jaw = track("I", [8, 16, 8], "jawOpen")
    assert jaw[at(0.3)] > jaw[at(0.55)] + 0.2


def test_a_wrong_number_of_durations_is_refused():
    with pytest.raises(ValueError, match="two more"):
        segments("ɑ", [1, 2])


@given(st.text(PHONES, min_size=1, max_size=30), st.data())
def test_weights_stay_between_rest_and_the_strongest_target(phones, data):
    count = len(phones) + 2
    durations = data.draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))
    ticks = round(sum(durations) * STEP_S * 25)
    weights = curves(phones, durations, ticks, UNITS)
    assert weights.shape == (ticks, len(UNITS))
    assert np.isfinite(weights).all()
    assert (weights >= -1e-6).all() and (weights <= 0.91).all()


@given(st.text(PHONES, min_size=1, max_size=30), st.data())
def test_segments_follow_each_other_to_the_end(phones, data):
    count = len(phones) + 2
    durations = data.draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))
    found = segments(phones, durations)
    assert found[0].start == 0
    assert found[-1].end == pytest.approx(sum(durations) * STEP_S)
    for one, next_one in pairwise(found):
        assert one.start < one.end <= next_one.start + 1e-9
