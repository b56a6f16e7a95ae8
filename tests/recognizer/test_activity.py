"""A voice is told from noise and moving lips from a face at rest, whatever the level, light and camera."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hearsight.recognizer.activity import ActivityRule, LipDetector, VoiceDetector, mouth_picture
from tests.recognizer.speaker import TICK, decibels, mouth, moving_mouth, room, still_mouth, voice

LEARNT = 12
"""Ticks after which the noise is known."""


def heard(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    detector = VoiceDetector(ActivityRule())
    return np.array([detector(tick) for tick in samples.reshape(-1, TICK)])


def seen(crops: NDArray[np.uint8]) -> NDArray[np.bool_]:
    detector = LipDetector(ActivityRule())
    return np.array([detector(mouth_picture(crop)) for crop in crops])


@pytest.mark.parametrize("level", [-70, -50, -30, -10])
def test_steady_noise_is_no_voice_at_any_level(level: float) -> None:
    assert not heard(room(60 * 25, level))[LEARNT:].any()


@pytest.mark.parametrize("level", [-50, -30, -10])
def test_a_voice_is_heard_at_any_level_from_its_first_syllable(level: float) -> None:
    found = heard(np.concatenate([room(100, -65), voice(100, level)]))
    assert not found[LEARNT:100].any()
    assert found[100:106].any()
    assert found[100:].mean() > 0.5


@pytest.mark.parametrize("snr", [15, 5])
def test_a_voice_is_heard_in_noise(snr: float) -> None:
    found = heard(np.concatenate([room(100, -25), voice(100, -25 + snr) + room(100, -25, seed=1)]))
    assert found[100:106].any()
    assert max(np.diff(np.flatnonzero(found[100:]))) < 15, "no gap that would be taken for a pause"


def test_a_voice_that_is_there_from_the_beginning_is_heard() -> None:
    found = heard(voice(100, -30))
    assert np.flatnonzero(found)[0] < 12
    assert max(np.diff(np.flatnonzero(found))) < 15


def test_noise_that_grows_is_learnt_anew() -> None:
    found = heard(np.concatenate([room(200, -55), room(200, -35)]))
    assert found[200:210].any(), "what is loud all of a sudden may be a voice"
    assert not found[200 + 80 :].any()


def test_silence_and_clicks_are_no_voice() -> None:
    assert not heard(np.zeros(100 * TICK, np.float32)).any()
    clicks = room(200, -60)
    clicks[100 * TICK : 100 * TICK + 200] += decibels(-6)
    clicks[150 * TICK - 3] = 1.0
    assert not heard(clicks)[LEARNT:].any()


def test_a_voice_between_digital_silences_is_heard() -> None:
    """Microphones with noise suppression are silent between words."""
    suppressed = voice(100, -40)
    suppressed.reshape(100, TICK)[np.arange(100) % 25 < 13] = 0
    assert heard(suppressed).reshape(4, 25)[:, 13:].any(axis=1).all()


@pytest.mark.parametrize("grain", [0.0, 2.0, 8.0])
def test_a_mouth_at_rest_does_not_move_however_grainy_the_camera(grain: float) -> None:
    assert not seen(still_mouth(200, grain)).any()


def test_lips_that_open_and_close_move() -> None:
    found = seen(np.concatenate([still_mouth(100), moving_mouth(100), still_mouth(50, seed=1)]))
    assert not found[:100].any()
    assert found[100:108].any()
    assert max(np.diff(np.flatnonzero(found[100:200]))) < 10
    assert not found[210:].any()


def test_a_face_that_shifts_and_light_that_flickers_are_no_lips() -> None:
    ticks = range(100)
    swaying = np.stack([mouth(4, shift=round(1.5 * np.sin(tick / 2))) for tick in ticks])
    flickering = np.stack([mouth(4, light=1 + 0.2 * np.sin(tick)) for tick in ticks])
    assert not seen(swaying).any()
    assert not seen(flickering).any()


def test_a_face_that_comes_back_is_not_compared_with_what_was_before() -> None:
    detector = LipDetector(ActivityRule())
    for opening in (0.0, 20.0):
        for _ in range(20):
            assert not detector(mouth_picture(mouth(opening)))
        assert not detector(None)
