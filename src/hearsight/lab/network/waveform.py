"""Audio front-end on the raw waveform: ResNet1D-18, causal, with causal level normalisation.

The shape is that of the TorchAudio tutorial "Device AV-ASR with Emformer RNN-T" (Ma et al., 2023), whose
convolutions look some 15 ms ahead; here every convolution is padded on the left only.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.level import CausalLevel
from hearsight.lab.network.streaming import State

_STEM_KERNEL, _STEM_STRIDE = 80, 4
_KERNEL = 3
_POOL = 20
"""Steps of 32 samples in one video frame."""


class CausalConv(nn.Module):
    """Convolution without bias over time that sees its past only; batch norm follows.

    Between calls it keeps the ``kernel - stride`` inputs that the next output still needs.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels_in, channels_out, kernel, stride, bias=False)
        self.norm = nn.BatchNorm1d(channels_out)
        self.past = kernel - stride

    def initial_state(self, batch: int) -> Tensor:
        """``(batch, channels_in, kernel - stride)`` zeros."""
        return torch.zeros(batch, self.convolution.in_channels, self.past)

    def forward(self, inputs: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, channels_in, n)`` to ``(batch, channels_out, n / stride)``; stride divides n."""
        padded = torch.cat([past.to(inputs.dtype), inputs], 2)
        return self.norm(self.convolution(padded)), padded[:, :, -self.past :]


class CausalBlock(nn.Module):
    """Two convolutions of width three beside a shortcut (He et al., 2016), with SiLU."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = CausalConv(channels_in, channels_out, _KERNEL, stride)
        self.conv2 = CausalConv(channels_out, channels_out, _KERNEL, 1)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv1d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm1d(channels_out)
            )

    def initial_state(self, batch: int) -> State:
        """The past of both convolutions."""
        return {"conv1": self.conv1.initial_state(batch), "conv2": self.conv2.initial_state(batch)}

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """``(batch, channels_in, n)`` to ``(batch, channels_out, n / stride)``."""
        hidden, past1 = self.conv1(inputs, state["conv1"])
        hidden, past2 = self.conv2(F.silu(hidden), state["conv2"])
        return F.silu(hidden + self.shortcut(inputs)), {"conv1": past1, "conv2": past2}


class WaveformFrontend(nn.Module):
    """ResNet1D-18: four stages of two blocks, as wide as 1/8, 1/4, 1/2 and all of ``dim``.

    With the published ``dim`` of 512 that is 64, 128, 256 and 512 channels.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        widths = [dim // 8, dim // 8, dim // 4, dim // 2, dim]
        self.level = CausalLevel()
        self.stem = CausalConv(1, widths[0], _STEM_KERNEL, _STEM_STRIDE)
        blocks = []
        for stage, (before, width) in enumerate(pairwise(widths)):
            blocks += [CausalBlock(before, width, 1 if stage == 0 else 2), CausalBlock(width, width, 1)]
        self.blocks = nn.ModuleList(blocks)

    def initial_state(self, batch: int) -> State:
        """The level and every convolution's past: silence."""
        state = {**self.level.initial_state(batch), "stem": self.stem.initial_state(batch)}
        for index, block in enumerate(self.blocks):
            for name, value in block.initial_state(batch).items():  # type: ignore[operator]
                state[f"block{index}_{name}"] = value
        return state

    def forward(self, samples: Tensor, state: State) -> tuple[Tensor, State]:
        """``samples (batch, frames * 640)`` in [-1, 1] to ``(batch, frames, dim)``."""
        normalised, after = self.level(samples, state)
        hidden, after["stem"] = self.stem(normalised.unsqueeze(1), state["stem"])
        hidden = F.silu(hidden)
        for index, block in enumerate(self.blocks):
            names = {name: f"block{index}_{name}" for name in ("conv1", "conv2")}
            hidden, past = block(hidden, {name: state[key] for name, key in names.items()})
            after.update({key: past[name] for name, key in names.items()})
        return F.avg_pool1d(hidden, _POOL).transpose(1, 2), after
