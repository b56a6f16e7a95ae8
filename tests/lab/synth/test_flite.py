from __future__ import annotations

import shutil

import numpy as np
import pytest

from hearsight.errors import HearsightError
from hearsight.lab.data.speech_corpus import word_times
from hearsight.lab.synth import flite
from hearsight.lab.synth.casting import FLITE_VOICES, Delivery
from hearsight.lab.synth.flite import in_kokoro
from hearsight.lab.synth.speech import Pronouncer

installed = pytest.mark.skipif(shutil.which("flite") is None, reason="the program flite is not installed")
ENTRIES = {
    "place": "plˈAs", "red": "ɹˈɛd", "at": "ˈæt", "A": "ˈA", "nine": "nˈIn", "now": "nˈW", "say": "sˈA",
    "her": "hɜɹ", "water": "wˈɔɾəɹ", "birds": "bˈɜɹdz",
}  # fmt: skip


def say(text: str, voice: str, speed: float = 1.0, pitch: float = 1.0):
    return flite.speak(Pronouncer(ENTRIES), text, Delivery({voice: 1.0}, speed, (0.0, 0.0), pitch))


def test_flites_phones_become_kokoros_symbols():
    told = in_kokoro("pau:0.2 hh:0.25 er:0.45 pau:0.6 jh:0.7 oy:0.9 pau:1.0 ")
    assert "".join(symbol for symbol, _ in told) == " hɜɹ ʤY "
    assert [end for _, end in told] == pytest.approx([0.2, 0.25, 0.35, 0.45, 0.6, 0.7, 0.9, 1.0])


@pytest.mark.parametrize("told", ["", "pau:0.2 pau:0.3", "pau:0.2 qq:0.3 pau:0.4", "pau:0.2 b:soon pau:0.4"])
def test_what_flite_should_not_tell_is_one_sentence(told: str):
    with pytest.raises(HearsightError, match="flite"):
        in_kokoro(told)


def test_without_flite_its_package_is_named(monkeypatch):
    monkeypatch.setattr(flite.shutil, "which", lambda program: None)
    with pytest.raises(HearsightError, match="install Debian's package flite"):
        flite.check_flite()


@installed
@pytest.mark.parametrize("voice", FLITE_VOICES)
@pytest.mark.parametrize(("speed", "pitch"), [(1.0, 1.0), (1.2, 0.87), (0.9, 1.17)])
def test_flite_tells_how_long_each_phone_lasts(voice: str, speed: float, pitch: float):
    text = "say her birds at water"
    heard = say(text, voice, speed, pitch)
    assert len(heard.durations) == len(heard.phones) + 2
    assert len(heard.samples) == sum(heard.durations) * 600
    times = word_times(text, heard.phones, heard.durations)
    assert times is not None and [word for word, _, _ in times] == text.split()
    loud = np.abs(heard.samples) > 0.05
    first, last = np.nonzero(loud)[0][[0, -1]] / 24_000
    assert times[0][1] - 0.1 < first < times[0][2] and times[-1][1] < last < times[-1][2] + 0.1


@installed
def test_flite_says_the_same_again_at_any_pitch_in_the_same_time():
    one, again = (say("say now", "af_slt").samples for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert len(say("say now", "af_slt", pitch=1.2).samples) == pytest.approx(len(one), rel=0.05)


@installed
def test_the_letter_of_a_grid_sentence_is_named():
    assert say("place red at a nine now", "af_slt").phones.split()[3] == "A"
