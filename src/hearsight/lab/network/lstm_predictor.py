"""Recurrent predictor: a layer-normalised LSTM over all labels so far."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.streaming import State

_EPSILON = 1e-3
"""Of the layer norms inside the cells, as in the published models."""
_DROPOUT = 0.3


class NormedLSTMLayer(nn.Module):
    """LSTM whose gates and cell are layer-normalised (Ba, Kiros, Hinton, "Layer Normalization", 2016)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.input_gates = nn.Linear(dim, 4 * dim, bias=False)
        self.hidden_gates = nn.Linear(dim, 4 * dim, bias=False)
        self.norm_gates = nn.LayerNorm(4 * dim, eps=_EPSILON)
        self.norm_cell = nn.LayerNorm(dim, eps=_EPSILON)

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``(batch, n, dim)`` to the same shape, with hidden and cell ``(batch, dim)`` before and after."""
        outputs = []
        for prepared in self.input_gates(inputs).unbind(1):
            gates = self.norm_gates(prepared + self.hidden_gates(hidden))
            admit, keep, candidate, show = gates.chunk(4, 1)
            cell = self.norm_cell(keep.sigmoid() * cell + admit.sigmoid() * candidate.tanh())
            hidden = show.sigmoid() * cell.tanh()
            outputs.append(hidden)
        return torch.stack(outputs, 1), hidden, cell


class LSTMPredictor(nn.Module):
    """Embedding, LSTM layers and a projection, as in ``torchaudio.models.RNNT``."""

    def __init__(self, vocabulary_size: int, dim: int, layers: int, joiner_dim: int, blank: int) -> None:
        super().__init__()
        self.blank = blank
        self.embedding = nn.Embedding(vocabulary_size, dim)
        self.norm_input = nn.LayerNorm(dim)
        self.layers = nn.ModuleList(NormedLSTMLayer(dim) for _ in range(layers))
        self.dropout = nn.Dropout(_DROPOUT)
        self.linear = nn.Linear(dim, joiner_dim)
        self.norm_output = nn.LayerNorm(joiner_dim)

    def initial_state(self, batch: int) -> State:
        """Hidden values and cells ``(batch, layers, dim)`` before the first label."""
        shape = batch, len(self.layers), self.embedding.embedding_dim
        return {"hidden": torch.zeros(shape), "cell": torch.zeros(shape)}

    def forward(self, labels: Tensor) -> Tensor:
        """Labels ``(batch, n)`` to ``(batch, n + 1, joiner_dim)``, before the first and after each."""
        state = {
            name: value.to(self.embedding.weight) for name, value in self.initial_state(len(labels)).items()
        }
        predicted, _ = self._run(F.pad(labels, (1, 0), value=self.blank), state)
        return predicted

    def step(self, token: Tensor, state: State) -> tuple[Tensor, State]:
        """``token (batch,)``, blank at the start, to ``(batch, joiner_dim)``."""
        predicted, state = self._run(token.unsqueeze(1), state)
        return predicted.squeeze(1), state

    def _run(self, labels: Tensor, state: State) -> tuple[Tensor, State]:
        outputs = self.norm_input(self.embedding(labels))
        hidden, cell = [], []
        for index, layer in enumerate(self.layers):
            outputs, last, memory = layer(outputs, state["hidden"][:, index], state["cell"][:, index])
            outputs = self.dropout(outputs)
            hidden.append(last)
            cell.append(memory)
        after = {"hidden": torch.stack(hidden, 1), "cell": torch.stack(cell, 1)}
        return self.norm_output(self.linear(outputs)), after
