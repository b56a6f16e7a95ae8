"""The published video front-ends, causal: Conv3d and ResNet-18, or one matrix.

The shapes are those of the TorchAudio tutorial "Device AV-ASR with Emformer RNN-T" (Ma et al., 2023) and of
its training recipe, whose Conv3d looks two frames ahead; here it sees the present and four past frames.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.plain_video import PATCH, STACK, ResidualBlock
from hearsight.lab.network.streaming import State

_STEM_KERNEL = 7


class ResNetVideoFrontend(nn.Module):
    """Conv3d of five frames by 7x7 pixels, then a ResNet-18 on each frame.

    The stages are as wide as 1/8, 1/4, 1/2 and all of ``dim``: 64, 128, 256, 512 with the published 512. Over
    one grey channel the Conv3d is a Conv2d over stacked frames (same weights, reshaped), which is faster.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        widths = [dim // 8, dim // 8, dim // 4, dim // 2, dim]
        self.stem = nn.Conv2d(STACK, widths[0], _STEM_KERNEL, 2, _STEM_KERNEL // 2, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        self.pool = nn.MaxPool2d(3, 2, 1)
        blocks = []
        for stage, (before, width) in enumerate(pairwise(widths)):
            stride = 1 if stage == 0 else 2
            blocks += [ResidualBlock(before, width, stride, F.silu), ResidualBlock(width, width, 1, F.silu)]
        self.blocks = nn.Sequential(*blocks)

    def initial_state(self, batch: int) -> State:
        """The four frames before the first: grey."""
        return {"frames": torch.zeros(batch, STACK - 1, PATCH, PATCH)}

    def forward(self, patches: Tensor, state: State) -> tuple[Tensor, State]:
        """Standardised ``patches (batch, frames, 44, 44)`` to ``(batch, frames, dim)``."""
        batch, frames = patches.shape[:2]
        padded = torch.cat([state["frames"].to(patches.dtype), patches], 1)
        stacked = torch.stack([padded[:, lag : lag + frames] for lag in range(STACK)], 2).flatten(0, 1)
        hidden = self.blocks(self.pool(F.silu(self.norm(self.stem(stacked)))))
        return hidden.mean((2, 3)).unflatten(0, (batch, frames)), {"frames": padded[:, -(STACK - 1) :]}


class LinearVideoFrontend(nn.Module):
    """One matrix from the pixels of a frame to its features; it needs no past."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(PATCH * PATCH, dim)

    def initial_state(self, batch: int) -> State:
        """Nothing."""
        return {}

    def forward(self, patches: Tensor, state: State) -> tuple[Tensor, State]:
        """Standardised ``patches (batch, frames, 44, 44)`` to ``(batch, frames, dim)``."""
        return self.linear(patches.flatten(2)), state
