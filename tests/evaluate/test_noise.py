"""Noise is mixed at the ratio that was asked for, and in the same way every time."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.errors import MediaError
from hearsight.evaluate.noise import add_noise, read_noise

NOISE = np.random.default_rng(1).normal(0, 0.1, 5000).astype(np.float32)


def speech(length: int, level: float, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(length)).clip(-1, 1).astype(np.float32)


@settings(deadline=None)
@given(
    length=st.integers(640, 20_000), level=st.floats(0.001, 0.015), snr_db=st.floats(-20, 30), key=st.text()
)
def test_the_measured_ratio_of_powers_is_the_asked_one(
    length: int, level: float, snr_db: float, key: str
) -> None:
    samples = speech(length, level).astype(np.float64)
    noise = add_noise(samples, NOISE, snr_db, key=key) - samples
    measured = 10 * np.log10(np.mean(samples**2) / np.mean(noise**2))
    assert measured == pytest.approx(snr_db, abs=0.02)


@settings(deadline=None)
@given(snr_db=st.floats(-20, 10), louder=st.floats(1, 90))
def test_a_sum_too_loud_for_the_range_is_turned_down_as_a_whole(snr_db: float, louder: float) -> None:
    quiet = speech(2000, 0.01)
    expected = add_noise(quiet, NOISE, snr_db, key="a") * louder
    mixed = add_noise(quiet * np.float32(louder), NOISE, snr_db, key="a")
    assert np.abs(mixed).max() <= 1.0
    np.testing.assert_allclose(mixed, expected / max(1.0, np.abs(expected).max()), atol=1e-5)


def test_an_utterance_always_gets_the_same_noise_and_another_gets_other_noise() -> None:
    samples = speech(8000, 0.1)
    once = add_noise(samples, NOISE, 0.0, key="s1_bbaf2n")
    assert np.array_equal(once, add_noise(samples, NOISE, 0.0, key="s1_bbaf2n"))
    assert not np.array_equal(once, add_noise(samples, NOISE, 0.0, key="s1_bbaf3s"))


def test_silence_stays_silence() -> None:
    silence = np.zeros(640, np.float32)
    assert not add_noise(silence, NOISE, 0.0, key="a").any()
    assert len(add_noise(silence[:0], NOISE, 0.0, key="a")) == 0


def test_noise_that_is_silent_just_there_is_refused() -> None:
    noise = np.zeros(10_000_000, np.float32)
    noise[-1] = 1.0
    with pytest.raises(MediaError, match="silent where some_id"):
        add_noise(speech(640, 0.1), noise, 0.0, key="some_id")


def write_wav(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def test_noise_is_read_from_any_recording(tmp_path: Path) -> None:
    noise = read_noise(write_wav(tmp_path / "noise.wav", NOISE))
    assert np.abs(noise[: len(NOISE)] - NOISE).max() < 1e-3


def test_a_recording_without_sound_is_no_noise(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="holds no sound"):
        read_noise(write_wav(tmp_path / "silence.wav", np.zeros(16_000)))
