"""The protocol of every causal part: output and the state that the next call needs."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

State = dict[str, Tensor]
"""Named tensors, batch first. A part returns the state for its next call and keeps none itself."""


class CausalFrontend(Protocol):
    """A front-end that depends on the past only, so that any chunking gives the same features."""

    def initial_state(self, batch: int) -> State:
        """The state before the first frame."""

    def __call__(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Features ``(batch, frames, dim)`` of the next frames, and the state after them."""
