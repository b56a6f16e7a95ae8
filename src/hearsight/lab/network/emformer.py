"""Emformer encoder: block-wise attention with left and right context and explicit state.

Shi et al., "Emformer: Efficient Memory Transformer Based Acoustic Model for Low Latency Streaming
Speech Recognition", 2021 (without the memory bank). The ``conv_emformer`` layer puts a causal
convolution and a second feed-forward half around the same attention (Gulati et al., Conformer,
2020; the combination is known from icefall's ConvEmformer).

A block is one segment and its right context. The right context is computed anew in every block, so
nothing looks further ahead than the block. All blocks of a sequence are one batch: training and
streaming run the same code, streaming with one block a call.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.streaming import State


def to_blocks(inputs: Tensor, segment: int, right_context: int) -> Tensor:
    """``(batch, n * segment + right_context, ...)`` to ``(batch, n, segment + right_context, ...)``."""
    if inputs.shape[1] == segment + right_context:
        return inputs.unsqueeze(1)
    windows = inputs.unfold(1, segment + right_context, segment)
    return windows.movedim(-1, 2)


def with_left_context(blocks: Tensor, left: Tensor, segment: int) -> tuple[Tensor, Tensor]:
    """Put before each block what came before it.

    Args:
        blocks: ``(batch, n, segment + right_context, dim)``.
        left: ``(batch, context, dim)``, the frames before the first block.
        segment: frames by which blocks advance.

    Returns:
        ``(batch, n, context + segment + right_context, dim)``, and the frames to keep for the next call.
    """
    context = left.shape[1]
    if blocks.shape[1] == 1:  # streaming: the same without a window's copies
        whole = torch.cat([left, blocks.flatten(0, 1)], 1)
        return whole.unsqueeze(1), whole[:, segment : segment + context]
    past = torch.cat([left, blocks[:, :, :segment].flatten(1, 2)], 1)
    windows = past.unfold(1, context, segment)[:, : blocks.shape[1]].transpose(2, 3)
    return torch.cat([windows, blocks], 2), past[:, -context:]


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Scaled dot-product attention, all but the mask ``(batch, heads, frames, dim)``.

    It is written out where it is exported: the exporter's own form of it works out how to turn the keys from
    their shape in every call, which takes a tenth of the encoder's time.
    """
    if not torch.compiler.is_exporting():
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    return scores.masked_fill(~mask, float("-inf")).softmax(-1) @ value


class BlockAttention(nn.Module):
    """Multi-head attention of each block to itself and to its left context."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, blocks: Tensor, mask: Tensor, left: Tensor, segment: int) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            blocks: ``(batch, n, segment + right_context, dim)``, normalised.
            mask: ``(batch * n, 1, 1, context + segment + right_context)``, True where a key may be used.
            left: ``(batch, context, 2 * dim)``, keys and values before the first block.
            segment: frames by which blocks advance.

        Returns:
            The attended blocks, and the keys and values to keep for the next call.
        """
        keys_values, left = with_left_context(self.key_value(blocks), left, segment)
        query = self._split(self.query(blocks))
        key, value = (self._split(part) for part in keys_values.chunk(2, -1))
        attended = attend(query, key, value, mask)
        return self.output(attended.transpose(1, 2).flatten(2)).view_as(blocks), left

    def _split(self, inputs: Tensor) -> Tensor:
        """``(batch, n, frames, dim)`` to ``(batch * n, heads, frames, dim / heads)``."""
        return inputs.flatten(0, 1).unflatten(2, (self.heads, -1)).transpose(1, 2)


