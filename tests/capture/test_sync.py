"""Sound and pictures stay in step, by their time stamps alone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.capture.media import AAC, EVENTS, FINE, PCM, Audio, Video, frame_times, write
from tests.capture.reading import read

TICK = 0.04
SAMPLE_ERROR = 0.003
"""Encoders smear the edge of a tone a little."""


def events_from(zero: float) -> list[float]:
    return [event - zero for event in EVENTS]


@pytest.mark.parametrize("late_pictures", [0.0, 0.013, 0.02, 0.31])
@pytest.mark.parametrize("rate", [10, 15, 24, 25, 29.97, 30, 50, 60])
def test_flash_and_beep_coincide_at_every_frame_rate_and_offset(rate, late_pictures, tmp_path):
    times = frame_times(rate, 2.0 - late_pictures, late_pictures)
    reading = read(write(tmp_path / "clip.mkv", Video(times=times), Audio()))
    assert len(reading) == pytest.approx(50, abs=1)
    assert reading.beeps == pytest.approx(events_from(0), abs=SAMPLE_ERROR)
    # The first picture of the flash comes up to a frame after its beginning.
    first_white = [min(time for time in times if time >= event) for event in EVENTS]
    early = min(TICK, 1 / rate) / 2 + 0.001
    for flash, white in zip(reading.flashes, first_white, strict=True):
        assert -early <= flash - white <= TICK - early + 0.002
    assert reading.flashes == pytest.approx(EVENTS, abs=max(TICK, 1 / rate) + 0.001)


@pytest.mark.parametrize("sound_offset", [-0.5, -0.037, 0.02, 0.7])
def test_the_clock_begins_with_what_comes_first(sound_offset, tmp_path):
    video = Video(times=frame_times(25, 2.0, 1.0))
    audio = replace(PCM, offset=1.0 + sound_offset)
    reading = read(write(tmp_path / "clip.mkv", video, audio))
    zero = min(1.0, 1.0 + sound_offset)
    assert reading.beeps == pytest.approx(events_from(zero - 1.0 - sound_offset), abs=SAMPLE_ERROR)
    assert reading.flashes == pytest.approx([EVENTS[1] - zero], abs=TICK / 2 + 0.001)


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("clip.mp4", Video(time_base=FINE), AAC),
        ("clip.mov", Video(codec="mjpeg", pixels="yuvj420p", time_base=FINE), replace(PCM, rate=44_100)),
        ("clip.webm", Video(codec="libvpx-vp9"), Audio(codec="libopus", format="flt", rate=48_000)),
        ("clip.ts", Video(), AAC),
        ("clip.flv", Video(), replace(AAC, rate=44_100)),
        ("clip.avi", Video(codec="mpeg4", time_base=Fraction(1, 25)), replace(PCM, rate=8_000)),
        ("clip.mkv", Video(codec="libx265", options={"x265-params": "log-level=none"}), Audio()),
    ],
)
def test_flash_and_beep_coincide_in_every_container(name, video, audio, tmp_path):
    reading = read(write(tmp_path / name, video, audio))
    assert len(reading.beeps) == len(reading.flashes) == 2
    assert np.subtract(reading.flashes, reading.beeps) == pytest.approx([0, 0], abs=TICK)


@pytest.mark.parametrize("speed", [0.99, 0.999, 1.001, 1.01])
def test_a_sound_card_with_a_wrong_clock_stays_in_step(speed, tmp_path):
    audio = replace(PCM, spans=[(0.0, 8.0)], speed=speed)
    reading = read(write(tmp_path / "clip.mkv", Video(times=frame_times(25, 8.0)), audio))
    assert len(reading) == pytest.approx(200, abs=1)
    assert reading.beeps == pytest.approx(EVENTS, abs=0.025)


def test_recordings_joined_in_one_file_stay_in_step(tmp_path):
    part = write(tmp_path / "part.ts", Video(), AAC).read_bytes()
    (tmp_path / "whole.ts").write_bytes(part * 3)
    reading = read(tmp_path / "whole.ts")
    assert len(reading.beeps) == len(reading.flashes) == 6
    assert np.subtract(reading.flashes, reading.beeps) == pytest.approx(np.zeros(6), abs=TICK + 0.01)
