"""Eyes by the same lesson: noisy sound and lips in, the features of the clean sound out.

There are two pairs: the stream's eyes, and those that look at an utterance again when it is over. The second
learn with what hears again, and may learn alone: then the first pass stays as it was.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.data.augment_audio import AudioAugmentation
from hearsight.lab.data.augment_video import VideoAugmentation
from hearsight.lab.data.batches import Batch, Source, TrainingStream
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.data.mishaps import Mishaps
from hearsight.lab.data.pieces import UNKNOWN_FRAME, train_pieces
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
from hearsight.lab.ear.senses import SENSES, read_senses
from hearsight.lab.ear.sounds import Pair, PairStream, read_rooms
from hearsight.lab.ear.transducer import LAG, EarTransducer
from hearsight.lab.lips import take_lips
from hearsight.lab.network.config import ModelConfig
from hearsight.types import SAMPLES_PER_FRAME

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
_BESIDE_THE_EAR = frozenset(SENSES) - {"ear"}
_AGAIN = ("eyes_again.", "video_again.")
_SPEAKER_BALANCE = 0.5
"""Who speaks in few recordings is seen more often than their number says: lips differ more than voices."""
_LETTERS = 28
"""The letters, the blank and the space: for a vocabulary that nobody looks at."""
_LONGEST_LEAD = 12
"""Most ticks of silence before a clip: the recogniser's readings begin with 8. Layers that heard none while
they learned lose their place: of drawn people's words at 0 dB 25 % wrong instead of 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeOptions(DistilOptions):
    """How to teach the eyes.

    Attributes:
        ear: checkpoint of ``distil``: the ear to begin with.
        lips: checkpoint of ``hearsight lips`` whose video front-end is taken to look again with, if any; what
            these eyes add begins anew then.
        again_only: the stream's eyes stay as they are.
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
    again_only: bool = False


Lesson = Batch | Pair


class EyeDistillation(Distillation[EarTransducer, Lesson]):
    """Both pairs of eyes, and what hears again; of the transducer, only these learn.

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
            student.take_senses(
                {name: value for name, value in senses.items() if not name.startswith(_AGAIN)}
            )
            assert student.video_again is not None
            take_lips(student.video_again, options.lips)
        student.ear.requires_grad_(False)
        stream = nn.ModuleList([student.eyes, student.video])
        stream.requires_grad_(not options.again_only)
        super().__init__(options, assets, student)
        stream.train(not options.again_only)

    def groups(self) -> list[dict[str, Any]]:
        """Hearing again, and the eyes."""
        student = self.student
        eyes = (student.eyes, student.video, student.eyes_again, student.video_again)
        seeing = [each for part in eyes if part is not None for each in part.parameters()]
        return [
            {"params": list(student.whole.parameters()), "share": self.options.again_share},
            {"params": [each for each in seeing if each.requires_grad], "share": 1.0},
        ]

    def features(self, student: EarTransducer, lesson: Lesson) -> tuple[Tensor, Sequence[Tensor]]:
        """See the base class; the student hears again what is over, which is what the decoder reads."""
        if isinstance(lesson, Pair):
            offset, senses = lesson.offset, student.sense(lesson.heard, *_no_lips(lesson.heard))
        else:
            offset = torch.zeros(len(lesson), dtype=torch.int64)
            senses = student.sense(lesson.samples, lesson.crops, lesson.video_present)
        assert student.eyes_again is not None
        again = student.whole.attend(student.eyes_again(senses.frames, senses.seen_again), offset)
        attempts = [again]
        if not self.options.again_only and not isinstance(lesson, Pair):
            attempts.append(student.ear.attend(senses.frames, offset, student.ear.chunking))
        return self._wanted(lesson.clean, offset), attempts

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


def _no_lips(heard: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures ``(batch, ticks, 96, 96)`` of nothing, and that there are none."""
    batch, ticks = len(heard), heard.shape[1] // LAG
    return torch.zeros(batch, ticks, 1, 1).expand(-1, -1, 96, 96), torch.zeros(batch, ticks, dtype=torch.bool)


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
    rng = np.random.default_rng(seed)
    for count in itertools.count(1):
        listens = int(count * options.listening) > int((count - 1) * options.listening)
        yield next(pairs) if listens else after_silence(next(batches), int(rng.integers(_LONGEST_LEAD + 1)))


def after_silence(batch: Batch, ticks: int) -> Batch:
    """The same after so many ticks in which there is neither sound nor picture; words' times are dropped."""
    changed: dict[str, Any] = {
        name: F.pad(getattr(batch, name), (ticks * SAMPLES_PER_FRAME, 0)) for name in ("samples", "clean")
    }
    changed |= {name: F.pad(getattr(batch, name), (ticks, 0)) for name in ("audio_present", "video_present")}
    changed["crops"] = F.pad(batch.crops, (0, 0, 0, 0, ticks, 0))
    changed["frame_targets"] = F.pad(batch.frame_targets, (ticks, 0), value=UNKNOWN_FRAME)
    changed["frame_lengths"] = batch.frame_lengths + ticks
    return dataclasses.replace(batch, words=(None,) * len(batch), **changed)


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
