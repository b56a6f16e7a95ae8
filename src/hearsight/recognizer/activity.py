"""Whether somebody speaks, tick by tick: a voice above the noise, lips that move.

Both detectors look back only and take one tick at a time, so that what they say does not depend on how the
input was cut into pushes. They are meant to miss next to nothing: what they open is for the network to judge.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hearsight.types import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

BAND_EDGES_HZ = (150, 300, 500, 800, 1200, 1800, 2600, 3600, 5000, 7000)
"""Bands in which the voice is sought; rumble lies below."""
LOWEST_DBFS = -70.0
"""Nothing below is held to be a voice."""
FLOOR_TICKS = 3 * FRAME_RATE
"""The noise is the least heard in this time: speech has gaps, noise has none."""
SMOOTH_TICKS = 3
"""Powers are averaged over this time before the least of them is taken …"""
BIAS = 2.0
"""… which lies below their mean by this factor and the factor's own spread."""
PICTURE = (16, 12)
"""Width and height of the mouth as the detectors of the pictures see it."""
MOUTH = (slice(24, 72), slice(16, 80))
"""Rows and columns of the crop that the lips move in."""
STEP_TICKS = 3
"""Pictures are compared with those this much older: lips move slowly, noise is there at once."""
LIP_FLOOR_TICKS = 4 * FRAME_RATE
"""Noise of the pictures is the least change in this time."""
LATELY_TICKS = 8
"""One tick alone is no speech: some of so many are."""


