"""Each tick shows the picture that belongs to it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hearsight.capture.pictures import picture_ticks
from hearsight.capture.timeline import Timeline

MICROSECOND = Fraction(1, 1_000_000)
TICK = 0.04


class Times:
    """Stands in for the converter: a picture is the time stamp of its frame."""

    def __init__(self):
        self.converted = 0

    def convert(self, frame):
        self.converted += 1
        return frame.pts / 1e6


def frame_at(time):
    frame = av.VideoFrame(16, 16, "gray")
    frame.pts, frame.time_base = round(time * 1e6), MICROSECOND
    return frame


def shown(times, rate=None, converter=None):
    frames = [None if time is None else frame_at(time) for time in times]
    ticks = picture_ticks(frames, Timeline(0.0, None), converter or Times(), rate)
    return list(ticks)


@given(st.floats(24.0, 120.0), st.floats(0.0, 0.04))
def test_no_picture_is_early_by_more_than_half_a_tick_or_late_by_much_more(rate, offset):
    times = [offset + k / rate for k in range(round(4 * rate))]
    pictures = shown(times, Fraction(rate))
    errors = [picture - k * TICK for k, picture in enumerate(pictures) if picture is not None]
    assert max(errors) <= TICK / 2 + 1e-5, "early"
    assert min(errors) >= -max(TICK / 2, 1 / rate - TICK / 2) - 1e-5, "late"


@given(st.integers(0, 39_999))
def test_at_25_frames_a_second_every_picture_is_shown_once(microseconds):
    times = [microseconds / 1e6 + k / 25 for k in range(100)]
    pictures = [picture for picture in shown(times, Fraction(25)) if picture is not None]
    assert pictures == [round(time, 6) for time in times]


def test_the_mean_error_over_all_offsets_is_nought():
    for rate in (24, 25, 30, 50, 60):
        errors = [
            picture - k * TICK
            for offset in np.linspace(0, 0.04, 40, endpoint=False)
            for k, picture in enumerate(shown([offset + j / rate for j in range(rate * 4)], Fraction(rate)))
            if picture is not None and 2 < k < 95
        ]
        assert abs(np.mean(errors)) < 0.0015, rate


@given(st.lists(st.floats(0.001, 0.2), min_size=1, max_size=60))
def test_the_newest_picture_is_shown_however_irregular_they_come(steps):
    times = np.round(np.concatenate([[0.0], np.cumsum(steps)]), 6)
    for k, picture in enumerate(shown(times)):
        assert picture is not None
        assert picture <= k * TICK + TICK / 2 + 1e-6
        newer = times[(times > picture) & (times <= k * TICK)]
        assert len(newer) == 0


@given(st.integers(1, 200), st.sampled_from([15, 24, 25, 30, 50, 60]))
def test_the_length_is_kept(count, rate):
    pictures = shown([k / rate for k in range(count)], Fraction(rate))
    assert abs(len(pictures) * TICK - count / rate) <= TICK / 2 + 1e-6 or len(pictures) == 1


def test_a_repeated_picture_is_converted_once_and_a_dropped_one_never():
    slow, fast = Times(), Times()
    shown([0.0, 0.2, 0.4], Fraction(5), slow)
    shown([k / 100 for k in range(100)], Fraction(100), fast)
    assert slow.converted == 3
    assert fast.converted == 25


def test_pictures_that_step_back_are_left_out():
    assert shown([0.0, 0.04, 0.02, 0.08], Fraction(25)) == [0.0, 0.04, 0.08]


def test_a_tick_goes_by_without_waiting_when_nothing_is_in_sight():
    pictures = shown([0.0, 0.04, *[None] * 20, 0.88, 0.92], Fraction(25))
    # The last picture stands for half a second; ticks that are gone stay gone.
    assert pictures[:2] == [0.0, 0.04]
    assert pictures[2:13] == [0.04] * 11
    assert pictures[14:21] == [None] * 7
    assert pictures[-2:] == [0.88, 0.92]
    assert len(pictures) == 24
