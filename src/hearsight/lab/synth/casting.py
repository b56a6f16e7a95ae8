"""Who says a sentence, and how: voices mixed at random, some of them kept for tests."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from hearsight.lab.synth.visemes import STEP_S

Split = Literal["train", "dev"]

HELD_OUT = ("af_nova", "am_echo", "bf_lily", "bm_fable")
"""Voices of Kokoro that are never heard in training."""
VOICES = (
    *("af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_river"),
    *("af_sarah", "af_sky", "am_adam", "am_eric", "am_fenrir", "am_liam", "am_michael", "am_onyx"),
    *("am_puck", "am_santa", "bf_alice", "bf_emma", "bf_isabella", "bm_daniel", "bm_george", "bm_lewis"),
)
"""Kokoro's other English voices: American or British, female or male."""
SPEEDS = (0.85, 1.3)
PAUSE_S = 0.4
"""Longest silence added at either end of a sentence."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a sentence is said.

    Attributes:
        voice: share by voice; they sum to about 1.
        speed: 1 is neutral, more is faster.
        pauses: seconds of silence added before and after.
    """

    voice: dict[str, float]
    speed: float
    pauses: tuple[float, float]

    @property
    def accent(self) -> Literal["us", "gb"]:
        """That of the strongest voice."""
        strongest = max(self.voice, key=lambda name: self.voice[name])
        return "gb" if strongest.startswith("b") else "us"


def cast(chance: str, split: Split) -> Delivery:
    """A delivery by a single voice or a mix of two or three; the same for the same words of chance."""
    rng = random.Random(f"voice {chance}")
    voices = HELD_OUT if split == "dev" else VOICES
    chosen = rng.sample(voices, rng.choices((1, 2, 3), (0.4, 0.4, 0.2))[0])
    weights = [rng.random() + 0.15 for _ in chosen]
    shares = {voice: round(weight / sum(weights), 3) for voice, weight in zip(chosen, weights, strict=True)}
    pauses = tuple(rng.randint(0, round(PAUSE_S / STEP_S)) * STEP_S for _ in range(2))
    return Delivery(shares, round(rng.uniform(*SPEEDS), 2), (pauses[0], pauses[1]))


def held_out(count: int, share: float, seed: int) -> frozenset[int]:
    """Which of ``count`` sentences are kept for tests: that share, and at least one unless it is 0."""
    number = min(count, max(1, round(count * share))) if share > 0 else 0
    return frozenset(random.Random(f"held out {seed}").sample(range(count), number))
