"""Sound of a sound card with a clock of its own, placed on ours without a step or a gap.

A sound card's 16,000 samples a second are never quite that many. When its blocks arrive tells its clock from
ours: a block arrives late by chance but never early, so the least delay of every two seconds is a clean
measure of the difference (F. Adriaensen, "Using a DLL to filter time", 2005, has the same aim with a
low-pass instead of a minimum). A loop of second order turns the difference into a tiny change of speed, at
most half a per cent, and the sound is resampled by windowed sinc interpolation to the changed speed. Only
where samples were lost does it jump.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hearsight.capture.sound import Samples
from hearsight.types import SAMPLE_RATE

_WINDOW_S = 2.0
_FIRST_WINDOW_S = 0.3
"""How long the first difference is measured, before anything is handed out."""
_LOOP_RATE = 1 / 15
"""Natural frequency of the loop in 1/s, critically damped: a steady drift of 1000 ppm never shifts the sound
by more than 6 ms, and is corrected wholly within a minute."""
_MAX_CHANGE = 0.005
_JUMP_S = 0.06
"""Two windows in a row that are so far off mean that samples were lost."""
_HOLE_S = 0.05
"""A step of the time stamps by more is no drift."""

_HALF_TAPS = 8
_PHASES = 2048
"""The nearest is taken: an error of -64 dB at 6 kHz."""
_KAISER_BETA = 8.0


class DriftCorrector:
    """Places the blocks of one sound card on our clock.

    Args:
        latency: seconds that the card says it takes from the air to the block's arrival.
    """

    def __init__(self, latency: float = 0.0) -> None:
        self._latency = latency
        self._stretcher = Stretcher()
        self._received = 0
        self._early: list[Samples] = []
        self._window_end: float | None = None
        self._least = float("inf")
        self._offset: float | None = None
        self._first_offset: float | None = None
        self._jumped = 0.0
        self._was_far = False
        self._integral = 0.0
        self._change = 0.0
        self._position = 0
        self.lost_samples = 0
        """Samples that the card must have lost, by the jumps."""

    @property
    def drift_s(self) -> float:
        """Seconds that the card has fallen behind our clock since its beginning, negative if it ran ahead."""
        if self._offset is None or self._first_offset is None:
            return 0.0
        return self._offset - self._first_offset - self._jumped

    def push(self, samples: Samples, arrival: float) -> tuple[int, Samples]:
        """Take in the next samples, at 16 kHz, which arrived at ``arrival`` s.

        Returns:
            Corrected samples, and the place of the first of them, counted in samples from the zero of our
            clock. They follow each other without a gap, except where samples were lost.
        """
        self._received += len(samples)
        if self._window_end is None:
            self._window_end = arrival + _FIRST_WINDOW_S
        self._least = min(self._least, arrival - self._received / SAMPLE_RATE)
        if arrival >= self._window_end:
            self._measure(self._least)
            self._window_end, self._least = arrival + _WINDOW_S, float("inf")
        if self._offset is None:
            self._early.append(samples)
            return 0, samples[:0]
        block = self._stretcher.push(np.concatenate([*self._early, samples]), 1 + self._change)
        self._early.clear()
        place = self._position
        self._position += len(block)
        return place, block

    def _measure(self, offset: float) -> None:
        """Take in that sample 0 of an ideal card would have arrived at ``offset`` s."""
        if self._offset is None:
            self._offset = offset
            self._position = round((offset - self._latency) * SAMPLE_RATE)
            return
        self._offset = offset
        if self._first_offset is None:
            # What came in a burst at the beginning does not count as drift.
            self._first_offset = offset
        # What comes next out of the stretcher belongs here.
        wanted = offset - self._latency + self._stretcher.position / SAMPLE_RATE
        error = wanted - self._position / SAMPLE_RATE
        far = abs(error) > _JUMP_S
        if far and self._was_far:
            self._jump(error)
        elif not far:
            self._integral += _LOOP_RATE**2 * error * _WINDOW_S
            self._integral = float(np.clip(self._integral, -_MAX_CHANGE, _MAX_CHANGE))
            # Sound that would come too early is slowed down: fewer samples go in for each that comes out.
            self._change = float(np.clip(-2 * _LOOP_RATE * error - self._integral, -_MAX_CHANGE, _MAX_CHANGE))
        self._was_far = far

    def _jump(self, error: float) -> None:
        samples = round(error * SAMPLE_RATE)
        self._position += samples
        self._jumped += error
        self.lost_samples += max(0, samples)


class CountedDrift:
    """How far sound is apart by its time stamps from where it is by the count of its samples.

    Attributes:
        seconds: positive where there were too few samples; holes do not count.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._counted: float | None = None

    def add(self, begin: float, duration: float) -> None:
        """Take in a frame that begins at ``begin`` s by its time stamp."""
        if self._counted is None:
            self._counted = begin
        drift = begin - self._counted
        if abs(drift - self.seconds) > _HOLE_S:
            self._counted = begin - self.seconds
        else:
            self.seconds = drift
        self._counted += duration


class Stretcher:
    """Resamples by a factor very near one, which may change from block to block."""

    def __init__(self) -> None:
        self._pending: Samples = np.zeros(_HALF_TAPS - 1, np.float32)
        self._next = float(_HALF_TAPS - 1)
        self._dropped = 1 - _HALF_TAPS

    @property
    def position(self) -> float:
        """Where the next output lies, in samples of the input."""
        return self._dropped + self._next

    def push(self, samples: Samples, step: float) -> Samples:
        """Take in the next samples; ``step`` samples go in for each that comes out."""
        self._pending = np.concatenate([self._pending, samples])
        count = max(0, int((len(self._pending) - _HALF_TAPS - self._next) / step))
        if count == 0:
            return np.zeros(0, np.float32)
        places = self._next + step * np.arange(count)
        whole = places.astype(np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(self._pending, 2 * _HALF_TAPS)
        taps = _TABLE[np.rint((places - whole) * _PHASES).astype(np.int64)]
        stretched = np.einsum("nt,nt->n", windows[whole - _HALF_TAPS + 1], taps)
        self._next += step * count
        keep = int(self._next) - _HALF_TAPS + 1
        self._pending, self._next, self._dropped = (
            self._pending[keep:],
            self._next - keep,
            self._dropped + keep,
        )
        return stretched.astype(np.float32)


def _make_table() -> NDArray[np.float32]:
    """``(phases + 1, taps)``: weights for each fraction of a sample."""
    fractions = np.arange(_PHASES + 1)[:, None] / _PHASES
    distances = np.arange(1 - _HALF_TAPS, _HALF_TAPS + 1)[None, :] - fractions
    inside = np.clip(1 - (distances / _HALF_TAPS) ** 2, 0, None)
    weights = np.sinc(distances) * np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


_TABLE = _make_table()
