"""Causal level normalisation: sound relative to a running peak of its own power."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hearsight.lab.network.streaming import State
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME

PEAK_DECAY_DB_PER_S = 3.0
"""Fall of the peak: slow against the pauses of speech, fast against a change of microphone."""
INITIAL_PEAK_DBFS = -40.0
"""Level assumed before anything was heard: a quiet room stays quiet, speech raises the peak at once."""
SILENCE = 1e-10
"""Smallest power whose logarithm is taken."""


def running_peak(level: Tensor, peak: Tensor, decay: float) -> Tensor:
    """``max(level[t], peak[t - 1] - decay)`` for every t, without a loop over time.

    Args:
        level: ``(batch, n)`` log power of each step.
        peak: ``(batch, 1)`` before the first step.
        decay: fall of the peak in one step, in the same logarithm.

    Returns:
        ``(batch, n)``.
    """
    fallen = decay * torch.arange(level.shape[1] + 1, dtype=level.dtype, device=level.device)
    raised = torch.cat([peak, level], 1) + fallen
    reach = 1
    while reach < raised.shape[1]:  # cumulative maximum by doubling, which ONNX can express
        raised = torch.cat([raised[:, :reach], torch.maximum(raised[:, reach:], raised[:, :-reach])], 1)
        reach *= 2
    return (raised - fallen)[:, 1:]


class CausalLevel(nn.Module):
    """Divides the sound by its running peak level, frame by frame.

    The peak jumps up with the sound and falls by 3 dB per second, so that a change of gain is forgotten and a
    stream needs no knowledge of what comes later. The mean power of a frame is at most 1 afterwards.
    """

    def __init__(self) -> None:
        super().__init__()
        self.decay = PEAK_DECAY_DB_PER_S * math.log(10) / 10 / FRAME_RATE
        self.start = INITIAL_PEAK_DBFS * math.log(10) / 10

    def initial_state(self, batch: int) -> State:
        """A quiet room."""
        return {"peak": torch.full((batch, 1), self.start)}

    def forward(self, samples: Tensor, state: State) -> tuple[Tensor, State]:
        """``(batch, frames * 640)`` samples, normalised."""
        frames = samples.unflatten(1, (-1, SAMPLES_PER_FRAME))
        level = frames.square().mean(2).clamp(min=SILENCE).log()
        peak = running_peak(level, state["peak"], self.decay)
        return (frames * (-peak / 2).exp().unsqueeze(2)).flatten(1), {"peak": peak[:, -1:]}
