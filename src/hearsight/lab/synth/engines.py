"""What can speak, under one shape: Kokoro, and two plainer and cheaper engines for large corpora."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from hearsight.lab.synth import flite
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.casting import FLITE_VOICES, PIPER_VOICES, Delivery, Split, cast, cast_plain
from hearsight.lab.synth.engine_names import EngineName
from hearsight.lab.synth.speech import Speaker, Utterance


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to speak.

    Attributes:
        cpu_s: seconds of one core for a second of speech; docs/synth.md tells the machine.
        cast: who says a sentence, by its id and split.
        prepare: makes what the workers share, and raises HearsightError if something is missing.
        speak: says a text as it is cast; the last argument seeds what chance there is in the sound. Raises
            HearsightError for what cannot be said.
    """

    cpu_s: float
    cast: Callable[[str, Split], Delivery]
    prepare: Callable[[Assets], object]
    speak: Callable[[Assets, str, Delivery, int], Utterance]


def _kokoro(assets: Assets, text: str, said: Delivery, seed: int) -> Utterance:
    return _kokoro_speaker(assets, said.accent).speak(text, said.voice, speed=said.speed)


@cache
def _kokoro_speaker(assets: Assets, accent: Literal["us", "gb"]) -> Speaker:
    return Speaker(assets, accent)


def _prepare_piper(assets: Assets) -> None:
    from hearsight.lab.synth.piper_graph import steady_model

    assets.check_piper()
    steady_model(assets)


def _piper(assets: Assets, text: str, said: Delivery, seed: int) -> Utterance:
    from hearsight.lab.synth.piper import piper_speaker

    return piper_speaker(assets).speak(text, said, seed)


def _flite(assets: Assets, text: str, said: Delivery, seed: int) -> Utterance:
    return flite.speak(flite.american(assets), text, said)


ENGINES = {
    EngineName.kokoro: Engine(0.6, cast, lambda assets: assets.speech_model(), _kokoro),
    EngineName.piper: Engine(
        0.1, lambda chance, split: cast_plain(chance, split, PIPER_VOICES), _prepare_piper, _piper
    ),
    EngineName.flite: Engine(
        0.04,
        lambda chance, split: cast_plain(chance, split, FLITE_VOICES),
        lambda _: flite.check_flite(),
        _flite,
    ),
}
"""By name."""
