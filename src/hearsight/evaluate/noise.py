"""Noise at a chosen signal-to-noise ratio, the same every time an utterance is measured."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hearsight.capture.files import read_chunks
from hearsight.errors import MediaError


def read_noise(path: str | Path) -> NDArray[np.float32]:
    """The sound of any file or URL, ``(samples,)`` float32 at 16 kHz.

    Raises:
        MediaError: it cannot be read, or holds no sound.
    """
    chunks = list(read_chunks(path))
    noise = np.concatenate([chunk.samples for chunk in chunks]) if chunks else np.zeros(0, np.float32)
    if not noise.any():
        raise MediaError(f"{path} holds no sound: give a recording of noise")
    return noise


def add_noise(
    samples: NDArray[np.float32], noise: NDArray[np.float32], snr_db: float, *, key: str
) -> NDArray[np.float32]:
    """Mix noise into speech.

    The signal-to-noise ratio is that of the powers over the whole clip, pauses included. The noise
    starts at a place that follows from ``key`` alone, and goes round if it is shorter than the
    speech. Where the sum would leave [-1, 1] it is turned down as a whole, which keeps the ratio.

    Args:
        samples: ``(n,)`` speech; returned as it is if it is all silence.
        noise: ``(m,)`` noise with a power above zero.
        snr_db: speech power over noise power in decibels.
        key: usually the utterance's id.

    Returns:
        ``(n,)`` float32.
    """
    speech_power = _power(samples)
    if speech_power == 0:
        return samples
    start = crc32(key.encode()) % len(noise)
    part = noise[(start + np.arange(len(samples))) % len(noise)]
    noise_power = _power(part)
    if noise_power == 0:
        raise MediaError(f"the noise is silent where {key} would get its share of it: cut its pauses out")
    gain = np.sqrt(speech_power / noise_power) * 10 ** (-snr_db / 20)
    mixed = samples + gain * part
    return (mixed / max(1.0, np.abs(mixed).max())).astype(np.float32)


def _power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
