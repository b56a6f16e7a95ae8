"""Two-layer MLP that joins what was heard with what was seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """Layer norm, linear, SiLU, linear over both senses' features, as in the TorchAudio tutorial.

    Where a sense is absent its features are replaced by a learned vector, frame by frame, and the
    fusion stays: bypassing it is known to break a model that is deprived of one sense.
    """

    def __init__(self, frontend_dim: int, hidden: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm_audio = nn.LayerNorm(frontend_dim)
        self.norm_video = nn.LayerNorm(frontend_dim)
        self.no_audio = nn.Parameter(torch.zeros(frontend_dim))
        self.no_video = nn.Parameter(torch.zeros(frontend_dim))
        self.mlp = nn.Sequential(
            nn.Linear(2 * frontend_dim, hidden), nn.SiLU(), nn.Dropout(dropout), nn.Linear(hidden, dim)
        )

    def forward(self, audio: Tensor, video: Tensor, audio_present: Tensor, video_present: Tensor) -> Tensor:
        """Features ``(batch, frames, frontend_dim)`` and presence ``(batch, frames)`` to one sequence."""
        heard = torch.where(audio_present.unsqueeze(-1), self.norm_audio(audio), self.no_audio)
        seen = torch.where(video_present.unsqueeze(-1), self.norm_video(video), self.no_video)
        fused: Tensor = self.mlp(torch.cat([seen, heard], -1))
        return fused
