"""Eyes by the same lesson: noisy sound and lips in, the features of the clean sound out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hearsight.lab.data.augment_audio import AudioAugmentation
from hearsight.lab.data.augment_video import VideoAugmentation
from hearsight.lab.data.batches import Batch, Source, TrainingStream
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.data.mishaps import Mishaps
from hearsight.lab.data.pieces import train_pieces
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.distillation import (
    Distillation,
    DistilOptions,
    prepare_distillation,
    resumed,
    run,
)
from hearsight.lab.ear.log_mel import relative_to_loudest
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.senses import read_senses
from hearsight.lab.ear.sounds import Pair, PairStream, read_rooms
from hearsight.lab.ear.transducer import LAG, EarTransducer, Hearing
from hearsight.lab.lips import take_lips
from hearsight.lab.network.config import ModelConfig

_HELD_OUT_BATCHES = 4
_AUGMENTATION = Augmentation(
    audio=AudioAugmentation(noise=0.85, highest_snr=10.0),
    video=VideoAugmentation(rotation=8.0, scale=0.12, gamma=0.5, gradient=35.0, frame_drops=0.8),
    modes=(0.72, 0.18, 0.1),
    recombine=(0.0, 0.0),
    running=0.0,
    mishaps=Mishaps(foreign=0.08, frozen=0.05, late=0.2),
)
"""Mostly in noise, mostly with both senses; no exchanged words: their seams would be clean."""
_PANGRAM = "the quick brown fox jumps over the lazy dog"
_BESIDE_THE_EAR = ("eyes", "video", "whole")
_EYES = ("eyes.", "video.")
_SPEAKER_BALANCE = 0.5
"""Who speaks in few recordings is seen more often than their number says: lips differ more than voices."""
_LETTERS = 28
"""The letters, the blank and the space: for a vocabulary that nobody looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeOptions(DistilOptions):
    """How to teach the eyes.

    Attributes:
        ear: checkpoint of ``distil``: the ear to begin with.
        lips: checkpoint of ``hearsight lips`` or ``hearsight train`` whose video front-end is taken, if any;
            what the eyes add begins anew then.
        pictures: folders of shards with pictures; ``data`` has sound alone.
        augmentation: what is done to the examples with pictures.
        listening: share of the steps with sound alone, so that what hears again forgets nothing.
        again_share: part of the learning rate that the layers get that hear an utterance again.
    """

    ear: Path
    pictures: Sequence[Source]
    lips: Path | None = None
    augmentation: Augmentation = field(default_factory=lambda: _AUGMENTATION)
    listening: float = 0.2
    again_share: float = 0.1


Lesson = Batch | Pair


class EyeDistillation(Distillation[EarTransducer, Lesson]):
    """The eyes, and what hears again; of the transducer, only these learn.

    The ear that hears in chunks stays as it is: at a tenth of the rate it still forgets real voices.
    """

    options: SeeOptions

    def __init__(self, options: SeeOptions, assets: EarAssets) -> None:
        student = EarTransducer(ModelConfig.named("small-en"))
        student.whole.load_state_dict(pretrained_encoder(assets).state_dict(), strict=False)
        senses = read_senses(options.ear)
        if options.lips is None:
            student.take_senses(senses)
        else:
            student.take_senses({name: value for name, value in senses.items() if not name.startswith(_EYES)})
            take_lips(student, options.lips)
        student.ear.requires_grad_(False)
        super().__init__(options, assets, student)

    def groups(self) -> list[dict[str, Any]]:
        """Hearing again, and the eyes."""
        student = self.student
        return [
            {"params": list(student.whole.parameters()), "share": self.options.again_share},
            {"params": [*student.eyes.parameters(), *student.video.parameters()], "share": 1.0},
        ]

    def features(self, student: EarTransducer, lesson: Lesson) -> tuple[Tensor, Sequence[Tensor]]:
        """See the base class; the student hears again what is over, which is what the decoder reads."""
        if isinstance(lesson, Pair):
            offset, hearing = lesson.offset, self._heard(student, lesson)
        else:
            offset = torch.zeros(len(lesson), dtype=torch.int64)
            hearing = student.hear_whole(lesson.samples, lesson.crops, lesson.video_present)
        again = student.whole.attend(hearing.frames, offset)
        return self._wanted(lesson.clean, offset), (again, hearing.streamed)

    def texts(self, lesson: Lesson) -> Sequence[str]:
        """See the base class."""
        return lesson.texts

    def senses(self) -> dict[str, Any]:
        """See the base class."""
        state = self.average.state_dict()
        ear = {name.removeprefix("ear."): value for name, value in state.items() if name.startswith("ear.")}
        eyes = {name: value for name, value in state.items() if name.split(".")[0] in _BESIDE_THE_EAR}
        return {"ear": ear, "eyes": eyes}

    @torch.no_grad()
    def _wanted(self, clean: Tensor, offset: Tensor) -> Tensor:
        """What the teacher hears, as late as the student."""
        late = F.pad(clean, (LAG, -LAG))
        features: Tensor = self.teacher(relative_to_loudest(self.log_mel.whole(late)), offset)
        return features

    @staticmethod
    def _heard(student: EarTransducer, lesson: Pair) -> Hearing:
        ticks = lesson.heard.shape[1] // LAG
        present = torch.zeros(len(lesson.heard), ticks, dtype=torch.bool)
        nothing = torch.zeros(len(lesson.heard), ticks, 1, 1).expand(-1, -1, 96, 96)
        return student.hear_whole(lesson.heard, nothing, present, lesson.offset)


def see(options: SeeOptions, assets: EarAssets) -> EyeDistillation:
    """Teach the eyes, or go on where ``options.out`` left off; ends like ``distil``.

    Raises:
        HearsightError: data or checkpoints are missing or not ours.
    """
    prepare_distillation(options)
    training = resumed(EyeDistillation(options, assets))
    run(training, _lessons(options, training.step), _held_out(options))
    return training


def _lessons(options: SeeOptions, step: int) -> Iterator[Lesson]:
    """Batches with pictures, and now and then one for the ear alone."""
    seed = options.seed * 1_000_003 + step
    rooms = read_rooms(options.rooms) if options.rooms else []
    pairs = iter(
        PairStream(options.data, options.mishearing, rooms, batch_size=options.batch_size, seed=seed)
    )
    batches = iter(_stream(options, options.pictures, options.augmentation, seed))
    for count in itertools.count(1):
        listens = int(count * options.listening) > int((count - 1) * options.listening)
        yield next(pairs) if listens else next(batches)


def _held_out(options: SeeOptions) -> list[Lesson]:
    if options.held_out is None:
        return []
    stream = _stream(options, [Source(options.held_out)], Augmentation(modes=(1.0, 0.0, 0.0)), 12345)
    return list(itertools.islice(stream, _HELD_OUT_BATCHES))


def _stream(
    options: SeeOptions, sources: Sequence[Source], augmentation: Augmentation, seed: int
) -> TrainingStream:
    """Examples with pictures; their labels are not looked at, so any pieces will do."""
    pieces = train_pieces([_PANGRAM], _LETTERS)
    return TrainingStream(
        sources,
        pieces,
        augmentation,
        batch_size=options.batch_size,
        seed=seed,
        speaker_balance=_SPEAKER_BALANCE,
    )