def _means(pixels: int, blocks: int) -> NDArray[np.float32]:
    """``(blocks, pixels)`` weights that take the mean over each block of pixels in a row."""
    return np.kron(np.eye(blocks), np.full(pixels // blocks, blocks / pixels)).astype(np.float32)


_ROW_MEANS = _means(MOUTH[0].stop - MOUTH[0].start, PICTURE[1])
_COLUMN_MEANS = _means(MOUTH[1].stop - MOUTH[1].start, PICTURE[0]).T.copy()
_RIDGE = 1e-6 * np.eye(4)


@dataclass(frozen=True, slots=True)
class ActivityRule:
    """When somebody is held to speak, and how long that keeps the decoder listening.

    Attributes:
        voice: evidence within 320 ms that makes a voice. That of a tick is the mean over the bands of
            ``r - ln(r) - 1``, r the power over the noise's (the log likelihood ratio of Sohn, Kim and Sung,
            "A statistical model-based voice activity detection", 1999), but at most 1: knocks are loud, but
            brief.
        trace: evidence of a tick that is less counts as none.
        lips: change of the mouth's picture, in percent of its contrast, from which on the lips move …
        lips_over_noise: … if it exceeds the pictures' noise by this factor.
        lip_ticks: so many such ticks within 320 ms make lips that move.
        quiet_dbfs: where a microphone that is on hears no more noise than this, no voice goes unheard: lips
            that move with less than half of a voice's evidence say nothing.
        lead_s: the decoder listens from this long before somebody speaks …
        hold_s: … until this long after.
    """

    voice: float = 2.5
    trace: float = 0.1
    lips: float = 18.0
    lips_over_noise: float = 1.6
    lip_ticks: int = 2
    quiet_dbfs: float = -32.0
    lead_s: float = 0.16
    hold_s: float = 0.6


@dataclass(frozen=True, slots=True)
class Activity:
    """What was seen and heard of speaking in a run of ticks, each ``(ticks,)`` bool.

    Attributes:
        voice: a voice is heard.
        lips: the visible lips move.
        face: there is a mouth to look at.
        speech: somebody speaks: a voice is heard, or lips move where a voice might go unheard.
    """

    voice: NDArray[np.bool_]
    lips: NDArray[np.bool_]
    face: NDArray[np.bool_]
    speech: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.voice)


class VoiceDetector:
    """Hears a voice rise above the noise, whose power in each band it learns from the least of it.

    The noise estimate is that of Martin, "Noise power spectral density estimation based on optimal smoothing
    and minimum statistics" (2001), without the optimal smoothing.
    """

    def __init__(self, rule: ActivityRule) -> None:
        self._rule = rule
        hertz_per_bin = SAMPLE_RATE / SAMPLES_PER_FRAME
        self._edges = np.round(np.array(BAND_EDGES_HZ) / hertz_per_bin).astype(int)
        self._window = np.hanning(SAMPLES_PER_FRAME + 2)[1:-1]
        self._scale = 2 / (SAMPLES_PER_FRAME * np.sum(self._window**2))
        bands = len(BAND_EDGES_HZ) - 1
        self._lowest = 10 ** (LOWEST_DBFS / 10) / bands
        self._powers: deque[NDArray[np.float64]] = deque(maxlen=SMOOTH_TICKS)
        self._smoothed = np.full((FLOOR_TICKS, bands), np.inf)
        self._heard = 0
        self._evidence: deque[float] = deque(maxlen=LATELY_TICKS)

    def __call__(self, samples: NDArray[np.float32]) -> bool:
        """Hear the next tick, ``(640,)`` in [-1, 1]."""
        self._powers.append(self._band_powers(samples))
        powers = np.array(self._powers)
        # Sums, here and below: the method mean takes five times as long over so few numbers.
        self._smoothed[self._heard % FLOOR_TICKS] = powers.sum(axis=0) / len(powers)
        self._heard += 1
        noise = BIAS * np.maximum(self._smoothed.min(axis=0), self._lowest)
        ratio = np.maximum(powers[-1] / noise, 1.0)
        likelihood = float((ratio - np.log(ratio)).sum()) / len(ratio) - 1.0
        traced = likelihood >= self._rule.trace
        self._evidence.append(min(likelihood, 1.0) if traced else 0.0)
        return traced and sum(self._evidence) >= self._rule.voice

    @property
    def misses_nothing(self) -> bool:
        """Whether a voice would be heard: a microphone that is on hears a quiet room, and little else."""
        known = self._smoothed[: self._heard]
        on = self._heard > 0 and known.sum(axis=1).max() > 10 ** (LOWEST_DBFS / 10)
        quiet = known.min(axis=0).sum() < 10 ** (self._rule.quiet_dbfs / 10) if on else False
        return bool(on and quiet and sum(self._evidence) < self._rule.voice / 2)

    def _band_powers(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean square of the samples in each band."""
        spectrum = np.fft.rfft(samples * self._window)
        sums = np.add.reduceat(spectrum.real**2 + spectrum.imag**2, self._edges)[:-1]
        powers: NDArray[np.float64] = sums * self._scale
        return powers


def mouth_picture(crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mouth of a ``(96, 96)`` crop in few pixels, ``(12, 16)`` grey levels, with little noise left."""
    # As two products, which are exact for bytes: the mean over two axes takes several times as long.
    picture = _ROW_MEANS @ crop[MOUTH].astype(np.float32) @ _COLUMN_MEANS
    return picture.astype(np.float64)


class LipDetector:
    """Sees lips move: change that no shift of the face and no other light explains."""

    def __init__(self, rule: ActivityRule) -> None:
        self._rule = rule
        self._pictures: deque[NDArray[np.float64]] = deque(maxlen=STEP_TICKS + 1)
        self._changes: deque[float] = deque(maxlen=LIP_FLOOR_TICKS)
        self._moves: deque[bool] = deque(maxlen=LATELY_TICKS)

    def __call__(self, picture: NDArray[np.float64] | None) -> bool:
        """See the next tick, a :func:`mouth_picture`, or None where there is none."""
        moved = self._moved(picture)
        self._moves.append(moved)
        return moved and sum(self._moves) >= self._rule.lip_ticks

    def _moved(self, picture: NDArray[np.float64] | None) -> bool:
        """Whether the mouth is another than a little while ago."""
        if picture is None:
            self._pictures.clear()
            return False
        self._pictures.append(picture)
        if len(self._pictures) <= STEP_TICKS:
            return False
        self._changes.append(_change(self._pictures[0], picture))
        noise = min(self._changes)
        return self._changes[-1] > max(self._rule.lips, self._rule.lips_over_noise * noise)


def _change(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """What differs beyond a shift, a brightness and a contrast of the whole, in percent of the contrast.

    To first order these three change the picture along its slopes, a constant and itself; what a
    least-squares fit of them leaves is the change.
    """
    middle = (before + after) / 2
    causes = np.ones((4, *middle.shape))
    _slopes(middle, causes[0])
    _slopes(middle.T, causes[1].T)
    causes[3] = middle
    explained, difference = causes.reshape(4, -1), (after - before).ravel()
    products = explained @ explained.T + _RIDGE
    rest = difference - np.linalg.solve(products, explained @ difference) @ explained
    centred = explained[3] - explained[3].sum() / len(difference)
    contrast = math.sqrt(centred @ centred / len(difference))
    # Two grey levels more, so that a picture of nothing does not divide by nothing.
    return 100 * math.sqrt(rest @ rest / len(difference)) / (contrast + 2.0)


def _slopes(picture: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Central differences from row to row, one-sided at the edges: ``np.gradient`` in a third of the time."""
    np.subtract(picture[2:], picture[:-2], out=out[1:-1])
    out[1:-1] *= 0.5
    out[0] = picture[1] - picture[0]
    out[-1] = picture[-1] - picture[-2]
