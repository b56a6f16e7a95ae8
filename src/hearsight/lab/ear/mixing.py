"""Means of two trainings' weights, and a transducer that gets the senses of another training.

What was learned from few voices, or from small batches, generalises better so (M. Wortsman et al., "Robust
fine-tuning of zero-shot models", 2022).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.eyes import without_idle_frames
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.senses import read_distilled, read_senses
from hearsight.lab.ear.transducer import EarTransducer
from hearsight.lab.network.config import ModelConfig


def mix_with_published(path: Path, share: float, out: Path, assets: EarAssets) -> None:
    """Write a checkpoint to begin with whose ear is a mean of a taught one and the published one.

    Args:
        path: checkpoint of ``distil`` or ``see``.
        share: of the taught ear in the mean, 0 to 1.
        out: the new file.
        assets: the package with the published one.

    Raises:
        HearsightError: the file is not a checkpoint of these.
    """
    published = {f"ear.{name}": value for name, value in pretrained_encoder(assets).state_dict().items()}
    _write(path, _mean(read_senses(path), published, share), out)


def mix(path: Path, share: float, out: Path, other: Path) -> None:
    """Write a checkpoint to begin with whose ear and eyes are means of those of two others.

    Args:
        path: checkpoint of ``see``.
        share: of its weights in the mean, 0 to 1.
        out: the new file.
        other: checkpoint of ``see``, or of a whole transducer; its eyes may judge by fewer frames.

    Raises:
        HearsightError: a file is not a checkpoint of these, or is one of another size.
    """
    read_distilled(path)
    _write(path, _mean(_of_this_size(path), _of_this_size(other), share), out)


def lend(path: Path, to: Path, out: Path) -> None:
    """Write a checkpoint to export: a transducer with the senses of another training.

    Args:
        path: checkpoint of ``distil`` or ``see``.
        to: of a whole transducer of ``small-en``; what the other training has no weights for stays.
        out: the new file.

    Raises:
        HearsightError: a file is not a checkpoint of these, or is one of another size.
    """
    begun, senses = read_checkpoint(to), read_senses(path)
    config = begun.config
    if eyes := _part(senses, "eyes."):
        eyes, window = without_idle_frames(eyes)
        senses |= {f"eyes.{name}": value for name, value in eyes.items()}
        config = dataclasses.replace(config, lips_window=window)
    if _part(senses, "eyes_again."):
        config = dataclasses.replace(config, again_dim=ModelConfig.named("small-en").again_dim)
    network = EarTransducer(config)
    kept = {name: value for name, value in begun.weights.items() if name not in senses}
    network.load_state_dict({**network.state_dict(), **kept})
    network.take_senses(senses)
    weights = {f"model.{name}": value for name, value in network.state_dict().items()}
    about = {"config": config.to_dict(), "pieces": begun.pieces}
    torch.save({"state_dict": weights, "hearsight": about, "global_step": begun.step}, out)


def _of_this_size(path: Path) -> dict[str, Tensor]:
    """Senses of a checkpoint as ``small-en`` has them."""
    network = EarTransducer(ModelConfig.named("small-en"))
    senses = read_senses(path)
    network.take_senses(senses)
    weights: dict[str, Tensor] = network.state_dict()
    return {name: weights[name] for name in senses}


def _mean(mine: dict[str, Tensor], others: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights that only the first knows, and numbers that count something, stay as they are."""
    return {
        name: torch.lerp(others[name], value, share)
        if name in others and value.is_floating_point()
        else value
        for name, value in mine.items()
    }


def _part(senses: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Weights of one part, by its own names."""
    return {name.removeprefix(prefix): value for name, value in senses.items() if name.startswith(prefix)}


def _write(path: Path, senses: dict[str, Tensor], out: Path) -> None:
    """The checkpoint with other senses; it cannot be gone on with, only begun with."""
    ear = _part(senses, "ear.")
    eyes = {name: value for name, value in senses.items() if not name.startswith("ear.")}
    begun = {"ear": ear, "student": {}, "average": {}, "optimizer": {}, "step": 0}
    content = read_distilled(path) | begun | ({"eyes": eyes} if eyes else {})
    torch.save(content, out)
