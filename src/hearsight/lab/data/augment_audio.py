"""What happens to sound on its way to a microphone, drawn at random for training."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hearsight.types import SAMPLE_RATE

Samples = NDArray[np.float32]

_BLOCK = SAMPLE_RATE // 50
_QUIET_BELOW_LOUDEST = 1e-3


@dataclass(frozen=True, slots=True)
class AudioAugmentation:
    """How much is done to the sound; probabilities in [0, 1], levels in dB.

    Attributes:
        noise: probability of noise.
        lowest_snr, highest_snr: range of the signal-to-noise ratio, to the power of active speech. Sound
            that comes without pictures stays 5 dB above the lowest.
        reverberation: probability of a room response.
        telephone: probability that it comes over a telephone.
        colour: probability of a microphone's colour.
        level, level_range: mean and half range of the level of active speech, in dBFS.
        time_masks: how often a stretch of up to 320 ms is silenced, on average.
    """

    noise: float = 0.75
    lowest_snr: float = -10.0
    highest_snr: float = 20.0
    reverberation: float = 0.2
    telephone: float = 0.15
    colour: float = 0.2
    level: float = -26.0
    level_range: float = 14.0
    time_masks: float = 0.8


def active_power(samples: Samples) -> float:
    """Mean power of the 20 ms blocks that are within 30 dB of the loudest."""
    blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    if not len(blocks):
        return 1e-10
    power = np.square(blocks).mean(1)
    return float(power[power >= power.max() * _QUIET_BELOW_LOUDEST].mean()) + 1e-10


def change_speed(samples: Samples, speed: float) -> Samples:
    """Play faster or slower, pitch and all, by linear interpolation."""
    times = np.arange(int(len(samples) / speed)) * speed
    return np.interp(times, np.arange(len(samples)), samples).astype(np.float32)


def room_response(rng: np.random.Generator) -> Samples:
    """A direct path and an exponentially decaying tail of noise (Polack's model), 0.1 to 0.6 s of RT60."""
    rt60 = rng.uniform(0.1, 0.6)
    times = np.arange(int(rt60 * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(times)) * np.exp(-6.9 * times / rt60)
    tail *= np.sqrt(10 ** (-rng.uniform(0, 15) / 10) / np.square(tail).sum())
    tail[0] = 1.0
    return tail.astype(np.float32)


def reverberate(samples: Samples, response: Samples) -> Samples:
    """Convolve and keep the length."""
    size = 1 << (len(samples) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def microphone_colour(rng: np.random.Generator) -> Samples:
    """Response of 32 ms with random gains of ±9 dB over frequency, sometimes cut off above 3.4 to 7 kHz."""
    lines = np.linspace(0, SAMPLE_RATE / 2, 257)
    points = [0, 150, 400, 1000, 2000, 3400, 5000, 8000]
    gains = np.interp(lines, points, rng.uniform(-9, 9, len(points)))
    if rng.random() < 0.4:
        gains -= 0.03 * np.clip(lines - rng.uniform(3400, 7000), 0, 1500)
    cepstrum = np.fft.irfft(gains * np.log(10) / 20)  # minimum phase: nothing comes before the sound itself
    cepstrum[1:256] *= 2
    cepstrum[257:] = 0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))
    return response.astype(np.float32)


def over_telephone(samples: Samples, rng: np.random.Generator) -> Samples:
    """Without what is above 3.2 to 4 kHz, and half of the time without what is below 80 to 300 Hz."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.linspace(0, SAMPLE_RATE / 2, len(spectrum))
    spectrum[frequencies > rng.uniform(3200, 4000)] = 0
    if rng.random() < 0.5:
        spectrum[frequencies < rng.uniform(80, 300)] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def coloured_noise(length: int, rng: np.random.Generator) -> Samples:
    """Noise whose power falls with frequency to the power 0 (white) to 1.5."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum /= (np.arange(len(spectrum)) + 10.0) ** rng.uniform(0, 0.75)
    noise = np.fft.irfft(spectrum, length)
    return (noise / noise.std()).astype(np.float32)


class Babble:
    """Voices to mix: the utterances that came by last, so that a stream needs no second corpus."""

    def __init__(self, voices: int = 96) -> None:
        self._heard: deque[Samples] = deque(maxlen=voices)

    def hear(self, samples: Samples) -> None:
        """Remember an utterance."""
        if len(samples) >= SAMPLE_RATE // 2:
            self._heard.append((samples / np.sqrt(active_power(samples))).astype(np.float32))

    def mix(self, length: int, voices: int, rng: np.random.Generator) -> Samples | None:
        """So many voices at equal level, or None before enough were heard."""
        if len(self._heard) <= voices:
            return None
        total = np.zeros(length, np.float32)
        for index in rng.choice(len(self._heard), voices, replace=False):
            voice = self._heard[index]
            start = rng.integers(len(voice))
            total += np.resize(np.roll(voice, -start), length)
        return total


def draw_noise(length: int, babble: Babble, loud: bool, rng: np.random.Generator) -> Samples:
    """Babble of four to eight voices, one other voice (not when loud), or coloured noise."""
    kind = rng.random()
    voices = 1 if kind < 0.08 and not loud else int(rng.integers(4, 9))
    mixed = babble.mix(length, voices, rng) if kind < 0.65 else None
    return coloured_noise(length, rng) if mixed is None else mixed


def augment_audio(
    samples: Samples,
    settings: AudioAugmentation,
    babble: Babble,
    *,
    seen: bool,
    severity: float,
    rng: np.random.Generator,
) -> Samples:
    """A room, noise, a microphone, a level and gaps.

    Args:
        samples: one utterance in [-1, 1].
        settings: how much of each.
        babble: voices to mix.
        seen: whether the face is there to help.
        severity: share of the full probability of noise, for a gentle start.
        rng: the source of chance.
    """
    if rng.random() < settings.reverberation:
        samples = reverberate(samples, room_response(rng))
    if rng.random() < settings.noise * severity:
        lowest = settings.lowest_snr + (0.0 if seen else 5.0)
        snr = lowest + (settings.highest_snr - lowest) * rng.random()
        noise = draw_noise(len(samples), babble, snr < 0, rng)
        gain = np.sqrt(active_power(samples) / (active_power(noise) * 10 ** (snr / 10)))
        samples = samples + noise * np.float32(gain)
    if rng.random() < settings.colour:
        samples = reverberate(samples, microphone_colour(rng))
    if rng.random() < settings.telephone:
        samples = over_telephone(samples, rng)
    level = settings.level + rng.uniform(-settings.level_range, settings.level_range)
    samples = samples * np.float32(10 ** (level / 20) / np.sqrt(active_power(samples)))
    for _ in range(rng.poisson(settings.time_masks)):
        start, length = rng.integers(len(samples)), rng.integers(SAMPLE_RATE // 3)
        samples[start : start + length] = 0
    return np.clip(samples, -1, 1).astype(np.float32)
