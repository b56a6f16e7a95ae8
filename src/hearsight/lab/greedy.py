"""Greedy decoding in PyTorch, for error rates during training.

The same rule as the recognizer's beam of width one: at most one label per frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hearsight.lab.network.model import AVTransducer


@torch.no_grad()
def greedy_decode(model: AVTransducer, encoded: Tensor, lengths: Tensor) -> list[list[tuple[int, int]]]:
    """Labels of each row of ``encoded (batch, frames, encoder_dim)``, each with its frame."""
    blank = model.config.blank
    projected = model.project(encoded)
    batch, frames = projected.shape[:2]
    state = model.predictor.initial_state(batch)  # type: ignore[operator]
    predicted, state = model.predictor.step(torch.full((batch,), blank), state)  # type: ignore[operator]
    labels: list[list[tuple[int, int]]] = [[] for _ in range(batch)]
    for frame in range(frames):
        best = model.joiner(projected[:, frame], predicted).argmax(-1)
        emits = (best != blank) & (frame < lengths)
        if not emits.any():
            continue
        after, next_state = model.predictor.step(best, state)  # type: ignore[operator]
        predicted = torch.where(emits.unsqueeze(1), after, predicted)
        state = {name: _where_rows(emits, next_state[name], state[name]) for name in state}
        for row in emits.nonzero().squeeze(1).tolist():
            labels[row].append((int(best[row]), frame))
    return labels


def _where_rows(rows: Tensor, chosen: Tensor, other: Tensor) -> Tensor:
    return torch.where(rows.view(-1, *[1] * (chosen.dim() - 1)), chosen, other)
