"""An input with a clock of its own stays within reach of ours, whatever happens to it."""

from __future__ import annotations

import numpy as np
import pytest

from hearsight.capture.anchor import Anchor
from hearsight.capture.clock import DeviceStamps, FollowingPace

BEGAN = 1_000.0


def placed(arrivals, began=BEGAN):
    """Where frames go of which ``(begin, seconds of arrival)`` are given."""
    anchor = Anchor(BEGAN)
    return [anchor.place(begin, BEGAN + arrival, began) for begin, arrival in arrivals]


def test_what_comes_as_live_inputs_come_is_not_touched():
    chance = np.random.default_rng(0)
    begins = [k / 25 for k in range(2_000)]
    arrivals = [(begin, begin + chance.exponential(0.05)) for begin in begins]
    assert placed(arrivals) == begins


def test_an_input_that_stood_still_goes_on_a_second_later():
    before = [(k / 25, k / 25) for k in range(100)]
    after = [(k / 25, k / 25 + 3.0) for k in range(100, 200)]
    result = placed(before + after)
    assert result[:100] == [begin for begin, _ in before]
    assert result[130:] == pytest.approx([begin + 3.0 for begin, _ in after[30:]])


def test_an_input_that_catches_up_is_not_touched():
    before = [(k / 25, k / 25) for k in range(100)]
    # Two seconds of standing still, then all of it within half a second.
    after = [(k / 25, 6.0 + (k - 100) / 100) for k in range(100, 150)] + [
        (k / 25, k / 25) for k in range(165, 200)
    ]
    assert placed(before + after) == [begin for begin, _ in before + after]


def test_time_stamps_that_jump_ahead_go_on_where_the_clock_is():
    result = placed([(k / 25, k / 25) for k in range(50)] + [(500 + k / 25, 2 + k / 25) for k in range(50)])
    assert result[50:] == pytest.approx([2 + k / 25 for k in range(50)])


def test_what_comes_too_fast_is_held_back():
    anchor = Anchor(BEGAN)
    assert anchor.due(0.5, BEGAN) < BEGAN
    assert anchor.due(4.0, BEGAN) == pytest.approx(BEGAN + 3.0)


@pytest.mark.parametrize("ppm", [-1000, -100, 100, 1000])
def test_the_pace_follows_a_clock_of_another_speed(ppm):
    chance, pace = np.random.default_rng(0), FollowingPace()
    for k in range(0, 3600 * 25, 5):
        begin = k / 25
        true = BEGAN + begin / (1 + ppm * 1e-6)
        pace.arrived(begin, true + chance.exponential(0.02))
    assert pace.began + begin == pytest.approx(true, abs=0.07)


def test_stamps_of_the_computers_own_clock_are_taken_as_they_are():
    stamps = DeviceStamps()
    assert [stamps.place(BEGAN + k / 30, BEGAN + k / 30 + 0.05) for k in range(3)] == [
        BEGAN + k / 30 for k in range(3)
    ]


def test_stamps_of_another_clock_are_placed_by_the_least_delay():
    stamps, chance = DeviceStamps(), np.random.default_rng(0)
    places = [stamps.place(7 + k / 30, BEGAN + k / 30 + chance.exponential(0.01)) for k in range(300)]
    late = np.array(places[30:]) - [BEGAN + k / 30 for k in range(30, 300)]
    assert late.min() >= 0 and late.max() < 0.005


def test_a_device_clock_that_jumps_is_placed_anew():
    stamps = DeviceStamps()
    for k in range(30):
        stamps.place(7 + k / 30, BEGAN + k / 30)
    assert stamps.place(2.0, BEGAN + 1.0) == pytest.approx(BEGAN + 1.0)
    assert stamps.place(2.1, BEGAN + 1.1) == pytest.approx(BEGAN + 1.1)
