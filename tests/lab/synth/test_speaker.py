from __future__ import annotations

import numpy as np
import pytest

from hearsight.errors import HearsightError
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.speech import SPEECH_RATE, Speaker
from hearsight.lab.synth.visemes import STEP_S


@pytest.fixture(scope="module")
def speaker(assets: Assets) -> Speaker:
    return Speaker(assets)


def test_the_durations_of_the_phones_sum_to_the_sound(speaker):
    said = speaker.speak("set red", {"af_heart": 0.6, "am_echo": 0.4}, speed=1.3)
    assert len(said.durations) == len(said.phones) + 2
    assert len(said.samples) == sum(said.durations) * round(STEP_S * SPEECH_RATE)
    assert 0.05 < np.abs(said.samples).max() <= 1.2


def test_silence_is_put_round_the_words(speaker):
    said = speaker.speak("now", "bf_emma")
    longer = said.with_silence(0.5, 0.25)
    assert sum(longer.durations) == sum(said.durations) + 30
    assert len(longer.samples) == sum(longer.durations) * 600
    assert not longer.samples[: SPEECH_RATE // 2].any()


def test_an_unknown_voice_or_word_is_one_sentence(speaker):
    with pytest.raises(HearsightError, match="no voice 'af_nobody'"):
        speaker.speak("now", "af_nobody")
    with pytest.raises(HearsightError, match="'xqzzt'"):
        speaker.speak("xqzzt", "af_heart")
