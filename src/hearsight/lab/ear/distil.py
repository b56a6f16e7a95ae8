"""Distillation of the ear: it learns to stream, from the features of the published one.

Dense regression, without text: the features stay readable by the published decoder.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hearsight.lab.data.batches import Source
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.distillation import (
    Distillation,
    DistilOptions,
    prepare_distillation,
    resumed,
    run,
)
from hearsight.lab.ear.encoder import Chunking, Encoder
from hearsight.lab.ear.log_mel import relative_to_loudest, relative_to_reference
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.senses import read_distilled
from hearsight.lab.ear.sounds import Pair, PairStream, read_rooms

_HELD_OUT_BATCHES = 6


class EarDistillation(Distillation[Encoder, Pair]):
    """The ear alone."""

    def __init__(self, options: DistilOptions, assets: EarAssets) -> None:
        student = pretrained_encoder(assets, options.chunking)
        if options.initial is not None:
            student.load_state_dict(read_distilled(options.initial)["ear"])
        super().__init__(options, assets, student)

    def features(self, student: Encoder, lesson: Pair) -> tuple[Tensor, Sequence[Tensor]]:
        """See the base class."""
        with torch.no_grad():
            wanted = self.teacher(relative_to_loudest(self.log_mel.whole(lesson.clean)), lesson.offset)
            log_mel = relative_to_reference(self.log_mel.whole(lesson.heard))
        return wanted, [student(log_mel, lesson.offset)]

    def texts(self, lesson: Pair) -> Sequence[str]:
        """See the base class."""
        return lesson.texts

    def senses(self) -> dict[str, Any]:
        """See the base class."""
        return {"ear": self.average.state_dict()}


def read_ear(path: Path) -> Encoder:
    """The averaged student of a checkpoint, in evaluation mode.

    Raises:
        HearsightError: it is not a checkpoint of `distil`.
    """
    content = read_distilled(path)
    ear = Encoder(Chunking(*content["chunking"]))
    ear.load_state_dict(content["ear"])
    return ear.eval()


def distil(options: DistilOptions, assets: EarAssets) -> EarDistillation:
    """Distil the ear, or go on where ``options.out`` left off.

    Ctrl-C and SIGTERM end it after the current step with everything kept.

    Raises:
        HearsightError: data are missing, or the checkpoint is not one of ours.
    """
    prepare_distillation(options)
    training = resumed(EarDistillation(options, assets))
    pairs = PairStream(
        options.data,
        options.mishearing,
        read_rooms(options.rooms) if options.rooms else [],
        batch_size=options.batch_size,
        seed=options.seed * 1_000_003 + training.step,
    )
    run(training, iter(pairs), _held_out(options))
    return training


def _held_out(options: DistilOptions) -> list[Pair]:
    """The same pairs in every run: as they are at first, then misheard."""
    if options.held_out is None:
        return []
    stream = PairStream([Source(options.held_out)], options.mishearing, [], batch_size=12, seed=12345)
    return list(itertools.islice(stream, _HELD_OUT_BATCHES))
