"""Whisper's decoder: text from the encoder's features, token by token."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.ear.encoder import DIM, HEADS, LAYERS

VOCABULARY = 51864
CONTEXT = 448
"""Tokens that the decoder can hold."""


def _heads(vectors: Tensor) -> Tensor:
    return vectors.unflatten(2, (HEADS, -1)).transpose(1, 2)


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys and values ``(batch, heads, steps, 64)`` of one layer: of the features, of the tokens so far."""

    heard_keys: Tensor
    heard_values: Tensor
    keys: Tensor
    values: Tensor


class Layer(nn.Module):
    """Self-attention, attention to the features, and a feed-forward part."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(DIM) for _ in range(3))
        self.query_key_value, self.attended = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.cross_query, self.cross_key_value = nn.Linear(DIM, DIM), nn.Linear(DIM, 2 * DIM)
        self.cross_attended = nn.Linear(DIM, DIM)
        self.expand, self.contract = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

    def listen(self, features: Tensor) -> Memory:
        """Memory of the features ``(batch, frames, 384)`` and of no token."""
        key, value = self.cross_key_value(features).chunk(2, 2)
        nothing = features.new_zeros(len(features), HEADS, 0, DIM // HEADS)
        return Memory(_heads(key), _heads(value), nothing, nothing)

    def forward(self, tokens: Tensor, memory: Memory, hidden: Tensor | None = None) -> tuple[Tensor, Memory]:
        """The next tokens ``(batch, steps, 384)``, and the memory with them.

        Args:
            tokens: their vectors.
            memory: of what came before.
            hidden: ``(batch, 1, 1, frames)`` bool, True where features may be seen; all if not given.
        """
        query, key, value = self.query_key_value(self.attention_norm(tokens)).chunk(3, 2)
        key = torch.cat([memory.keys, _heads(key)], 2)
        value = torch.cat([memory.values, _heads(value)], 2)
        steps, known = tokens.shape[1], key.shape[2]
        causal = torch.ones(steps, known, dtype=torch.bool, device=tokens.device).tril(known - steps)
        tokens = tokens + self.attended(self._merge(_heads(query), key, value, causal))
        query = _heads(self.cross_query(self.cross_norm(tokens)))
        heard = self._merge(query, memory.heard_keys, memory.heard_values, hidden)
        tokens = tokens + self.cross_attended(heard)
        tokens = tokens + self.contract(F.gelu(self.expand(self.feed_norm(tokens))))
        return tokens, Memory(memory.heard_keys, memory.heard_values, key, value)

    @staticmethod
    def _merge(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).flatten(2)


class Decoder(nn.Module):
    """Tokens and features to the scores of the next token; the token vectors serve for both."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Embedding(VOCABULARY, DIM)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(DIM)
        self.register_buffer("positions", torch.zeros(CONTEXT, DIM))

    def listen(self, features: Tensor) -> list[Memory]:
        """The memory of each layer before the first token."""
        return [layer.listen(features) for layer in self.layers]  # type: ignore[operator]

    def forward(
        self, tokens: Tensor, memory: list[Memory], hidden: Tensor | None = None
    ) -> tuple[Tensor, list[Memory]]:
        """Scores ``(batch, steps, 51864)`` after each of the tokens ``(batch, steps)``, and the memory."""
        known = memory[0].keys.shape[2]
        states = self.vectors(tokens) + self.positions[known : known + tokens.shape[1]]
        after = []
        for layer, before in zip(self.layers, memory, strict=True):
            states, now = layer(states, before, hidden)
            after.append(now)
        return self.norm(states) @ self.vectors.weight.T, after
