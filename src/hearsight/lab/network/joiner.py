"""Joiner: encoder frame and predictor state to a distribution over pieces and blank."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Joiner(nn.Module):
    """Add, activate, project (Graves, 2012)."""

    def __init__(self, dim: int, vocabulary_size: int, activation: str) -> None:
        super().__init__()
        self.activation = {"tanh": torch.tanh, "relu": torch.relu}[activation]
        self.linear = nn.Linear(dim, vocabulary_size)

    def start_blank(self, blank: int, bias: float = 7.0, scale: float = 0.3) -> None:
        """Begin near "mostly blank": measured to shorten the plateau at the start of training."""
        with torch.no_grad():
            self.linear.weight.mul_(scale)
            self.linear.bias.zero_()
            self.linear.bias[blank] = bias

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        """Logits of ``encoded (…, dim)`` and ``predicted (…, dim)``, broadcast against each other."""
        logits: Tensor = self.linear(self.activation(encoded + predicted))
        return logits
