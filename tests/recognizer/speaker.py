"""A person as simple as detectors need: bursts of voice over noise, a mouth that opens and closes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TICK = 640


def decibels(level: float) -> float:
    """Amplitude of a level below full scale."""
    return 10 ** (level / 20)


def room(ticks: int, level: float = -50.0, seed: int = 0) -> NDArray[np.float32]:
    """Steady noise."""
    random = np.random.default_rng(seed)
    return (decibels(level) * random.standard_normal(ticks * TICK)).astype(np.float32)


def voice(ticks: int, level: float = -20.0, seed: int = 0) -> NDArray[np.float32]:
    """Syllables: harmonics of changing pitch with a gap in every fifth and sixth tick, over quiet noise."""
    random = np.random.default_rng(seed)
    time = np.arange(ticks * TICK) / 16_000
    pitch = np.repeat(random.uniform(100, 200, ticks), TICK)
    harmonics = sum(np.sin(2 * np.pi * number * pitch * time) for number in range(1, 25)) / 5
    loud = np.repeat(np.arange(ticks) % 6 < 4, TICK)
    return (decibels(level) * harmonics * loud).astype(np.float32) + room(ticks, seed=seed)


def mouth(opening: float, *, light: float = 1.0, shift: int = 0) -> NDArray[np.uint8]:
    """A ``(96, 96)`` crop: lips around an opening of so many pixels."""
    down, across = np.mgrid[0:96, 0:96].astype(float)
    across, down = (across - 48 - shift) / 24, down - 48
    picture = np.full((96, 96), 150.0)
    lips = np.abs(down) < (opening / 2 + 7) * np.sqrt(np.maximum(1 - across**2, 0))
    gap = np.abs(down) < opening / 2 * np.sqrt(np.maximum(1 - across**2, 0))
    picture[lips], picture[gap] = 95, 30
    return np.clip(picture * light, 0, 255).astype(np.uint8)


def still_mouth(ticks: int, grain: float = 2.0, seed: int = 0) -> NDArray[np.uint8]:
    """A mouth at rest before a camera with sensor noise."""
    random = np.random.default_rng(seed)
    noise = grain * random.standard_normal((ticks, 96, 96))
    return np.clip(mouth(0) + noise, 0, 255).astype(np.uint8)


def moving_mouth(ticks: int, seed: int = 0) -> NDArray[np.uint8]:
    """A mouth that speaks: opens and closes four times a second."""
    opening = 10 * (1 - np.cos(2 * np.pi * 4 * np.arange(ticks) / 25))
    random = np.random.default_rng(seed)
    drawn = np.stack([mouth(each) for each in opening])
    return np.clip(drawn + 2 * random.standard_normal(drawn.shape), 0, 255).astype(np.uint8)
