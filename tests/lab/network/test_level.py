"""The running peak follows the sound upwards at once and downwards slowly, in any chunking."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.network.level import CausalLevel, running_peak


@settings(max_examples=50, deadline=None)
@given(
    levels=st.lists(st.floats(-20, 0), min_size=1, max_size=40),
    start=st.floats(-20, 0),
    cut=st.integers(0, 40),
)
def test_the_running_peak_is_its_recursion(levels: list[float], start: float, cut: int) -> None:
    expected, peak = [], start
    for level in levels:
        peak = max(level, peak - 0.25)
        expected.append(peak)
    level, state = torch.tensor([levels], dtype=torch.float64), torch.tensor([[start]], dtype=torch.float64)
    whole = running_peak(level, state, 0.25)
    assert whole[0].tolist() == pytest.approx(expected)
    if 0 < cut < len(levels):
        first = running_peak(level[:, :cut], state, 0.25)
        second = running_peak(level[:, cut:], first[:, -1:], 0.25)
        torch.testing.assert_close(torch.cat([first, second], 1), whole)


def test_levels_never_exceed_one_and_silence_stays_silence() -> None:
    level = CausalLevel()
    loud, _ = level(50 * torch.randn(2, 6400), level.initial_state(2))
    assert loud.unflatten(1, (-1, 640)).square().mean(2).max() < 1.001
    silent, state = level(torch.zeros(2, 6400), level.initial_state(2))
    assert not silent.any() and state["peak"].isfinite().all()
