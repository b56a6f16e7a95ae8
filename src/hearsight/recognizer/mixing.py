"""Noise mixed into a microphone at a chosen level, without knowing what will be said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError
from hearsight.types import SAMPLE_RATE

Samples = NDArray[np.float32]

BLOCK = SAMPLE_RATE // 50
"""The level is measured by blocks of 20 ms."""
BLOCK_S = BLOCK / SAMPLE_RATE
USUAL_POWER = 10 ** (-26 / 10)
"""Power of speech before any was heard: -26 dBFS, the level speech is usually recorded at (ITU-T P.56)."""
USUAL_WEIGHT_S = 0.1
"""That assumption counts as much as so much speech, in decibels."""
MEMORY_S = 3.0
"""The level is a mean over about the last three seconds of speech."""
ACTIVE_RANGE = 1e-3
"""Speech is what lies within 30 dB of the loudest …"""
ABOVE_FLOOR = 10.0
"""… and at least 10 dB above the quietest, so that a room's own noise is not taken for it in a pause."""
LOUDEST_FALL = 10 ** (-1 / 10 * BLOCK_S)
"""The loudest is forgotten by 1 dB a second, …"""
QUIETEST_RISE = 10 ** (3 / 10 * BLOCK_S)
"""… the quietest by 3 dB a second."""
SILENCE = 1e-10
"""Power of what is no sound at all: -100 dBFS."""
RECOVERY_S = 0.5
"""After a peak that had to be turned down, the loudness comes back in about this time."""


class SpeechLevel:
    """Running power of active speech: a causal form of the speech level of ITU-T P.56.

    Pauses do not count, so the level stays where it was while nobody speaks.
    """

    def __init__(self) -> None:
        self._mean = 0.0
        self._heard_s = 0.0
        self._loudest = 0.0
        self._quietest = SILENCE

    @property
    def power(self) -> float:
        """Mean power of the speech heard in the last seconds; the usual one before any was heard."""
        if self._heard_s == 0.0:
            return USUAL_POWER
        trust = self._heard_s / (self._heard_s + USUAL_WEIGHT_S)
        return float(self._mean**trust * USUAL_POWER ** (1 - trust))

    def hear(self, samples: Samples) -> None:
        """Take the next samples, a multiple of 20 ms."""
        for power in np.square(samples, dtype=np.float64).reshape(-1, BLOCK).mean(axis=1).tolist():
            self._loudest = max(power, self._loudest * LOUDEST_FALL)
            self._quietest = max(SILENCE, min(power, self._quietest * QUIETEST_RISE))
            if power >= max(self._loudest * ACTIVE_RANGE, self._quietest * ABOVE_FLOOR):
                self._heard_s += BLOCK_S
                self._mean += (power - self._mean) * BLOCK_S / min(self._heard_s, MEMORY_S)


class NoiseMixer:
    """Adds noise to a microphone's sound as it comes.

    The noise is as loud as the speech heard so far asks for: the signal-to-noise ratio is that of the mean
    power of active speech in the last seconds to the mean power of the whole noise. It goes round when it
    ends. Where the sum would leave [-1, 1], both are turned down together and come back within half a second.

    Args:
        noise: ``(samples,)`` float32 at 16 kHz.
        snr_db: speech power over noise power in decibels.

    Raises:
        HearsightError: the noise is silent.
    """

    def __init__(self, noise: Samples, snr_db: float) -> None:
        self._noise = np.nan_to_num(np.asarray(noise, np.float32))
        self._power = float(np.mean(np.square(self._noise, dtype=np.float64))) if len(noise) else 0.0
        if self._power == 0:
            raise HearsightError("the noise to mix in is silent: give a recording of noise")
        self._ratio = 10 ** (-snr_db / 20)
        self._level = SpeechLevel()
        self._gain = self._wanted()
        self._loudness = 1.0
        self._at = 0

    def mix(self, samples: Samples) -> Samples:
        """The next samples, ``(n,)`` float32 with n a multiple of 320, with noise; what is no number is 0."""
        clean = np.clip(np.nan_to_num(samples, posinf=1.0, neginf=-1.0), -1.0, 1.0)
        self._level.hear(clean)
        before, self._gain = self._gain, self._wanted()
        gains = np.linspace(before, self._gain, len(clean), endpoint=False, dtype=np.float32)
        at = (self._at + np.arange(len(clean))) % len(self._noise)
        self._at = (self._at + len(clean)) % len(self._noise)
        return self._limited(clean + gains * self._noise[at])

    def _wanted(self) -> float:
        return float(np.sqrt(self._level.power / self._power)) * self._ratio

    def _limited(self, mixed: Samples) -> Samples:
        """Turned down where it is too loud for the samples' range."""
        if not len(mixed):
            return mixed
        peak = float(np.abs(mixed).max())
        back = 1.0 - np.exp(-len(mixed) / SAMPLE_RATE / RECOVERY_S)
        recovered = self._loudness + (1.0 - self._loudness) * float(back)
        self._loudness = min(recovered, 1.0 / peak if peak > 0 else 1.0)
        return (mixed * self._loudness).astype(np.float32)
