"""Each tick sounds what belongs to it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.filter import Graph
from hypothesis import given
from hypothesis import strategies as st

from hearsight.capture.sound import sound_ticks
from hearsight.capture.timeline import Timeline

RATE = 16_000
BLOCK = 320


def frame_at(sample, length=BLOCK, value=0.5, rate=RATE, layout="mono"):
    channels = av.AudioLayout(layout).nb_channels
    values = np.full((1, length * channels), round(value * 32767), np.int16)
    frame = av.AudioFrame.from_ndarray(values, format="s16", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, sample, Fraction(1, rate)
    return frame


def line(frames):
    ticks = list(sound_ticks(frames, Timeline(0.0, None)))
    samples = [samples for samples, _ in ticks] or [np.zeros(0, np.float32)]
    return np.concatenate(samples), [present for _, present in ticks]


def test_samples_in_our_own_format_go_through_unchanged():
    values = np.random.default_rng(0).integers(-32768, 32767, (1, 6_400)).astype(np.int16)
    frames = []
    for first in range(0, 6_400, BLOCK):
        frame = av.AudioFrame.from_ndarray(values[:, first : first + BLOCK], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        frames.append(frame)
    samples, present = line(frames)
    np.testing.assert_array_equal(samples, values[0].astype(np.float32) / 32768)
    assert present == [True] * 10


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(3, 20)), min_size=1, max_size=6))
def test_every_sample_stands_where_its_time_stamp_says(runs):
    """Holes of more than 50 ms between runs of frames are silent, to the sample."""
    expected, frames, position = np.zeros(0), [], 0
    for number, (gap, blocks) in enumerate(runs):
        gap = gap + 801 if number else gap
        position += gap
        frames += [frame_at(position + BLOCK * k) for k in range(blocks)]
        expected = np.concatenate(
            [expected, np.zeros(gap), np.full(BLOCK * blocks, round(0.5 * 32767) / 32768)]
        )
        position += BLOCK * blocks
    samples, present = line(frames)
    expected = np.pad(expected, (0, -len(expected) % 640)).reshape(-1, 640)
    sounding = np.count_nonzero(expected, axis=1) >= 160
    # Less than 10 ms of sound in a tick are left out, and make no tick at the end.
    expected[~sounding] = 0
    expected, sounding = expected[: len(present)], sounding[: len(present)]
    np.testing.assert_allclose(samples, expected.ravel(), atol=1e-6)
    assert present == sounding.tolist()
    assert present[-1]


@given(st.lists(st.integers(-160, 160), min_size=20, max_size=60))
def test_jitter_of_the_time_stamps_is_not_heard(errors):
    """Up to 10 ms of error make neither holes nor cuts."""
    frames = [frame_at(BLOCK * k + (error if k else 0)) for k, error in enumerate(errors)]
    samples, _ = line(frames)
    whole = BLOCK * len(errors)
    assert abs(len(samples) - whole) < 640
    assert (samples[: whole - 160] != 0).all()


def test_sound_that_overlaps_is_cut():
    samples, _ = line(
        [
            *(frame_at(BLOCK * k, value=0.5) for k in range(10)),
            *(frame_at(1_600 + BLOCK * k, value=0.25) for k in range(15)),
        ]
    )
    assert len(samples) == 6_400
    assert samples[:3_200] == pytest.approx(0.5, abs=1e-4)
    assert samples[3_200:] == pytest.approx(0.25, abs=1e-4)


def test_the_format_may_change_in_the_middle():
    first = [frame_at(960 * k, 960, rate=48_000, layout="stereo") for k in range(50)]
    second = [frame_at(8_000 + 160 * k, 160, rate=8_000) for k in range(50)]
    samples, present = line(first + second)
    assert present == [True] * 50
    inner = np.r_[samples[100:15_900], samples[16_100:31_900]]
    assert inner == pytest.approx(0.5, abs=0.01)


def test_a_tick_goes_by_in_silence_when_nothing_is_in_sight():
    frames = [frame_at(BLOCK * k) for k in range(10)]
    late = [frame_at(3_200 + BLOCK * k, value=0.25) for k in range(10)]
    samples, present = line([*frames, *[None] * 3, *late])
    assert present == [True] * 5 + [False] * 3 + [True] * 2
    assert samples[3_200:5_120] == pytest.approx(0, abs=1e-6)
    assert samples[5_120:] == pytest.approx(0.25, abs=1e-4), "what came too late is left out"


def test_loud_channels_do_not_overflow():
    samples, _ = line([frame_at(960 * k, 960, value=0.999, rate=48_000, layout="5.1") for k in range(20)])
    assert 0.9 < np.abs(samples[500:-500]).max() <= 1.0


@pytest.mark.parametrize("rate", [4, 520_109_696])
def test_a_rate_that_no_sound_has_is_damage(rate):
    assert line([frame_at(4 * k, 1_024, rate=rate) for k in range(10)])[1] == []


def test_the_highest_rate_is_converted_in_time():
    samples, present = line([frame_at(99_999 * k, 99_999, rate=999_983) for k in range(10)])
    assert present == [True] * 25
    assert samples[100:-100] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("format", ["s16", "fltp"])
@pytest.mark.parametrize("channels", [3, 7, 8, 9, 18, 64])
def test_channels_without_names_are_averaged(channels, format):
    """More channels than FFmpeg's frames have room for are no danger either."""
    graph = Graph()
    layout = f"{channels} channels"
    graph.link_nodes(
        graph.add_abuffer(sample_rate=RATE, format="s16", layout=layout),
        graph.add("aformat", f"sample_fmts={format}"),
        graph.add("abuffersink"),
    ).configure()
    frames = []
    for k in range(20):
        graph.push(frame_at(BLOCK * k, layout=layout))
        frames.append(graph.pull())
    assert frames[0].format.name == format
    assert frames[0].layout.name == f"{channels} channels"
    samples, present = line(frames)
    assert present == [True] * 10
    assert samples == pytest.approx(0.5, abs=1e-3)


def test_channels_that_cannot_be_mixed_are_a_hole():
    samples, present = line([frame_at(BLOCK * k, layout="65 channels") for k in range(10)])
    assert not samples.any() and not any(present)
