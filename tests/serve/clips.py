"""Noise for ears and eyes that comes and goes, with a silence in the middle long enough for a final."""

from __future__ import annotations

import numpy as np

from hearsight.recognizer.session import Ticks

TICK = 640


def clip(seed: int, ticks: int) -> Ticks:
    random = np.random.default_rng(seed)
    crops = random.integers(0, 256, (ticks, 96, 96), dtype=np.uint8)
    samples = (0.1 * random.standard_normal((ticks, TICK))).astype(np.float32)
    video, audio = np.ones(ticks, np.bool_), np.ones(ticks, np.bool_)
    for present in (video, audio):
        start, length = random.integers(0, ticks + 1), random.integers(0, 30)
        present[start : start + length] = False
    quiet = slice(ticks // 3, ticks // 3 + 45)
    audio[quiet] = video[quiet] = False
    crops[~video], samples[~audio] = 0, 0
    return Ticks(crops, samples.ravel(), video, audio)
