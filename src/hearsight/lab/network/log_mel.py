"""Log-mel audio front-end with causal level normalisation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.level import INITIAL_PEAK_DBFS, PEAK_DECAY_DB_PER_S, SILENCE, running_peak
from hearsight.lab.network.streaming import State
from hearsight.types import SAMPLE_RATE

WINDOW = 400
"""Samples in one analysis window (25 ms)."""
HOP = 160
"""Samples between windows (10 ms): four per video frame."""
FFT = 512
MEL_BINS = 80
FLOOR = 3e-5
"""Power relative to the running peak under which nothing is told apart (-45 dB)."""


def mel_filters(bins: int = MEL_BINS) -> Tensor:
    """Triangular filters ``(257, bins)`` with unit peaks, equally spaced on the HTK mel scale."""
    frequency = torch.linspace(0, SAMPLE_RATE / 2, FFT // 2 + 1)
    mel = 2595 * torch.log10(1 + frequency / 700)
    centres = torch.linspace(0, float(mel[-1]), bins + 2)
    width = centres[1] - centres[0]
    return (1 - (mel[:, None] - centres[None, 1:-1]).abs() / width).clamp(min=0)


class LogMel(nn.Module):
    """Waveform to log-mel features relative to a running peak of the level.

    The peak jumps up with the sound and falls by 3 dB per second, so a stream needs no knowledge
    of what comes later and a change of gain is forgotten. The Fourier transform is a matrix, which
    every runtime has.
    """

    basis: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(WINDOW)
        angle = 2 * math.pi * torch.arange(WINDOW)[:, None] * torch.arange(FFT // 2 + 1)[None] / FFT
        basis = torch.cat([angle.cos(), angle.sin()], 1) * window[:, None]
        self.register_buffer("basis", basis, persistent=False)
        filters = mel_filters()
        self.register_buffer("filters", filters, persistent=False)
        white_noise_gain = float(window.square().sum() * filters.sum(0).mean())
        self.initial_peak = math.log(10 ** (INITIAL_PEAK_DBFS / 10) * white_noise_gain)
        self.decay = PEAK_DECAY_DB_PER_S * math.log(10) / 10 * HOP / SAMPLE_RATE

    def initial_state(self, batch: int) -> State:
        """Silence before the start, at the assumed level."""
        return {
            "samples": torch.zeros(batch, WINDOW - HOP),
            "peak": torch.full((batch, 1), self.initial_peak),
        }

    def forward(self, samples: Tensor, state: State) -> tuple[Tensor, State]:
        """Features ``(batch, samples / 160, 80)`` of ``samples (batch, n)`` in [-1, 1]."""
        padded = torch.cat([state["samples"], samples], 1)
        frames = padded.unfold(1, WINDOW, HOP)
        spectrum = frames @ self.basis
        half = FFT // 2 + 1
        mel = (spectrum[..., :half].square() + spectrum[..., half:].square()) @ self.filters
        level = mel.mean(-1).clamp(min=SILENCE).log()
        peak = running_peak(level, state["peak"], self.decay)
        features = ((mel * (-peak).exp().unsqueeze(-1) + FLOOR).log() + 5) / 3
        return features, {"samples": padded[:, -(WINDOW - HOP) :], "peak": peak[:, -1:]}


class LogMelFrontend(nn.Module):
    """Log-mel features and two convolutions of stride two: one vector per 640 samples."""

    def __init__(self, dim: int, hidden: int = 192) -> None:
        super().__init__()
        self.log_mel = LogMel()
        self.hidden = hidden
        self.conv1 = nn.Conv1d(MEL_BINS, hidden, 3, 2)
        self.conv2 = nn.Conv1d(hidden, dim, 3, 2)

    def initial_state(self, batch: int) -> State:
        """See :class:`~hearsight.lab.network.streaming.CausalFrontend`."""
        return {
            **self.log_mel.initial_state(batch),
            "mel": torch.zeros(batch, MEL_BINS, 1),
            "hidden": torch.zeros(batch, self.hidden, 1),
        }

    def forward(self, samples: Tensor, state: State) -> tuple[Tensor, State]:
        """``samples (batch, frames * 640)`` to ``(batch, frames, dim)``."""
        features, after = self.analyse(samples, state)
        encoded, convolved = self.convolve(features, state)
        return encoded, {**after, **convolved}

    def analyse(self, samples: Tensor, state: State) -> tuple[Tensor, State]:
        """The log-mel part, which has no parameters: ``(batch, frames * 4, 80)``."""
        with torch.no_grad():
            return self.log_mel(samples, state)

    def convolve(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """The convolutions: ``(batch, frames * 4, 80)`` to ``(batch, frames, dim)``."""
        mel = torch.cat([state["mel"], features.transpose(1, 2)], 2)
        hidden = torch.cat([state["hidden"], F.relu(self.conv1(mel))], 2)
        encoded = self.conv2(hidden).transpose(1, 2)
        return encoded, {"mel": mel[:, :, -1:], "hidden": hidden[:, :, -1:]}
