"""Whisper's encoder, as it is or chunked and causal, on the same weights.

Source: A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. Streaming form:
attention sees its own chunk and so many chunks before it; positions go round after 30 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.ear.log_mel import BINS
from hearsight.lab.network.streaming import State

DIM = 384
HEADS = 6
LAYERS = 4
WINDOW_FRAMES = 1500
"""Frames of 20 ms in Whisper's window of 30 s."""
MEMORIES = tuple(f"{kind}{layer}" for layer in range(LAYERS) for kind in ("keys", "values"))
"""States of a stream: what each layer remembers."""
_UNSEEN = -1e4
_LONGEST_WAVE = 10_000.0


@dataclass(frozen=True, slots=True)
class Chunking:
    """What attention may see.

    Attributes:
        chunk: frames of 20 ms that see each other.
        left_chunks: chunks before their own that they also see.
    """

    chunk: int = 16
    left_chunks: int = 15

    @property
    def left(self) -> int:
        """Frames before the chunk that are seen."""
        return self.chunk * self.left_chunks


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention ``(batch, heads, frames, 64)`` written out.

    On processors, at the length of utterances, its gradient takes half the time of torch's fused one.

    Args:
        query: ``(batch, heads, frames, 64)``.
        key: ``(batch, heads, keys, 64)``.
        value: like the keys.
        mask: broadcasts to ``(batch, heads, frames, keys)``; False where nothing may be seen.
    """
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
    if mask is not None:
        scores = scores + torch.where(mask, 0.0, _UNSEEN).to(scores.dtype)
    with torch.autocast(scores.device.type, enabled=False):  # else it would be computed in single precision
        weights = scores.softmax(-1)
    return weights @ value


class Layer(nn.Module):
    """Self-attention and a feed-forward part, both on normalised input and added to it."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.feed_norm = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.query_key_value = nn.Linear(DIM, 3 * DIM)
        self.attended = nn.Linear(DIM, DIM)
        self.expand, self.contract = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

    def split(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(batch, heads, frames, 64)``."""
        heads = self.query_key_value(self.attention_norm(frames)).unflatten(2, (3, HEADS, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        return query, key, value

    def finish(self, frames: Tensor, attended: Tensor) -> Tensor:
        """The residual sums, from what attention ``(batch, heads, frames, 64)`` brought."""
        frames = frames + self.attended(attended.transpose(1, 2).flatten(2))
        return frames + self.contract(F.gelu(self.expand(self.feed_norm(frames))))

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """``(batch, frames, 384)`` to the same; the mask is True where a query (row) sees a key."""
        query, key, value = self.split(frames)
        return self.finish(frames, attend(query, key, value, mask))


def places(count: Tensor) -> Tensor:
    """Whisper's sinusoids ``(…, 384)`` of places ``(…)``, which go round after its window."""
    octaves = torch.arange(DIM // 2, device=count.device) * (-math.log(_LONGEST_WAVE) / (DIM // 2 - 1))
    angle = (count % WINDOW_FRAMES).float().unsqueeze(-1) * octaves.exp()
    return torch.cat([angle.sin(), angle.cos()], -1)


class Attention(nn.Module):
    """The layers of the encoder: convolved frames to features."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(DIM)

    def attend(
        self, frames: Tensor, offset: Tensor | None = None, chunking: Chunking | None = None
    ) -> Tensor:
        """Whole clips.

        Args:
            frames: ``(batch, frames, 384)``, convolved.
            offset: ``(batch,)`` place of the first frame; 0 if not given.
            chunking: what may be seen; everything if not given.
        """
        count = torch.arange(frames.shape[1], device=frames.device)
        frames = frames + places(count[None] if offset is None else offset[:, None] + count)
        mask = None if chunking is None else chunk_mask(len(count), chunking, frames.device)
        for layer in self.layers:
            frames = layer(frames, mask)
        features: Tensor = self.norm(frames)
        return features


class Encoder(Attention):
    """Log-mel frames (100 Hz) to features (50 Hz): whole, or in chunks of what a stream has heard."""

    def __init__(self, chunking: Chunking | None = None) -> None:
        """Make the network without its weights.

        Args:
            chunking: what attention may see; None is Whisper's own: everything.
        """
        super().__init__()
        self.chunking = chunking
        self.conv1 = nn.Conv1d(BINS, DIM, 3, 1, 1)
        self.conv2 = nn.Conv1d(DIM, DIM, 3, 2, 1)

    def convolve(self, log_mel: Tensor) -> Tensor:
        """Scaled ``(batch, 2 * frames, 80)`` to ``(batch, frames, 384)``."""
        return F.gelu(self.conv2(F.gelu(self.conv1(log_mel.transpose(1, 2))))).transpose(1, 2)

    def forward(self, log_mel: Tensor, offset: Tensor | None = None) -> Tensor:
        """A whole clip.

        Args:
            log_mel: ``(batch, 2 * frames, 80)``, scaled.
            offset: ``(batch,)`` position of the first frame; 0 if not given.

        Returns:
            ``(batch, frames, 384)``.
        """
        return self.attend(self.convolve(log_mel), offset, self.chunking)

    def initial_state(self, batch: int) -> State:
        """Nothing heard so far."""
        assert self.chunking is not None
        memory = (batch, HEADS, self.chunking.left, DIM // HEADS)
        return {
            "mel": torch.zeros(batch, BINS, 1),
            "hidden": torch.zeros(batch, DIM, 1),
            # By layer: to take them out of one tensor and put them back takes a sixth of a step's time.
            **{name: torch.zeros(memory) for name in MEMORIES},
            "heard": torch.zeros(batch, 1, dtype=torch.int64),
        }

    def convolve_step(self, log_mel: Tensor, state: State) -> tuple[Tensor, State]:
        """The next chunk of a stream convolved; all chunks together equal :meth:`convolve`.

        Args:
            log_mel: ``(batch, 2 * chunk + 1, 80)``, scaled: the frames of the chunk and the first one after
                it, which comes again in the next call.
            state: from :meth:`initial_state` or the call before.

        Returns:
            ``(batch, chunk, 384)`` and what is to be remembered of the convolutions.
        """
        mel = torch.cat([state["mel"], log_mel.transpose(1, 2)], 2)
        hidden = F.gelu(F.conv1d(mel, self.conv1.weight, self.conv1.bias))
        convolved = torch.cat([state["hidden"], hidden], 2)
        frames = F.gelu(F.conv1d(convolved, self.conv2.weight, self.conv2.bias, 2)).transpose(1, 2)
        return frames, {"mel": log_mel.transpose(1, 2)[:, :, -2:-1], "hidden": hidden[:, :, -1:]}

    def attend_step(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """The next chunk ``(batch, chunk, 384)`` of convolved frames to features, and what is remembered."""
        count = torch.arange(frames.shape[1], device=frames.device)
        frames = frames + places(state["heard"] + count)
        memory = torch.arange(state[MEMORIES[0]].shape[2], device=frames.device)
        remembered = memory >= len(memory) - state["heard"]
        seen = torch.cat([remembered, torch.ones_like(state["heard"] + count, dtype=torch.bool)], 1)
        after = {"heard": state["heard"] + len(count)}
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            query, key, value = layer.split(frames)
            key = torch.cat([state[f"keys{index}"], key], 2)
            value = torch.cat([state[f"values{index}"], value], 2)
            frames = layer.finish(frames, attend(query, key, value, seen[:, None, None]))
            after[f"keys{index}"], after[f"values{index}"] = (
                key[:, :, len(count) :],
                value[:, :, len(count) :],
            )
        return self.norm(frames), after

    def step(self, log_mel: Tensor, state: State) -> tuple[Tensor, State]:
        """The next chunk of a stream; all chunks together equal :meth:`forward`."""
        frames, convolved = self.convolve_step(log_mel, state)
        features, attended = self.attend_step(frames, state)
        return features, {**convolved, **attended}


def chunk_mask(frames: int, chunking: Chunking, device: torch.device | None = None) -> Tensor:
    """``(frames, frames)`` bool: True where the frame of the row sees the frame of the column."""
    chunk = torch.arange(frames, device=device) // chunking.chunk
    back = chunk[:, None] - chunk[None]
    return (back >= 0) & (back <= chunking.left_chunks)
