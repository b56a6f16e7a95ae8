"""A sound card's clock is never quite right; its sound stays in step with the pictures all the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.capture.drift import CountedDrift, DriftCorrector, Stretcher

RATE = 16_000
BLOCK = 1_600
CLICK_EVERY_S = 30.0


class Card:
    """A sound card that hears a click every 30 s, and whose blocks arrive late by chance."""

    def __init__(self, ppm: float, seed: int = 0, jitter_s: float = 0.02) -> None:
        self.rate = RATE * (1 + ppm * 1e-6)
        self.chance = np.random.default_rng(seed)
        self.jitter_s = jitter_s
        self.sent = 0

    def blocks(self, seconds):
        """Samples and when they arrive."""
        while self.sent < seconds * self.rate:
            samples = np.zeros(BLOCK, np.float32)
            first, last = self.sent / self.rate, (self.sent + BLOCK) / self.rate
            click = np.ceil(first / CLICK_EVERY_S) * CLICK_EVERY_S
            if 0 < click < last:
                samples[min(BLOCK - 1, round((click - first) * self.rate))] = 0.9
            self.sent += BLOCK
            yield samples, last + self.chance.exponential(self.jitter_s)


def clicks_of(corrector, blocks):
    """When the clicks are heard after correction, in seconds, and the longest gap between blocks."""
    clicks, expected, gap = [], None, 0
    for samples, arrival in blocks:
        place, corrected = corrector.push(samples, arrival)
        if len(corrected) == 0:
            continue
        gap = max(gap, abs(place - (place if expected is None else expected)))
        expected = place + len(corrected)
        loud = np.flatnonzero(corrected > 0.3)
        if len(loud):
            clicks.append((place + loud[np.argmax(corrected[loud])]) / RATE)
    return np.array(clicks), gap


@pytest.mark.parametrize("ppm", [-1000, 100])
def test_an_hour_stays_in_step_without_a_gap(ppm):
    corrector = DriftCorrector()
    clicks, gap = clicks_of(corrector, Card(ppm).blocks(3600))
    late = clicks - CLICK_EVERY_S * np.arange(1, len(clicks) + 1)
    assert len(clicks) >= 118
    assert np.abs(late).max() < 0.02
    assert gap == 0
    assert corrector.drift_s == pytest.approx(-3600 * ppm * 1e-6, abs=0.02)
    assert corrector.lost_samples == 0


def test_a_card_that_loses_samples_is_back_in_step_within_seconds():
    card, corrector = Card(100), DriftCorrector()
    before, _ = clicks_of(corrector, card.blocks(100))
    # Time passes in which the card hears nothing.
    lost = 0.25
    after, gap = clicks_of(corrector, ((samples, arrival + lost) for samples, arrival in card.blocks(200)))
    assert before[-1] == pytest.approx(90, abs=0.02)
    assert after[1:] == pytest.approx(np.array([150, 180]) + lost, abs=0.02)
    assert gap == pytest.approx(lost * RATE, abs=0.02 * RATE)
    assert corrector.lost_samples == gap


def test_the_clock_is_not_fooled_by_a_backlog_at_the_beginning():
    card, corrector = Card(0, jitter_s=0.0), DriftCorrector()
    blocks = list(card.blocks(61))
    # The first half second arrives all at once.
    late = [(samples, max(arrival, 0.5)) for samples, arrival in blocks]
    clicks, _ = clicks_of(corrector, late)
    assert clicks == pytest.approx([30, 60], abs=0.005)


def test_at_speed_one_nothing_changes():
    samples = np.random.default_rng(0).uniform(-1, 1, 4_000).astype(np.float32)
    stretcher = Stretcher()
    out = np.concatenate([stretcher.push(block, 1.0) for block in np.split(samples, 10)])
    np.testing.assert_allclose(out, samples[: len(out)], atol=1e-6)
    assert len(samples) - len(out) <= 8


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=12),
    st.floats(0.995, 1.005),
    st.floats(100, 5_500),
)
def test_a_tone_stays_a_tone_in_any_blocks(sizes, step, hertz):
    numbers = np.arange(sum(sizes))
    tone = np.sin(2 * np.pi * hertz * numbers / RATE).astype(np.float32)
    stretcher = Stretcher()
    blocks = np.split(tone, np.cumsum(sizes)[:-1])
    out = np.concatenate([stretcher.push(block, step) for block in blocks])
    expected = np.sin(2 * np.pi * hertz * step * np.arange(len(out)) / RATE)
    inner = slice(8, None)
    np.testing.assert_allclose(out[inner], expected[inner], atol=0.01)
    assert stretcher.position == pytest.approx(step * len(out))


@pytest.mark.parametrize("speed", [0.999, 1.0, 1.001])
def test_drift_of_an_input_is_measured(speed):
    drift = CountedDrift()
    for number in range(3_000):
        hole = 1.5 if number > 2_000 else 0.0
        drift.add(hole + number * 0.02 / speed, 0.02)
    assert drift.seconds == pytest.approx(60 / speed - 60, abs=0.002)
