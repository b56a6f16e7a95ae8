from __future__ import annotations

import numpy as np
import pytest

from hearsight.lab.synth.pitch import resampled, steps_between, uttered
from hearsight.lab.synth.speech import SPEECH_RATE

STEP = SPEECH_RATE // 40
ENDS = [0.1, 0.18, 0.3, 0.33, 0.5, 0.61]


def hum(seconds: float, rate: int, pitch: float = 200) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 22_050])
@pytest.mark.parametrize("pitch", [0.85, 1.0, 1.07, 1.2])
def test_at_any_pitch_the_durations_sum_to_the_sound(rate: int, pitch: float):
    heard = uttered("so on", "ab c", [end / pitch for end in ENDS], hum(ENDS[-1], rate), rate * pitch)
    assert len(heard.samples) == sum(heard.durations) * STEP
    assert abs(len(heard.samples) / SPEECH_RATE - ENDS[-1] / pitch) <= 1 / 80 + 1e-3
    assert len(heard.durations) == len(heard.phones) + 2


@pytest.mark.parametrize("pitch", [0.85, 1.2])
def test_a_higher_pitch_is_heard_higher_and_shorter(pitch: float):
    heard = resampled(hum(2, 22_050), 22_050 * pitch)
    assert len(heard) / SPEECH_RATE == pytest.approx(2 / pitch, abs=0.01)
    loudest = np.abs(np.fft.rfft(heard)).argmax() / len(heard) * SPEECH_RATE
    assert loudest == pytest.approx(200 * pitch, rel=0.01)


def test_sound_begins_where_the_durations_say():
    sound = np.concatenate([np.zeros(2205, np.float32), hum(0.5, 22_050)])
    heard = uttered("m", "m", [0.1, 0.6, 0.6], sound, 22_050)
    assert heard.durations == [4, 20, 0]
    begins = np.nonzero(np.abs(heard.samples) > 0.1)[0][0] / SPEECH_RATE
    assert begins == pytest.approx(0.1, abs=0.005)


def test_borders_are_rounded_and_never_drift():
    ends = np.cumsum(np.full(200, 0.0337))
    steps = steps_between("m" * 198, ends.tolist())
    np.testing.assert_allclose(np.cumsum(steps) / 40, ends, atol=1 / 80 + 1e-9)


def test_every_phone_lasts_a_step_but_pauses_and_marks_may_last_none():
    assert steps_between("ˈa b", [0.1, 0.1, 0.101, 0.101, 0.102, 0.3]) == [4, 0, 1, 0, 1, 6]
    with pytest.raises(ValueError):
        steps_between("ab", [0.1, 0.2])
