"""What a training of the ear leaves: the weights of the senses, by the names of the transducer."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hearsight.errors import HearsightError
from hearsight.lab.checkpoint import read_checkpoint

SENSES = ("ear", "eyes", "video", "whole", "eyes_again", "video_again")
"""Parts of the transducer that hear and see; the last three hear and look again."""


def read_senses(path: Path) -> dict[str, Tensor]:
    """Weights of the averaged student: ``ear.…``; if it has eyes also ``eyes.…``, ``video.…``, ``whole.…``.

    Args:
        path: checkpoint of ``distil`` or ``see``, or of a whole transducer with an ear.

    Raises:
        HearsightError: it is neither.
    """
    with contextlib.suppress(HearsightError):
        weights = read_checkpoint(path).weights
        return {name: value for name, value in weights.items() if name.split(".")[0] in SENSES}
    content = read_distilled(path)
    return {f"ear.{name}": value for name, value in content["ear"].items()} | content.get("eyes", {})


def read_distilled(path: Path) -> dict[str, Any]:
    """A checkpoint of ``distil``, whole.

    Raises:
        HearsightError: it is not one.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not {"ear", "chunking", "student", "optimizer", "step"} <= content.keys():
            raise ValueError("parts are missing")
        return content
    except FileNotFoundError as error:
        raise HearsightError(f"{path} does not exist: name a checkpoint of `distil`.") from error
    except Exception as error:
        raise HearsightError(
            f"{path} is not a checkpoint of `distil` ({type(error).__name__}): nothing in it was run."
        ) from error
