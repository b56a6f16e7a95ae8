"""Time stamps are believed where they can be, and mended where they cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.capture.timeline import Timeline

FRAME = 0.04


def places(stamps, zero=0.0, length=None):
    timeline = Timeline(zero, length)
    return [timeline.place(stamp, FRAME) for stamp in stamps]


@given(st.lists(st.floats(0.0, 0.9), min_size=1, max_size=50), st.floats(-1e6, 1e6))
def test_good_stamps_are_taken_as_they_are(steps, zero):
    times = [sum(steps[:k]) for k in range(len(steps))]
    assert places([zero + time for time in times], zero) == pytest.approx(times, abs=1e-6)


def test_missing_stamps_follow_the_frame_before():
    assert places([0.0, None, None, 0.12, None]) == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.16])


def test_a_long_hole_within_the_recording_is_believed():
    assert places([0.0, 300.0], length=600.0) == [0.0, 300.0]


@pytest.mark.parametrize(("jump", "length"), [(95_443.7, 600.0), (-30.0, 600.0), (1e9, None), (-1e9, None)])
def test_a_jump_out_of_the_recording_is_closed(jump, length):
    stamps = [20.0, 20.04, jump + 20.08, jump + 20.12]
    assert places(stamps, 20.0, length) == pytest.approx([0.0, 0.04, 0.08, 0.12], abs=1e-5)


def test_after_one_wrong_stamp_the_clock_is_right_again():
    stamps = [0.0, 0.04, 5e5, 0.12, 0.3]
    assert places(stamps, length=60.0) == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.3], abs=1e-5)


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=40), st.floats(0.0, 100.0))
def test_no_stamps_make_a_recording_much_longer_than_it_is(stamps, length):
    for place in places(stamps, 0.0, length):
        assert -1.0 <= place <= length + 10.0 + len(stamps) * (10.0 + FRAME)
