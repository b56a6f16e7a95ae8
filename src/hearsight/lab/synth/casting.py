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
PIPER_VOICES = ("am_joe",)
FLITE_VOICES = ("af_slt", "am_rms", "bm_awb")
"""Voices of the plainer engines, named as Kokoro names its own: American or British, female or male."""
PITCHES = (0.85, 1.2)
"""Factors that make many voices of one; Kokoro, which has many, needs none."""
HELD_OUT_PITCHES = (1.05, 1.1)
"""Those that are never heard in training."""
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
        pitch: factor on the voice's pitch and formants.
    """

    voice: dict[str, float]
    speed: float
    pauses: tuple[float, float]
    pitch: float = 1.0

    @property
    def speaker(self) -> str:
        """Who is heard: another mix or another pitch is another speaker."""
        mix = "+".join(f"{voice}:{share}" for voice, share in self.voice.items())
        return mix if self.pitch == 1 else f"{mix}@{self.pitch}"

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
    pauses = _pauses(rng)
    return Delivery(shares, round(rng.uniform(*SPEEDS), 2), pauses)


def cast_plain(chance: str, split: Split, voices: tuple[str, ...]) -> Delivery:
    """A delivery by one of few voices, at a pitch that ``train`` and ``dev`` do not share."""
    rng = random.Random(f"plain voice {chance}")
    voice, pauses, speed = rng.choice(voices), _pauses(rng), round(rng.uniform(*SPEEDS), 2)
    (low, high), (kept_low, kept_high) = PITCHES, HELD_OUT_PITCHES
    if split == "dev":
        return Delivery({voice: 1.0}, speed, pauses, round(rng.uniform(kept_low, kept_high), 3))
    pitch = rng.uniform(low, high - (kept_high - kept_low))  # a range without the part that is kept
    if pitch > kept_low:
        pitch += kept_high - kept_low
    return Delivery({voice: 1.0}, speed, pauses, round(pitch, 3))


def _pauses(rng: random.Random) -> tuple[float, float]:
    before, after = (rng.randint(0, round(PAUSE_S / STEP_S)) * STEP_S for _ in range(2))
    return before, after


def is_male(voice: dict[str, float]) -> bool:
    """Whether the strongest voice of a mix is a man's: names begin as ``af_heart``, American, female."""
    return max(voice, key=lambda name: voice[name])[1] == "m"


def held_out(count: int, share: float, seed: int) -> frozenset[int]:
    """Which of ``count`` sentences are kept for tests: that share, and at least one unless it is 0."""
    number = min(count, max(1, round(count * share))) if share > 0 else 0
    return frozenset(random.Random(f"held out {seed}").sample(range(count), number))
