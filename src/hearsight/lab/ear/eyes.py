"""What the lips add to the convolved sound: while it comes in, and again once an utterance is over."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.ear.encoder import DIM
from hearsight.lab.network.streaming import State

FRAMES_PER_TICK = 2
"""Features of 20 ms in a frame of 40 ms."""
_AROUND = 4
"""Frames of lips before and after a frame by which eyes judge that look again."""


def _beginning_as_nothing(heard_dim: int, seen_dim: int, hidden: int, dropout: float) -> nn.Sequential:
    """Two layers from sound and lips to what is added to the sound: at first nothing."""
    last = nn.Linear(hidden, heard_dim)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(heard_dim + seen_dim, hidden), nn.SiLU(), nn.Dropout(dropout), last)


def without_idle_frames(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """Weights of :class:`Eyes` that judge the same by as few frames as they heed.

    Args:
        weights: by the module's names.

    Returns:
        The weights, and the frames of the window: those before the first that counts are left out.
    """
    name, seen_dim = "mlp.0.weight", len(weights["norm_seen.weight"])
    heard, seen = weights[name].tensor_split([len(weights["norm_heard.weight"])], 1)
    frames = list(seen.split(seen_dim, 1))
    while len(frames) > 1 and not frames[0].any():
        del frames[0]
    return weights | {name: torch.cat([heard, *frames], 1)}, len(frames)


class Eyes(nn.Module):
    """Two-layer MLP that adds to the convolved sound what the lips say; without lips it adds nothing.

    Begins as nothing, so that the ear that was there before is not harmed. A phone shows in how the lips
    move: it judges by a window of frames.
    """

    def __init__(self, seen_dim: int, window: int, hidden: int, dropout: float) -> None:
        super().__init__()
        heard_dim = FRAMES_PER_TICK * DIM
        self.window = window
        self.norm_heard, self.norm_seen = nn.LayerNorm(heard_dim), nn.LayerNorm(seen_dim)
        self.mlp = _beginning_as_nothing(heard_dim, window * seen_dim, hidden, dropout)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Weights of eyes that judged by fewer frames judge the same by this window."""
        name, first = f"{prefix}mlp.0.weight", self.mlp[0]
        assert isinstance(first, nn.Linear)
        if (weight := state_dict.get(name)) is not None and weight.shape[1] < first.in_features:
            heard, seen = weight.split([FRAMES_PER_TICK * DIM, weight.shape[1] - FRAMES_PER_TICK * DIM], 1)
            nothing = weight.new_zeros(len(weight), first.in_features - weight.shape[1])
            state_dict[name] = torch.cat([heard, nothing, seen], 1)
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def initial_state(self, batch: int) -> State:
        """No lips before the first."""
        if self.window == 1:
            return {}
        return {"lips": torch.zeros(batch, self.window - 1, *self.norm_seen.normalized_shape)}

    def normalise(self, seen: Tensor, video_present: Tensor) -> Tensor:
        """Features of lips ``(batch, ticks, seen_dim)``, each to the same spread; 0 where there are none."""
        return torch.where(video_present.unsqueeze(-1), self.norm_seen(seen), 0.0)

    def forward(
        self, frames: Tensor, lips: Tensor, video_present: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """Sound and lips together.

        Args:
            frames: ``(batch, 2 * ticks, 384)`` convolved sound.
            lips: ``(batch, ticks, seen_dim)``, normalised.
            video_present: ``(batch, ticks)`` bool.
            state: of the ticks before.

        Returns:
            Like ``frames``, and the state after them.
        """
        heard = frames.unflatten(1, (-1, FRAMES_PER_TICK)).flatten(2)
        ticks, before = lips.shape[1], self.window - 1
        known = torch.cat([state["lips"].to(lips.dtype), lips], 1) if before else lips
        window = [known[:, first : first + ticks] for first in range(self.window)]
        added = self.mlp(torch.cat([self.norm_heard(heard), *window], 2))
        heard = heard + torch.where(video_present.unsqueeze(-1), added, 0.0)
        return heard.unflatten(2, (FRAMES_PER_TICK, DIM)).flatten(1, 2), (
            {"lips": known[:, -before:]} if before else {}
        )


class EyesAgain(nn.Module):
    """The same for an utterance that is over: judges by the lips before and after as well.

    A phone shows in how the lips come to it and leave it. What it adds comes on top of what :class:`Eyes`
    added.
    """

    def __init__(self, seen_dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        heard_dim, window = FRAMES_PER_TICK * DIM, 2 * _AROUND + 1
        self.seen_dim = seen_dim
        self.norm_heard = nn.LayerNorm(heard_dim)
        self.mlp = _beginning_as_nothing(heard_dim, window * seen_dim, hidden, dropout)

    def forward(self, frames: Tensor, seen: Tensor) -> Tensor:
        """Sound and lips of a whole utterance together.

        Args:
            frames: ``(batch, 2 * ticks, 384)`` convolved sound, with what the lips added to it in the stream.
            seen: ``(batch, ticks, seen_dim)`` features of the lips; all 0 where there are none.

        Returns:
            Like ``frames``.
        """
        heard = frames.unflatten(1, (-1, FRAMES_PER_TICK)).flatten(2)
        ticks = seen.shape[1]
        around = F.pad(seen, (0, 0, _AROUND, _AROUND))
        window = [around[:, first : first + ticks] for first in range(2 * _AROUND + 1)]
        added = self.mlp(torch.cat([self.norm_heard(heard), *window], 2))
        heard = heard + torch.where((seen != 0).any(2, keepdim=True), added, 0.0)
        return heard.unflatten(2, (FRAMES_PER_TICK, DIM)).flatten(1, 2)
