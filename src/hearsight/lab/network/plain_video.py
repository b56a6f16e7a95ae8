"""Small video front-end: plain 2-D convolutions over five stacked frames."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.streaming import State

PATCH = 44
"""Pixels a side that the network sees: the inner 88 of 96, halved."""
STACK = 5
"""Frames seen at once, all but one from the past."""


def shrink_crops(crops: Tensor) -> Tensor:
    """``(batch, frames, 96, 96)`` grey values 0..255 to ``(batch, frames, 44, 44)`` by 2x2 means."""
    return F.avg_pool2d(crops[..., 4:92, 4:92], 2)


def standardise_frames(patches: Tensor) -> Tensor:
    """Each frame to zero mean and about unit deviation, which takes out gain and offset of the light."""
    mean = patches.mean((-2, -1), keepdim=True)
    deviation = (patches - mean).square().mean((-2, -1), keepdim=True).sqrt()
    return (patches - mean) / (deviation + 6.0)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016)."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        stride: int,
        activation: Callable[[Tensor], Tensor] = F.relu,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        """``(n, channels_in, h, w)`` to ``(n, channels_out, h / stride, w / stride)``."""
        hidden = self.activation(self.norm1(self.conv1(inputs)))
        return self.activation(self.norm2(self.conv2(hidden)) + self.shortcut(inputs))


class PlainVideoFrontend(nn.Module):
    """Causal video front-end of well under a million parameters.

    A causal Conv3d over one input channel is a Conv2d over stacked frames, which CPUs run faster.
    """

    def __init__(self, channels: tuple[int, ...], dim: int, dropout: float) -> None:
        super().__init__()
        stem, *stages = channels
        self.stem = nn.Conv2d(STACK, stem, 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(stem)
        self.pool = nn.MaxPool2d(3, 2, 1)
        blocks = [
            ResidualBlock(before, width, 1 if index == 0 else 2)
            for index, (before, width) in enumerate(zip([stem, *stages[:-1]], stages, strict=True))
        ]
        self.blocks = nn.Sequential(*blocks)
        side = -(-PATCH // 2 ** (len(stages) + 1))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(stages[-1] * side * side, dim)

    def initial_state(self, batch: int) -> State:
        """The four frames before the first: grey."""
        return {"frames": torch.zeros(batch, STACK - 1, PATCH, PATCH)}

    def forward(self, patches: Tensor, state: State) -> tuple[Tensor, State]:
        """Standardised ``patches (batch, frames, 44, 44)`` to ``(batch, frames, dim)``."""
        batch, frames = patches.shape[:2]
        padded = torch.cat([state["frames"].to(patches.dtype), patches], 1)
        stacked = torch.stack([padded[:, lag : lag + frames] for lag in range(STACK)], 2).flatten(0, 1)
        if not torch.compiler.is_exporting():
            stacked = stacked.contiguous(memory_format=torch.channels_last)
        hidden = self.blocks(self.pool(F.relu(self.norm(self.stem(stacked)))))
        features = self.linear(self.dropout(hidden.flatten(1)))
        return features.unflatten(0, (batch, frames)), {"frames": padded[:, -(STACK - 1) :]}
