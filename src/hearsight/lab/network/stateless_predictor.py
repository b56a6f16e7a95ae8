"""Predictor with two labels of context and no recurrence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.streaming import State


class StatelessPredictor(nn.Module):
    """Embedding and a grouped convolution over the last two labels (Ghodsi et al., 2020)."""

    def __init__(self, vocabulary_size: int, dim: int, joiner_dim: int, blank: int) -> None:
        super().__init__()
        self.blank = blank
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.dropout = nn.Dropout(0.2)
        self.convolution = nn.Conv1d(dim, dim, 2, groups=dim // 8)
        self.linear = nn.Linear(dim, joiner_dim)

    def initial_state(self, batch: int) -> State:
        """The label before the first: blank."""
        return {"previous": torch.full((batch, 1), self.blank)}

    def forward(self, labels: Tensor) -> Tensor:
        """Labels ``(batch, n)`` to ``(batch, n + 1, joiner_dim)``, before the first and after each."""
        history = F.pad(labels, (2, 0), value=self.blank)
        return self._embed(history)

    def step(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """``token (batch,)``, blank at the start, to ``(batch, joiner_dim)``."""
        history = torch.cat([state["previous"], token.unsqueeze(1)], 1)
        return self._embed(history).squeeze(1), {"previous": history[:, 1:]}

    def _embed(self, history: Tensor) -> Tensor:
        hidden = self.dropout(self.embedding(history)).transpose(1, 2)
        return self.linear(F.relu(self.convolution(hidden)).transpose(1, 2))
