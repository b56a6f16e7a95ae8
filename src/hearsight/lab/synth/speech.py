"""Text -> speech with the duration of every phone, by Kokoro-82M in onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import onnxruntime as ort

from hearsight.errors import HearsightError
from hearsight.lab.synth.arrays import Floats
from hearsight.lab.synth.assets import DURATIONS_OUTPUT, Assets
from hearsight.lab.synth.grammars import LETTER_SLOT, is_grid
from hearsight.lab.synth.visemes import STEP_S

SPEECH_RATE = 24_000
"""Kokoro's samples per second."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Spoken text.

    Attributes:
        text: what was said, lower case.
        phones: Kokoro's symbols, words separated by spaces.
        durations: in steps of 1/40 s: a leading pad, one per symbol, a trailing pad.
        samples: float32 at 24 kHz: 600 for each step.
    """

    text: str
    phones: str
    durations: list[int]
    samples: Floats

    def with_silence(self, before_s: float, after_s: float) -> Utterance:
        """The same with silence before and after it, in whole steps."""
        before, after = round(before_s / STEP_S), round(after_s / STEP_S)
        first, *middle, last = self.durations
        step = round(SPEECH_RATE * STEP_S)
        samples = np.pad(self.samples, (before * step, after * step))
        return Utterance(self.text, self.phones, [first + before, *middle, last + after], samples)


class Pronouncer:
    """Words -> Kokoro's phone symbols, from the dictionaries alone."""

    def __init__(self, entries: dict[str, Any]) -> None:
        """Take the pronunciations by word, as `Assets.dictionary` gives them."""
        self._entries = entries

    def __call__(self, text: str) -> str:
        """Phones of the text: single letters but the article "a" are spelt, words are separated by spaces.

        In a sentence of GRID's grammar "a" is a letter too.

        Raises:
            HearsightError: a word is in no dictionary.
        """
        words = text.lower().split()
        phones = [self.word(word) for word in words]
        if is_grid(" ".join(words)):
            phones[LETTER_SLOT] = self.letter(words[LETTER_SLOT])
        return " ".join(phones) + "."

    def letter(self, letter: str) -> str:
        """Phones of a letter's name; raises HearsightError if the dictionary lacks it."""
        phones = _default(self._entries.get(letter.upper()))
        if phones is None:
            raise HearsightError(f"No dictionary has the letter {letter!r}: choose another.")
        return phones

    def known(self) -> Iterator[str]:
        """The pronunciation of every word in the dictionary."""
        return filter(None, map(_default, self._entries.values()))

    def word(self, word: str) -> str:
        """Phones of one word; raises HearsightError for an unknown one."""
        if word == "a":
            return "ɐ"
        spellings = (word.upper(), word) if len(word) == 1 else (word, word.capitalize(), word.upper())
        for spelling in spellings:
            phones = _default(self._entries.get(spelling))
            if phones:
                return phones
        stem = word.removesuffix("'s") if word.endswith("'s") else word.removesuffix("s")
        if stem != word and stem:
            return _with_s(self.word(stem))
        raise HearsightError(f"No dictionary has the word {word!r}: choose another.")


def _default(entry: Any) -> str | None:
    if isinstance(entry, dict):
        return entry.get("DEFAULT") or next((value for value in entry.values() if value), None)
    return entry if isinstance(entry, str) else None


def _with_s(phones: str) -> str:
    """The plural, possessive or third person of a word."""
    if phones[-1] in "szʃʒʧʤ":
        return phones + "ᵻz"
    return phones + ("s" if phones[-1] in "ptkfθ" else "z")


class Speaker:
    """Speaks text in Kokoro's voices."""

    def __init__(self, assets: Assets, accent: Literal["us", "gb"] = "us") -> None:
        """Load the model (92 MB, half a second, once in a process) and the accent's dictionary."""
        self._session = _session(str(assets.speech_model()))
        self._assets = assets
        self._vocabulary = assets.vocabulary()
        self._pronouncer = Pronouncer(assets.dictionary(accent))

    def speak(self, text: str, voice: str | dict[str, float], *, speed: float = 1.0) -> Utterance:
        """Speak a text.

        Args:
            text: lower case words.
            voice: a voice, or a mix: share by voice.
            speed: 1 is neutral, more is faster.

        Raises:
            HearsightError: a word or a voice is unknown.
        """
        shares = {voice: 1.0} if isinstance(voice, str) else voice
        phones = "".join(symbol for symbol in self._pronouncer(text) if symbol in self._vocabulary)
        tokens = [self._vocabulary[symbol] for symbol in phones]
        mix = [share * self._assets.voice(name) for name, share in shares.items()]
        styles = np.sum(mix, 0) / sum(shares.values())
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": np.asarray(styles, np.float32)[min(len(tokens), len(styles)) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        sound, durations = self._session.run(["audio", DURATIONS_OUTPUT], inputs)
        return Utterance(text, phones, np.asarray(durations).ravel().astype(int).tolist(), sound.ravel())


@cache
def _session(model: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
