"""Text -> speech with the duration of every phone, by the program flite, which costs next to nothing.

flite pronounces by its own dictionary and tells phones and their ends, but not where words end.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np

from hearsight.errors import HearsightError
from hearsight.lab.synth.arrays import Floats
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.casting import Delivery
from hearsight.lab.synth.grammars import LETTER_SLOT, is_grid
from hearsight.lab.synth.pitch import uttered
from hearsight.lab.synth.speech import Pronouncer, Utterance
from hearsight.lab.synth.word_alignment import PAUSE, with_borders

_KOKORO = {
    **{"aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "W", "ax": "ə", "axr": "əɹ", "ay": "I", "eh": "ɛ"},
    **{"er": "ɜɹ", "ey": "A", "ih": "ɪ", "iy": "i", "ow": "O", "oy": "Y", "uh": "ʊ", "uw": "u"},
    **{"ch": "ʧ", "dh": "ð", "g": "ɡ", "hh": "h", "jh": "ʤ", "ng": "ŋ", "r": "ɹ", "sh": "ʃ", "th": "θ"},
    **{"y": "j", "zh": "ʒ", "pau": PAUSE},
    **{phone: phone for phone in "bdfklmnpstvwz"},
}
"""Kokoro's symbols for flite's phones."""
_DROPPED = str.maketrans("", "", "ˈˌː.")


def check_flite() -> None:
    """Raise HearsightError if the program is not installed."""
    if shutil.which("flite") is None:
        raise HearsightError("The program flite is missing: install Debian's package flite.")


def speak(pronouncer: Pronouncer, text: str, said: Delivery) -> Utterance:
    """Speak a text.

    Args:
        pronouncer: of American English; tells where words begin.
        text: lower case words.
        said: names one voice of flite, its speed and its pitch.

    Raises:
        HearsightError: a word is unknown, flite reads the words otherwise, or there is no flite.
    """
    words = [word.translate(_DROPPED) for word in pronouncer(text).split()]
    told, sound, rate = _run(_spelt(text), next(iter(said.voice)).partition("_")[2], said.pitch / said.speed)
    pad, *spoken, last = in_kokoro(told)
    borders = with_borders([symbol for symbol, _ in spoken], words)
    phones, ends = "", [pad[1]]
    for index in borders:
        phones += PAUSE if index is None else spoken[index][0]
        ends.append(ends[-1] if index is None else spoken[index][1])
    seconds = [end / said.pitch for end in [*ends, last[1]]]
    return uttered(text, phones, seconds, sound, rate * said.pitch)


def _spelt(text: str) -> str:
    """The text with the letter of a GRID sentence such that flite names it."""
    words = text.split()
    if is_grid(text) and words[LETTER_SLOT] == "a":
        words[LETTER_SLOT] = "ay"
    return " ".join(words)


def in_kokoro(told: str) -> list[tuple[str, float]]:
    """Kokoro's symbols with their ends in seconds; a phone of two symbols is halved.

    Args:
        told: ``phone:end`` in order, as ``flite -psdur`` prints them, a pause first and last.

    Raises:
        HearsightError: it is something else.
    """
    found: list[tuple[str, float]] = []
    try:
        for phone, _, end in (each.partition(":") for each in told.split()):
            start, symbols = (found[-1][1] if found else 0.0), _KOKORO[phone]
            width = (float(end) - start) / len(symbols)
            found += [(symbol, start + width * (at + 1)) for at, symbol in enumerate(symbols)]
    except (KeyError, ValueError) as error:
        raise HearsightError(f"flite tells phones that are not known here ({error}).") from error
    if len(found) < 3 or found[0][0] != PAUSE or found[-1][0] != PAUSE:
        raise HearsightError("flite has told no phones: choose other words.")
    return found


def _run(text: str, voice: str, stretch: float) -> tuple[str, Floats, int]:
    """What flite tells of its phones, the samples and their rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        asked = ["-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch:.4f}"]
        try:
            told = subprocess.run(
                ["flite", *asked, "-t", text, "-o", str(path)], check=True, capture_output=True, text=True
            ).stdout
            with wave.open(str(path)) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                return told, (samples / 32_768).astype(np.float32), file.getframerate()
        except FileNotFoundError as error:
            check_flite()
            raise HearsightError(f"flite has not said {text!r}: choose other words.") from error
        except (subprocess.CalledProcessError, wave.Error, EOFError) as error:
            raise HearsightError(f"flite has not said {text!r} ({error}).") from error


@cache
def american(assets: Assets) -> Pronouncer:
    """The American dictionary of a cache folder, read once in a process."""
    return Pronouncer(assets.dictionary("us"))
