"""Text -> speech with the duration of every phone, by a voice of Piper (a VITS network) in onnxruntime.

The network takes IPA as espeak writes it; the words' phones come from Kokoro's dictionaries, in its symbols.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import numpy as np
import onnxruntime as ort

from hearsight.lab.synth.arrays import Floats
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.casting import Delivery
from hearsight.lab.synth.piper_graph import DURATIONS_OUTPUT, FRAME_NOISE, PHONE_NOISE, steady_model
from hearsight.lab.synth.pitch import uttered
from hearsight.lab.synth.speech import Pronouncer, Utterance

HOP = 256
"""Samples in one step of the network's durations."""
_CHANNELS = 192
_LONGEST_TOKEN = 24
"""More steps than any token takes on average, at neutral speed: that much noise is drawn."""
NOISE, DURATION_NOISE = (0.5, 0.8), (0.6, 1.0)
"""How much chance there is in the sound and in the durations; Piper's own choice is 0.667 and 0.8."""

_VOWELS = frozenset("AIOQWYiuæɑaɒɔəɛeɜɚɪʊʌɐᵊᵻ")
_STRESS = frozenset("ˈˌ")
_ESPEAK = {
    **{"A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "oʊ", "W": "aʊ", "Y": "ɔɪ"},
    **{"ʤ": "dʒ", "ʧ": "tʃ", "ʦ": "ts", "ʣ": "dz", "T": "ɾ", "ᵊ": "ə"},
    **{"ɑ": "ɑː", "ɔ": "ɔː", "u": "uː"},
}
"""What espeak's American English writes otherwise than Kokoro."""
_WITH_R = {"ɜɹ": "ɜː", "əɹ": "ɚ"}
"""Vowels that have the r in them, unless another vowel follows."""


def espeak_units(phones: str) -> Iterator[tuple[str, str]]:
    """Kokoro's symbols, one or two at a time, each with what espeak writes for it in American English."""
    at = 0
    while at < len(phones):
        own = phones[at : at + 2]
        if own in _WITH_R:
            rest = phones[at + 2 :].lstrip("".join(_STRESS))
            yield own, _WITH_R[own] + ("ɹ" if rest[:1] in _VOWELS and rest else "")
        else:
            own = phones[at]
            stressed = at > 0 and phones[at - 1] in _STRESS
            yield own, "iː" if own == "i" and stressed else _ESPEAK.get(own, own)
        at += len(own)


class PiperSpeaker:
    """Speaks text in the one voice of a Piper package, at any pitch."""

    def __init__(self, assets: Assets) -> None:
        """Load the network (63 MB, a second, once in a process) and the American dictionary.

        Raises:
            HearsightError: the package is not there.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = str(steady_model(assets))
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        config = json.loads(assets.piper_config())
        self._rate = int(config["audio"]["sample_rate"])
        self._ids = {symbol: int(ids[0]) for symbol, ids in config["phoneme_id_map"].items()}
        self._pronouncer = Pronouncer(assets.dictionary("us"))

    def speak(self, text: str, said: Delivery, seed: int) -> Utterance:
        """Speak a text; the same seed gives the same sound.

        Args:
            text: lower case words.
            said: its speed and pitch are heeded.
            seed: of what chance does to the sound.

        Raises:
            HearsightError: a word is unknown.
        """
        units = [
            (own, known)
            for own, espeak in espeak_units(self._pronouncer(text))
            if (known := [symbol for symbol in espeak if symbol in self._ids])
        ]
        tokens = [self._ids["^"], self._ids["_"]]
        for _, symbols in units:
            for symbol in symbols:
                tokens += [self._ids[symbol], self._ids["_"]]
        sound, steps = self._run([*tokens, self._ids["$"]], said.pitch / said.speed, seed)
        rate = self._rate * said.pitch
        phones = "".join(own for own, _ in units)
        ends = token_ends([(len(own), 2 * len(symbols)) for own, symbols in units], steps) * HOP / rate
        return uttered(text, phones, ends.tolist(), sound, rate)

    def _run(self, tokens: list[int], length_scale: float, seed: int) -> tuple[Floats, Floats]:
        """Samples, and how many steps of `HOP` samples each token lasts."""
        rng = np.random.default_rng(seed)
        frames = round(len(tokens) * _LONGEST_TOKEN * max(1.0, length_scale))
        scales = [rng.uniform(*NOISE), length_scale, rng.uniform(*DURATION_NOISE)]
        inputs = {
            "input": np.array([tokens], np.int64),
            "input_lengths": np.array([len(tokens)], np.int64),
            "scales": np.array(scales, np.float32),
            PHONE_NOISE: rng.standard_normal((1, 2, len(tokens)), np.float32),
            FRAME_NOISE: rng.standard_normal((1, _CHANNELS, frames), np.float32),
        }
        sound, steps = self._session.run(["output", DURATIONS_OUTPUT], inputs)
        return sound.ravel(), steps.ravel()


def token_ends(units: list[tuple[int, int]], steps: Floats) -> Floats:
    """Ends ``(symbols + 2,)`` of the leading pad, each symbol and the trailing pad, in the network's steps.

    Args:
        units: number of symbols, which share their time equally, and of tokens that stand for them.
        steps: duration of each token: two of the leading pad, those of the units, one of the trailing pad.
    """
    lengths = [float(steps[:2].sum())]
    at = 2
    for symbols, tokens in units:
        lengths += [float(steps[at : at + tokens].sum()) / symbols] * symbols
        at += tokens
    return np.cumsum([*lengths, float(steps[at:].sum())])


@cache
def piper_speaker(assets: Assets) -> PiperSpeaker:
    """The speaker of a cache folder, loaded once in a process."""
    return PiperSpeaker(assets)
