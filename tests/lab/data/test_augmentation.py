"""Augmentation does what its names say, and the same seed draws the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.errors import HearsightError
from hearsight.lab.data.augment_audio import (
    AudioAugmentation,
    Babble,
    active_power,
    augment_audio,
    change_speed,
    reverberate,
)
from hearsight.lab.data.augment_video import VideoAugmentation, augment_video
from hearsight.lab.data.examples import Augmentation


def tone(seconds=1.0, frequency=440.0):
    times = np.arange(int(seconds * 16_000)) / 16_000
    return (0.2 * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


@settings(max_examples=20, deadline=None)
@given(snr=st.floats(-10, 15), seed=st.integers(0, 1000))
def test_noise_is_mixed_at_the_ratio_asked_for(snr, seed):
    settings_ = AudioAugmentation(
        noise=1,
        lowest_snr=snr,
        highest_snr=snr,
        reverberation=0,
        telephone=0,
        colour=0,
        level_range=0,
        time_masks=0,
    )
    babble = Babble()
    rng = np.random.default_rng(seed)
    voice = tone()
    noisy = augment_audio(voice, settings_, babble, seen=True, severity=1, rng=rng)
    share = np.dot(noisy, voice) / np.dot(voice, voice)
    noise = noisy - share * voice
    measured = 10 * np.log10(active_power((share * voice).astype(np.float32)) / active_power(noise))
    assert measured == pytest.approx(snr, abs=1.0)


def test_speed_changes_length_and_pitch_together():
    faster = change_speed(tone(1.0, 400), 1.25)
    assert len(faster) == 12_800
    assert np.abs(np.fft.rfft(faster)).argmax() * 16_000 / len(faster) == pytest.approx(500, abs=2)


def test_a_room_keeps_the_direct_sound_in_place():
    click = np.zeros(4000, np.float32)
    click[1000] = 1
    response = np.array([1, 0, 0.5], np.float32)
    heard = reverberate(click, response)
    assert heard[[999, 1000, 1001, 1002]] == pytest.approx([0, 1, 0, 0.5], abs=1e-6)


def test_babble_is_of_other_voices_once_enough_were_heard():
    babble, rng = Babble(), np.random.default_rng(0)
    assert babble.mix(100, 2, rng) is None
    for _ in range(4):
        babble.hear(tone())
    mixed = babble.mix(16_000, 2, rng)
    assert mixed.shape == (16_000,)
    assert mixed.std() > 0.5


def test_video_keeps_its_shape_and_loses_frames_only_where_told():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (20, 96, 96)).astype(np.uint8)
    present = np.ones(20, np.bool_)
    calm = VideoAugmentation(frame_drops=0)
    changed, still = augment_video(pixels, present, calm, rng)
    assert changed.shape == pixels.shape
    assert still.all()
    _, dropped = augment_video(pixels, present, VideoAugmentation(frame_drops=8), rng)
    assert not dropped.all()
    assert present.all()


def test_without_strength_video_augmentation_is_the_identity():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (3, 96, 96)).astype(np.uint8)
    none = VideoAugmentation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    changed, _ = augment_video(pixels, np.ones(3, np.bool_), none, rng)
    assert np.abs(changed.astype(int) - pixels).max() <= 1


def test_what_is_chosen_replaces_the_usual():
    chosen = Augmentation.chosen((2, 1, 1), mishaps=1, recombine=0.6, running=0.25)
    assert chosen == Augmentation()
    lips_alone = Augmentation.chosen((0, 0, 3), mishaps=0, recombine=0, running=0)
    assert lips_alone.modes == (0, 0, 1) and lips_alone.mishaps.late == 0 and lips_alone.recombine[0] == 0
    for senses in ((0, 0, 0), (1, -1, 1)):
        with pytest.raises(HearsightError, match="shares of the senses"):
            Augmentation.chosen(senses, mishaps=1, recombine=0, running=0)
