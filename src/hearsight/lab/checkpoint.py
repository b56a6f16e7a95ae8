"""Reading and averaging checkpoints; nothing in them is executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hearsight.errors import HearsightError
from hearsight.lab.network.config import ModelConfig

_PREFIX = "model."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The network of a checkpoint: configuration, SentencePiece model, averaged weights."""

    config: ModelConfig
    pieces: bytes
    weights: dict[str, Tensor]
    step: int


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ``hearsight train``.

    Raises:
        HearsightError: the file is missing or not a checkpoint of hearsight.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        ours = content["hearsight"]
        weights = {
            name.removeprefix(_PREFIX): value
            for name, value in content["state_dict"].items()
            if name.startswith(_PREFIX)
        }
        config = ModelConfig.from_dict(ours["config"])
        return Checkpoint(config, ours["pieces"], weights, int(content["global_step"]))
    except FileNotFoundError as error:
        raise HearsightError(f"{path} does not exist: name a checkpoint of `hearsight train`") from error
    except Exception as error:
        raise HearsightError(
            f"{path} is not a checkpoint of `hearsight train` ({type(error).__name__}): nothing in it was run"
        ) from error


def average(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """The mean of the weights, and all else from the last.

    Raises:
        HearsightError: there is none, or they are of different networks.
    """
    if not checkpoints:
        raise HearsightError("there is no checkpoint to average: train first")
    last = max(checkpoints, key=lambda checkpoint: checkpoint.step)
    if any(one.config != last.config or one.pieces != last.pieces for one in checkpoints):
        raise HearsightError("the checkpoints are of different networks: average those of one training")
    weights = {
        name: torch.stack([one.weights[name].double() for one in checkpoints]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in last.weights.items()
    }
    return Checkpoint(last.config, last.pieces, weights, last.step)