class ChannelDropout(nn.Module):
    """Drops whole channels of a block.

    One random number for all frames of a block: drawing one for each value takes as long as the
    matrices beside it.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, blocks: Tensor) -> Tensor:
        """``(batch, n, frames, dim)`` to the same shape."""
        if not self.training or self.probability == 0:
            return blocks
        kept = torch.rand(*blocks.shape[:2], 1, blocks.shape[-1], device=blocks.device) >= self.probability
        return blocks * (kept / (1 - self.probability))


def feedforward(dim: int, hidden: int, activation: nn.Module, dropout: float) -> nn.Sequential:
    """Layer norm and two matrices."""
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, hidden),
        activation,
        nn.Linear(hidden, dim),
        ChannelDropout(dropout),
    )


class EmformerLayer(nn.Module):
    """Attention and feed-forward, as in torchaudio's Emformer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.encoder_dim
        self.segment, self.left_context = config.segment, config.left_context
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = BlockAttention(dim, config.encoder_heads)
        self.feedforward = feedforward(dim, config.encoder_feedforward, nn.GELU(), config.dropout)
        self.norm_output = nn.LayerNorm(dim)
        self.dropout = ChannelDropout(config.dropout)

    def initial_state(self, batch: int) -> State:
        """Keys and values of the left context."""
        return {"key_value": torch.zeros(batch, self.left_context, 2 * self.norm_output.normalized_shape[0])}

    def forward(self, blocks: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """``(batch, n, segment + right_context, dim)`` to the same shape."""
        attended, left = self.attention(self.norm_attention(blocks), mask, state["key_value"], self.segment)
        hidden = blocks + self.dropout(attended)
        return self.norm_output(hidden + self.feedforward(hidden)), {"key_value": left}


class CausalConvolution(nn.Module):
    """Gated depth-wise convolution over time that sees the past only."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.gate = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, groups=dim)
        self.norm_depthwise = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, blocks: Tensor, left: Tensor, segment: int) -> tuple[Tensor, Tensor]:
        """Blocks as in :class:`BlockAttention`; ``left (batch, kernel - 1, dim)``."""
        gated, left = with_left_context(F.glu(self.gate(self.norm(blocks)), -1), left, segment)
        hidden = self.depthwise(gated.flatten(0, 1).transpose(1, 2)).transpose(1, 2)
        return self.output(F.silu(self.norm_depthwise(hidden))).view_as(blocks), left


class ConvEmformerLayer(nn.Module):
    """Half a feed-forward, attention, causal convolution, half a feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, hidden = config.encoder_dim, config.encoder_feedforward
        self.segment, self.left_context = config.segment, config.left_context
        self.kernel = config.convolution_kernel
        self.feedforward1 = feedforward(dim, hidden, nn.SiLU(), config.dropout)
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = BlockAttention(dim, config.encoder_heads)
        self.convolution = CausalConvolution(dim, self.kernel)
        self.feedforward2 = feedforward(dim, hidden, nn.SiLU(), config.dropout)
        self.norm_output = nn.LayerNorm(dim)
        self.dropout = ChannelDropout(config.dropout)

    def initial_state(self, batch: int) -> State:
        """Keys and values of the left context, and the convolution's past."""
        dim = self.norm_output.normalized_shape[0]
        return {
            "key_value": torch.zeros(batch, self.left_context, 2 * dim),
            "convolution": torch.zeros(batch, self.kernel - 1, dim),
        }

    def forward(self, blocks: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """``(batch, n, segment + right_context, dim)`` to the same shape."""
        hidden = blocks + 0.5 * self.feedforward1(blocks)
        attended, left = self.attention(self.norm_attention(hidden), mask, state["key_value"], self.segment)
        hidden = hidden + self.dropout(attended)
        convolved, past = self.convolution(hidden, state["convolution"], self.segment)
        hidden = hidden + self.dropout(convolved)
        hidden = self.norm_output(hidden + 0.5 * self.feedforward2(hidden))
        return hidden, {"key_value": left, "convolution": past}


class Emformer(nn.Module):
    """A stack of layers between two projections."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        layer = {"emformer": EmformerLayer, "conv_emformer": ConvEmformerLayer}[config.encoder_layer]
        self.input: nn.Module = nn.Identity()
        if config.encoder_input_linear:
            self.input = nn.Linear(config.fusion_dim, config.encoder_dim, bias=False)
        self.layers = nn.ModuleList(layer(config) for _ in range(config.encoder_layers))

    def initial_state(self, batch: int) -> State:
        """Each layer's state under ``layer<i>_…``, and which frames of the left context are real."""
        state = {"left_valid": torch.zeros(batch, self.config.left_context)}
        for index, layer in enumerate(self.layers):
            for name, value in layer.initial_state(batch).items():  # type: ignore[operator]
                state[f"layer{index}_{name}"] = value
        return state

    def forward(self, features: Tensor, valid: Tensor, state: State) -> tuple[Tensor, State]:
        """Encode whole segments.

        Args:
            features: ``(batch, n * segment + right_context, feature_dim)``, of which the first ``fusion_dim``
                are encoded.
            valid: the same without the last dimension, bool; False frames are seen by no other frame.
            state: from :meth:`initial_state` or the call before.

        Returns:
            ``(batch, n * segment, encoder_dim)`` and the state after the last segment.
        """
        segment, right_context = self.config.segment, self.config.right_context
        features = features[..., : self.config.fusion_dim]
        blocks = to_blocks(self.input(features), segment, right_context)
        valid_blocks = to_blocks(valid.to(features.dtype).unsqueeze(-1), segment, right_context)
        keys, left_valid = with_left_context(valid_blocks, state["left_valid"].unsqueeze(-1), segment)
        mask = self._mask(keys.flatten(0, 1).squeeze(-1), blocks.shape[2])
        after: State = {"left_valid": left_valid.squeeze(-1)}
        for index, layer in enumerate(self.layers):
            prefix = f"layer{index}_"
            mine = {
                name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
            }
            blocks, mine = layer(blocks, mask, mine)
            after.update({prefix + name: value for name, value in mine.items()})
        return blocks[:, :, :segment].flatten(1, 2), after

    @staticmethod
    def _mask(valid_keys: Tensor, queries: int) -> Tensor:
        """Bool mask over keys; a block with no valid key attends to its own, so that nothing is 0 / 0."""
        own = torch.zeros_like(valid_keys)
        own[:, -queries:] = 1.0
        nothing = valid_keys.sum(1, keepdim=True) == 0
        return ((valid_keys > 0) | (nothing & (own > 0)))[:, None, None, :]
