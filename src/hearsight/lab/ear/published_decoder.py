"""Gives an exported `small-en` its second pass: the published decoder, and the layers that hear again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hearsight.errors import HearsightError
from hearsight.lab.checkpoint import average, read_checkpoint
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.evaluate import silent_window
from hearsight.lab.ear.pretrained import pretrained_decoder, pretrained_encoder
from hearsight.lab.ear.second_pass import TokenTable, add_second_pass
from hearsight.lab.ear.transducer import EarTransducer
from hearsight.lab.export import build


def add_published_decoder(folder: Path, checkpoints: Sequence[Path], assets: EarAssets) -> Path:
    """Add Whisper's decoder to the bundle that these checkpoints were exported to; returns its folder.

    Args:
        folder: of the bundle.
        checkpoints: of ``hearsight train --size small-en``, those that were averaged for the bundle.
        assets: the package with the decoder.

    Raises:
        HearsightError: a checkpoint is not ours or has no ear, or the folder holds no bundle.
    """
    network = build(average([read_checkpoint(path) for path in checkpoints]))
    if not isinstance(network, EarTransducer):
        raise HearsightError(f"{checkpoints[-1]} has no ear: a second pass reads the features of small-en")
    if not (folder / "config.json").is_file():
        raise HearsightError(f"{folder} is no bundle: write one with `hearsight export`")
    return add_second_pass(
        folder,
        pretrained_decoder(assets).eval(),
        network.hearing_again(),
        TokenTable.of(assets),
        silent_window(pretrained_encoder(assets)),
    )
