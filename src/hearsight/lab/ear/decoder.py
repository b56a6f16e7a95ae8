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


@dataclass(frozen=True, slots=True)
class DecoderSize:
    """Sizes of a decoder; those of Whisper tiny.en if not given."""

    vocabulary: int = VOCABULARY
    dim: int = DIM
    heads: int = HEADS
    layers: int = LAYERS
    context: int = CONTEXT


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys and values ``(batch, heads, steps, 64)`` of one layer: of the features, of the tokens so far."""

    heard_keys: Tensor
    heard_values: Tensor
    keys: Tensor
    values: Tensor


class Layer(nn.Module):
    """Self-attention, attention to the features, and a feed-forward part."""

    def __init__(self, dim: int = DIM, heads: int = HEADS) -> None:
        super().__init__()
        self.count = heads
        self.attention_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(dim) for _ in range(3))
        self.query_key_value, self.attended = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.cross_query, self.cross_key_value = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.cross_attended = nn.Linear(dim, dim)
        self.expand, self.contract = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def heads(self, vectors: Tensor) -> Tensor:
        """``(batch, steps, dim)`` to ``(batch, heads, steps, dim / heads)``."""
        return vectors.unflatten(2, (self.count, -1)).transpose(1, 2)

    def listen(self, features: Tensor) -> Memory:
        """Memory of the features ``(batch, frames, 384)`` and of no token."""
        key, value = self.cross_key_value(features).chunk(2, 2)
        heard_keys, heard_values = self.heads(key), self.heads(value)
        nothing = heard_keys[:, :, :0]
        return Memory(heard_keys, heard_values, nothing, nothing)

    def forward(self, tokens: Tensor, memory: Memory, hidden: Tensor | None = None) -> tuple[Tensor, Memory]:
        """The next tokens ``(batch, steps, 384)``, and the memory with them.

        Args:
            tokens: their vectors.
            memory: of what came before.
            hidden: ``(batch, 1, 1, frames)`` bool, True where features may be seen; all if not given.
        """
        query, key, value = self.query_key_value(self.attention_norm(tokens)).chunk(3, 2)
        key = torch.cat([memory.keys, self.heads(key)], 2)
        value = torch.cat([memory.values, self.heads(value)], 2)
        steps, known = tokens.shape[1], key.shape[2]
        causal = torch.ones(steps, known, dtype=torch.bool, device=tokens.device).tril(known - steps)
        tokens = tokens + self.attended(self._merge(self.heads(query), key, value, causal))
        query = self.heads(self.cross_query(self.cross_norm(tokens)))
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

    def __init__(self, size: DecoderSize | None = None) -> None:
        super().__init__()
        self.size = size = size or DecoderSize()
        self.vectors = nn.Embedding(size.vocabulary, size.dim)
        self.layers = nn.ModuleList(Layer(size.dim, size.heads) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.dim)
        self.register_buffer("positions", torch.zeros(size.context, size.dim))

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
