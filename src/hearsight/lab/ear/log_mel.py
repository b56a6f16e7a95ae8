"""Whisper's log-mel spectrogram, in a form that streams."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hearsight.types import SAMPLE_RATE

WINDOW = 400
"""Samples in one analysis window (25 ms)."""
HOP = 160
"""Samples between windows (10 ms)."""
BINS = 80
REFERENCE = 1.5
"""Stands for the loudest value (log10) of the clip, which a stream cannot know. On 16 bit speech the loudest
is between 0.5 and 2; the error rate of offline Whisper stays the same."""
_RANGE = 8.0
_SMALLEST = 1e-10


def mel_filters() -> Tensor:
    """Triangular filters ``(201, 80)`` of unit area on the mel scale of Slaney's Auditory Toolbox."""
    frequencies = torch.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)
    corners = _hertz(torch.linspace(0, _mel(SAMPLE_RATE / 2), BINS + 2, dtype=torch.float64))
    widths = corners.diff()
    slopes = corners[:, None] - frequencies
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2 / (corners[2:] - corners[:-2]))[:, None]).T.float()


_LINEAR = 200 / 3
_KNEE = 1000.0
_STEP = math.log(6.4) / 27


def _mel(hertz: float) -> float:
    """Linear to 1 kHz, logarithmic above."""
    return hertz / _LINEAR if hertz < _KNEE else _KNEE / _LINEAR + math.log(hertz / _KNEE) / _STEP


def _hertz(mel: Tensor) -> Tensor:
    knee = _KNEE / _LINEAR
    return torch.where(mel < knee, mel * _LINEAR, _KNEE * ((mel - knee) * _STEP).exp())


class LogMel(nn.Module):
    """Waveform to log10 mel power. The Fourier transform is a matrix, which every runtime has."""

    basis: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        time, line = torch.arange(WINDOW)[:, None], torch.arange(WINDOW // 2 + 1)[None]
        angle = 2 * math.pi * (time * line % WINDOW).double() / WINDOW
        window = torch.hann_window(WINDOW, dtype=torch.float64)[:, None]
        basis = torch.cat([angle.cos(), angle.sin()], 1) * window
        self.register_buffer("basis", basis.float(), persistent=False)
        self.register_buffer("filters", mel_filters(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """``(batch, n)`` samples in [-1, 1] to ``(batch, (n - 240) / 160, 80)`` log10 power."""
        with torch.autocast(samples.device.type, enabled=False):
            spectrum = samples.unfold(1, WINDOW, HOP) @ self.basis
            lines = WINDOW // 2 + 1
            power = spectrum[..., :lines].square() + spectrum[..., lines:].square()
            return (power @ self.filters).clamp(min=_SMALLEST).log10()

    def whole(self, samples: Tensor) -> Tensor:
        """A whole clip with silence on either side: ``(batch, n)`` to ``(batch, n / 160, 80)``.

        The window of frame t is centred at sample 160 t, so it sees 12.5 ms of what comes after.
        """
        return self(nn.functional.pad(samples, (WINDOW // 2, WINDOW // 2 - HOP)))


def relative_to_loudest(log_mel: Tensor) -> Tensor:
    """Whisper's own scaling of ``(batch, frames, bins)``: to the loudest value of the clip."""
    loudest = log_mel.amax((1, 2), keepdim=True)
    return (torch.maximum(log_mel, loudest - _RANGE) + 4) / 4


def relative_to_reference(log_mel: Tensor) -> Tensor:
    """The same scaling with a fixed reference, so that nothing depends on what comes later."""
    return (log_mel.clamp(min=REFERENCE - _RANGE) + 4) / 4
