"""Noise in the microphone is as loud as the speech heard so far asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.errors import HearsightError
from hearsight.recognizer.mixing import BLOCK, NoiseMixer, SpeechLevel

TICK = 640


def white(seconds: float, power: float = 1.0, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(int(16000 * seconds)) * np.sqrt(power)
    return noise.astype(np.float32)


def talk(seconds: float, power: float) -> np.ndarray:
    """Speech that is there every other half second, over a room 50 dB below it."""
    signal = white(seconds, power, 1)
    off = (np.arange(len(signal)) // 8000) % 2 == 1
    signal[off] *= np.float32(10 ** (-50 / 20))
    return signal


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def mix_by_ticks(mixer: NoiseMixer, signal: np.ndarray) -> np.ndarray:
    return np.concatenate([mixer.mix(signal[at : at + TICK]) for at in range(0, len(signal), TICK)])


@pytest.mark.parametrize("speech_dbfs", [-50, -26, -20])
@pytest.mark.parametrize("snr_db", [10.0, 0.0])
def test_the_ratio_is_what_was_asked_for(speech_dbfs: float, snr_db: float) -> None:
    signal = talk(12, 10 ** (speech_dbfs / 10))
    noise = 0.05 * white(5, seed=2)
    added = mix_by_ticks(NoiseMixer(noise, snr_db), signal) - signal
    later = added[6 * 16000 :]
    assert decibels(10 ** (speech_dbfs / 10) / np.mean(later**2)) == pytest.approx(snr_db, abs=1.0)


def test_before_anyone_speaks_the_usual_level_is_assumed() -> None:
    mixed = NoiseMixer(white(1), 0.0).mix(np.zeros(16000, np.float32))
    assert decibels(float(np.mean(mixed**2))) == pytest.approx(-26, abs=0.5)


def test_a_pause_leaves_the_noise_as_it_is() -> None:
    level = SpeechLevel()
    level.hear(talk(8, 1e-2))
    before = level.power
    level.hear(white(30, 1e-6))
    assert abs(decibels(level.power / before)) < 1.0


def test_it_follows_a_speaker_who_comes_closer() -> None:
    level = SpeechLevel()
    level.hear(talk(8, 1e-4))
    level.hear(talk(20, 1e-2))
    assert decibels(level.power) == pytest.approx(-20, abs=1)


def test_nothing_ahead_is_known() -> None:
    signal, noise = talk(2, 1e-3), white(1, 1e-2, 3)
    changed = signal.copy()
    changed[16000:] = 0.5
    one, other = (mix_by_ticks(NoiseMixer(noise, 0.0), each) for each in (signal, changed))
    np.testing.assert_array_equal(one[:16000], other[:16000])


def test_a_short_noise_goes_round() -> None:
    mixed = NoiseMixer(np.array([0.5, -0.5, 0.25], np.float32), 0.0).mix(np.zeros(TICK, np.float32))
    assert np.all(mixed[:600] != 0)


@given(st.floats(-60, 60), st.floats(0, 4), st.integers(0, 100))
def test_what_comes_out_is_sound_whatever_comes_in(snr_db: float, loud: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixer = NoiseMixer(white(0.1), snr_db)
    for _ in range(4):
        samples = (loud * rng.standard_normal(BLOCK * 2)).astype(np.float32)
        samples[rng.random(len(samples)) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
        mixed = mixer.mix(samples)
        assert mixed.dtype == np.float32
        assert np.abs(mixed).max() <= 1.0 + 1e-6


def test_silent_noise_is_refused() -> None:
    with pytest.raises(HearsightError, match="silent"):
        NoiseMixer(np.zeros(100, np.float32), 0.0)
