"""What a reader of chunks can rely on."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.capture import opening, probe, read_chunks
from hearsight.errors import MediaError
from tests.capture.media import AAC, PCM, Audio, Video, clip, frame_times, video_at, write
from tests.capture.odd_media import ODD_MEDIA
from tests.capture.reading import read

VARIED = ["irregular frames", "late pictures", "holes in the sound", "time stamps begin anew"]


@pytest.fixture(scope="session")
def varied(tmp_path_factory):
    paths = [ODD_MEDIA[name].write(tmp_path_factory.mktemp("varied")) for name in VARIED]
    return {path: read(path, ticks=8) for path in paths}


@settings(max_examples=25, deadline=None)
@given(data=st.data(), ticks=st.integers(1, 120))
def test_the_size_of_chunks_changes_nothing(varied, data, ticks):
    path = data.draw(st.sampled_from(sorted(varied)))
    expected, reading = varied[path], read(path, ticks=ticks)
    np.testing.assert_array_equal(reading.samples, expected.samples)
    np.testing.assert_array_equal(reading.audio_present, expected.audio_present)
    assert len(reading) == len(expected)
    for picture, other in zip(reading.pictures, expected.pictures, strict=True):
        np.testing.assert_array_equal(picture, other)


def test_a_chunk_needs_a_tick(tmp_path):
    with pytest.raises(ValueError, match="at least 1 tick"):
        next(read_chunks(tmp_path, ticks=0))


def test_late_sound_is_announced_as_absent(tmp_path):
    reading = read(write(tmp_path / "clip.mkv", Video(), Audio(offset=0.7)))
    assert len(reading) == 68
    assert reading.video_present.tolist() == [True] * 50 + [False] * 18
    assert reading.audio_present.tolist() == [False] * 17 + [True] * 51


def test_holes_in_the_sound_are_silent_and_announced(tmp_path):
    audio = replace(PCM, spans=[(0.0, 0.6), (1.0, 2.0)])
    reading = read(write(tmp_path / "clip.mkv", Video(), audio))
    assert reading.audio_present.tolist() == [True] * 15 + [False] * 10 + [True] * 25
    assert reading.beeps == pytest.approx([0.52, 1.32], abs=0.003)


def test_a_frozen_picture_stands_half_a_second_and_then_goes(tmp_path):
    times = [time for time in frame_times(25, 4.0) if not 1.0 < time < 3.0]
    present = read(write(tmp_path / "clip.mkv", Video(times=times))).video_present
    assert np.flatnonzero(~present).tolist() == list(range(38, 75))


def test_slides_stand_until_the_next_one(tmp_path):
    for rate in (1, 0.5):
        times = frame_times(rate, 8.0)
        path = write(tmp_path / f"{rate}.mp4", Video(times=times, rate=Fraction(rate)))
        reading = read(path)
        assert len(reading) == 200
        assert reading.video_present.all()


@pytest.mark.parametrize(
    ("rotation", "mirrored", "dark_corner"),
    [
        (0, False, (0, 0)),
        (-90, False, (0, 1)),
        (180, False, (1, 1)),
        (90, False, (1, 0)),
        (180, True, (1, 0)),
        (90, True, (1, 1)),
    ],
)
def test_pictures_are_turned_upright(rotation, mirrored, dark_corner, tmp_path):
    video = replace(video_at(25), rotation=rotation, mirrored=mirrored, marked_corner=True)
    path = write(tmp_path / "clip.mp4", video)
    upright = read(path).pictures[0]
    quarters = np.stack(np.array_split(upright.mean(axis=2), 2))
    light = np.array([[half.mean() for half in np.array_split(row, 2, axis=1)] for row in quarters])
    assert np.unravel_index(light.argmin(), (2, 2)) == dark_corner
    assert upright.shape == ((64, 48, 3) if rotation in (90, -90) else (48, 64, 3))
    info = probe(path)
    assert (info.height, info.width) == upright.shape[:2]


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize(("codec", "format"), [("pcm_u8", "u8"), ("pcm_s16le", "s16"), ("pcm_f32le", "flt")])
@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_every_sound_format_gives_the_same_level_and_pitch(layout, codec, format, rate, tmp_path):
    path = write(tmp_path / "tone.wav", Audio(codec=codec, format=format, layout=layout, rate=rate))
    reading = read(path)
    tone = reading.samples[round(0.55 * 16_000) : round(0.75 * 16_000)]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert spectrum.argmax() * 16_000 / len(tone) == pytest.approx(1000, abs=5)
    assert np.abs(tone).max() == pytest.approx(0.5, abs=0.03)
    assert len(reading) == 50 and reading.audio_present.all()


def test_a_cover_is_no_video(tmp_path):
    info = probe(ODD_MEDIA["song with a cover (FLAC)"].write(tmp_path))
    assert info.has_audio and not info.has_video and info.width is None


def test_the_default_streams_are_read(tmp_path):
    reading = read(ODD_MEDIA["two pictures and two languages"].write(tmp_path))
    assert reading.pictures[0].shape == (48, 64, 3)
    assert reading.audio_present.all()


def test_what_is_left_of_a_cut_file_is_read(tmp_path, caplog):
    whole = read(clip("clip.mkv", Video(), PCM)(tmp_path))
    cut = read(ODD_MEDIA["cut off (Matroska)"].write(tmp_path))
    assert 0.4 * len(whole) < len(cut) < 0.8 * len(whole)


def test_a_file_of_a_few_milliseconds_is_refused(tmp_path):
    path = write(tmp_path / "click.wav", replace(PCM, spans=[(0.0, 0.005)]))
    with pytest.raises(MediaError, match="less than a moment of sound"):
        read(path)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = clip("clip.mkv", Video())(tmp_path)

    def refuse(*args, **how):
        raise av.error.PermissionError(13, "Permission denied", str(path))

    # Not by mode bits: tests may run as a user who may read everything.
    monkeypatch.setattr(opening.av, "open", refuse)
    with pytest.raises(MediaError, match="may not be read: change its permissions"):
        read(path)


def test_probe_tells_what_is_in_a_file(tmp_path):
    info = probe(write(tmp_path / "clip.mp4", video_at(30), AAC))
    assert (info.has_video, info.has_audio, info.width, info.height) == (True, True, 64, 48)
    assert info.frame_rate == pytest.approx(30)
    assert info.duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.shared_data
def test_real_clips_are_read_whole(shared_data):
    for path in sorted(shared_data.glob("grid/*/*.mkv"))[::300]:
        reading = read(path)
        assert len(reading) == 75
        assert reading.video_present.all()
        assert reading.pictures[0].shape == (288, 360, 3)
        assert reading.audio_present[:74].all()
