"""One voice made many: sound played faster or slower, and phone times in whole steps.

Sound that is resampled as if it had been recorded at another rate has its pitch and its formants moved alike,
as if a larger or a smaller person spoke; its times shrink by the same factor.
"""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np

from hearsight.lab.synth.arrays import Floats
from hearsight.lab.synth.speech import SPEECH_RATE, Utterance
from hearsight.lab.synth.visemes import STEP_S

SILENT = frozenset(" .,;:!?ˈˌː")
"""Symbols that may take no time: pauses, and marks of the phone beside them."""


def uttered(text: str, phones: str, ends_s: Sequence[float], sound: Floats, rate: float) -> Utterance:
    """An utterance from sound at any rate.

    Args:
        text: what is said.
        phones: Kokoro's symbols, words separated by spaces.
        ends_s: when the leading pad, each symbol and the trailing pad end, in seconds as they are heard.
        sound: ``(n,)`` samples between -1 and 1.
        rate: at which the samples are to be heard, per second; it need not be that of the recording.

    Raises:
        ValueError: there are not two ends more than symbols.
    """
    samples = resampled(sound, rate)
    steps = steps_between(phones, [*ends_s[:-1], max(ends_s[-1], len(samples) / SPEECH_RATE)])
    whole = sum(steps) * round(SPEECH_RATE * STEP_S)
    return Utterance(text, phones, steps, np.pad(samples, (0, max(0, whole - len(samples))))[:whole])


def steps_between(phones: str, ends_s: Sequence[float]) -> list[int]:
    """Durations in steps of 1/40 s whose borders are the true ends, rounded.

    Every phone gets at least one step; a phone that is shorter takes it from those after it.

    Args:
        phones: one symbol for each end but the first and the last, which are those of the pads.
        ends_s: in seconds, rising.

    Raises:
        ValueError: there are not two ends more than symbols.
    """
    steps: list[int] = []
    now = 0
    for symbol, end_s in zip([" ", *phones, " "], ends_s, strict=True):
        end = max(round(end_s / STEP_S), now + (symbol not in SILENT))
        steps.append(end - now)
        now = end
    return steps


def resampled(sound: Floats, rate: float) -> Floats:
    """Samples at 24 kHz of sound that is to be heard at ``rate`` samples per second."""
    resampler = av.AudioResampler("flt", "mono", SPEECH_RATE)
    frame = av.AudioFrame.from_ndarray(np.asarray(sound, np.float32)[None], format="flt", layout="mono")
    frame.sample_rate = round(rate)
    parts = [part.to_ndarray()[0] for each in (frame, None) for part in resampler.resample(each)]
    return np.concatenate(parts).astype(np.float32)
