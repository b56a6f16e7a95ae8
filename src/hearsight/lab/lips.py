"""Lips that tell phones: a video front-end learns from drawn faces what any sentence looks like.

A transducer that has pictures alone hardly begins to learn: when something is said, and what it looks like,
it would have to find out at once. Of speech that was made the phone of each frame is known. So the front-end
first learns to tell that, and lends its weights to the training of the whole (``hearsight train --lips``,
``python -m hearsight.lab.ear see --lips``). Of drawn faces it is also known what moved them: its first
features are to be the weights of the face units, a target that is dense and soon learnt.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.errors import HearsightError
from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.data.augment_video import VideoAugmentation, relight, warp
from hearsight.lab.data.batches import Source, endless_samples
from hearsight.lab.data.shards import Sample, find_shards, read_shards
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import again_frontend, video_frontend
from hearsight.lab.network.plain_video import shrink_crops, standardise_frames
from hearsight.lab.trainer import fit, latest_checkpoint, make_trainer
from hearsight.types import CROP_SIZE

PHONES = " AIOQWYabdefhijklmnprstuvwxzæðŋɐɑɒɔəɛɜɡɪɹɾʃʊʌʒʔʤʧθᵊᵻ"
"""Kokoro's symbols of English, and silence."""
_UNKNOWN, _SILENCE = -1, 0
_LATE = 1
"""Frames after which a phone is told: lips go on showing it for a while."""
_AROUND = 4
"""Frames of features on either side by which it is told."""
_HIDDEN = 384
_LONGEST = 28
"""Frames of a clip that are shown: rather more people than longer sentences."""
_UNKNOWN_UNIT = float("nan")
_SPREAD_CLIPS = 200
"""Clips by which it is known how far face units move."""
_SMOOTHING = 0.05
"""Many phones look alike: to be sure of one is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LipOptions:
    """How to teach the lips; see ``hearsight lips --help``.

    Attributes:
        data: shards of drawn faces, whose phones are known, and perhaps what moved them.
        validation: such shards of other people.
        size: of the network whose video front-end this is; of two, it is the one that looks again.
        max_steps: end of the learning-rate schedule (linear warm-up, cosine to 2 %).
    """

    data: Sequence[Source]
    validation: str
    out: Path
    size: str = "small"
    batch_size: int = 40
    max_steps: int = 4000
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-2
    validate_every: int = 200
    seed: int = 0
    bf16: bool = False
    augmentation: VideoAugmentation = field(default_factory=VideoAugmentation)


class LipBatch(NamedTuple):
    """Padded parts of clips.

    Attributes:
        crops: ``(batch, frames, 96, 96)`` uint8.
        phones: ``(batch, frames)`` int64, -1 where unknown.
        units: ``(batch, frames, units)`` weights of face units, not a number where unknown.
    """

    crops: Tensor
    phones: Tensor
    units: Tensor


class Known(NamedTuple):
    """A clip: ``(ticks, 96, 96)`` crops, ``(ticks,)`` phones and ``(ticks, units)`` units, as of a batch."""

    crops: NDArray[np.uint8]
    phones: NDArray[np.int64]
    units: NDArray[np.float32]


class PhoneReader(nn.Module):
    """A video front-end, and a head that tells phones by its features.

    Args:
        config: of the network that the front-end is for.
        units: face units that are known; the first features are their weights, to the same spread.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, config: ModelConfig, units: int = 0) -> None:
        super().__init__()
        self.video, width = video_frontend(config), config.frontend_dim
        if config.again_dim:
            self.video, width = again_frontend(config), config.again_dim
        self.head = nn.Sequential(
            nn.Linear((2 * _AROUND + 1) * width, _HIDDEN),
            nn.SiLU(),
            nn.Dropout(config.dropout),
            nn.Linear(_HIDDEN, len(PHONES)),
        )
        self.register_buffer("centre", torch.zeros(units))
        self.register_buffer("spread", torch.ones(units))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops ``(batch, frames, 96, 96)`` to scores ``(batch, frames, phones)``, and weights of units."""
        patches = standardise_frames(shrink_crops(crops.float()))
        features, _ = self.video(patches, self.video.initial_state(len(crops)))  # type: ignore[operator]
        frames, around = features.shape[1], F.pad(features, (0, 0, _AROUND, _AROUND))
        window = torch.cat([around[:, index : index + frames] for index in range(2 * _AROUND + 1)], -1)
        return self.head(window), features[..., : len(self.centre)]

    def units_missed(self, told: Tensor, units: Tensor) -> Tensor:
        """Mean square of what is missed of the units ``(batch, frames, units)``, each of variance 1."""
        wanted = (units - self.centre) / self.spread
        known = ~wanted.isnan()
        missed: Tensor = (
            (told.float()[known] - wanted[known]).square().mean() if known.any() else told.sum() * 0
        )
        return missed


def phone_targets(phones: str) -> NDArray[np.int64]:
    """Numbers of phones, one a frame, as late as they are told; -1 for what is none of them."""
    numbers = [PHONES.find(phone) for phone in phones]
    return np.array(([_UNKNOWN] * _LATE + numbers)[: len(phones)], np.int64)


class LipStream(torch.utils.data.IterableDataset[LipBatch]):
    """An endless stream of batches of augmented pictures.

    Args:
        options: which shards, and how much is done to the pictures.
        first_batch: how many batches were drawn before, when training resumes.

    Raises:
        HearsightError: while iterating, if a sample has no pictures or no phones.
    """

    def __init__(self, options: LipOptions, first_batch: int = 0) -> None:
        super().__init__()
        self._options, self._first = options, first_batch

    def __iter__(self) -> Iterator[LipBatch]:
        options = self._options
        seed = options.seed * 1009 + self._first * 31
        rng = np.random.default_rng(seed)
        samples = endless_samples(options.data, seed, rng)
        while True:
            yield collate([self._part(next(samples), rng) for _ in range(options.batch_size)])

    def _part(self, sample: Sample, rng: np.random.Generator) -> Known:
        part = cut(known(sample), int(rng.integers(max(1, sample.ticks - _LONGEST + 1))))
        settings = self._options.augmentation
        return part._replace(crops=relight(warp(part.crops, settings, rng), settings, rng))


def known(sample: Sample) -> Known:
    """What is known of a sample; phones and units as late as they are told.

    Raises:
        HearsightError: it has no pictures or no phones.
    """
    if sample.pixels is None or sample.phones is None:
        raise HearsightError(
            f"{sample.id} has no pictures whose phones are known: draw faces with `hearsight synth mouths`"
        )
    units = np.zeros((sample.ticks, 0), np.float16) if sample.units is None else sample.units
    late = np.full((sample.ticks, units.shape[1]), _UNKNOWN_UNIT, np.float32)
    late[_LATE:] = units[:-_LATE]
    return Known(sample.pixels, phone_targets(sample.phones), late)


def cut(clip: Known, start: int) -> Known:
    """A part of a clip, from a tick on; nothing is asked of frames whose surroundings were cut off."""
    part = slice(start, start + _LONGEST)
    phones, units = clip.phones[part].copy(), clip.units[part].copy()
    if start:
        phones[:_AROUND], units[:_AROUND] = _UNKNOWN, _UNKNOWN_UNIT
    if part.stop < len(clip.phones):
        phones[-_AROUND:] = _UNKNOWN
    return Known(clip.crops[part], phones, units)


def collate(parts: Sequence[Known]) -> LipBatch:
    """Pad to the longest; what some clips know too little of is not known of any."""
    frames = max(len(part.phones) for part in parts)
    width = min(part.units.shape[1] for part in parts)
    crops = torch.zeros(len(parts), frames, CROP_SIZE, CROP_SIZE, dtype=torch.uint8)
    phones = torch.full((len(parts), frames), _UNKNOWN)
    units = torch.full((len(parts), frames, width), _UNKNOWN_UNIT)
    for row, part in enumerate(parts):
        crops[row, : len(part.crops)] = torch.from_numpy(part.crops)
        phones[row, : len(part.phones)] = torch.from_numpy(part.phones)
        units[row, : len(part.units)] = torch.from_numpy(part.units[:, :width])
    return LipBatch(crops, phones, units)


class LipModule(pl.LightningModule):
    """The reader with its loss, its optimiser and how much it gets right."""

    def __init__(self, options: LipOptions, units: NDArray[np.float32] | None = None) -> None:
        """Make it; ``units (frames, units)`` are weights of face units as they occur, if they are known."""
        super().__init__()
        self.options = options
        self.config = ModelConfig.named(options.size)
        self.model = PhoneReader(self.config, 0 if units is None else units.shape[1])
        if units is not None:
            self.model.centre.copy_(torch.from_numpy(units.mean(0)))
            self.model.spread.copy_(torch.from_numpy(units.std(0)).clamp(min=1e-3))

    def train_dataloader(self) -> Any:
        """An endless stream."""
        stream = LipStream(self.options, self.global_step)
        return torch.utils.data.DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=8)

    def val_dataloader(self) -> Any:
        """Every sample of the validation's shards."""
        parts = [known(sample) for sample in read_shards(find_shards(self.options.validation))]
        size = self.options.batch_size
        batches: Any = [collate(parts[start : start + size]) for start in range(0, len(parts), size)]
        return torch.utils.data.DataLoader(batches, batch_size=None)

    def training_step(self, batch: LipBatch, batch_index: int) -> Tensor:
        """Cross entropy of the frames whose phone is known, and what is missed of the units."""
        scores, told = self.model(batch.crops)
        loss = F.cross_entropy(
            scores.flatten(0, 1).float(),
            batch.phones.flatten(),
            ignore_index=_UNKNOWN,
            label_smoothing=_SMOOTHING,
        )
        missed = self.model.units_missed(told, batch.units[..., : told.shape[2]])
        self.log("train/loss", loss.detach(), prog_bar=True)
        self.log("train/units_missed", missed.detach())
        return loss + missed

    def validation_step(self, batch: LipBatch, batch_index: int) -> None:
        """Share of the frames in which something is said whose phone is told rightly, in percent."""
        said = batch.phones > _SILENCE
        right = (self.model(batch.crops)[0].argmax(-1) == batch.phones)[said]
        self.log("phones_right", 100 * right.float().mean(), prog_bar=True, batch_size=int(said.sum()))

    def configure_optimizers(self) -> Any:
        """AdamW; warm-up and cosine."""
        options = self.options
        optimizer = torch.optim.AdamW(
            self.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.options.max_steps)))
        return min(1.0, (step + 1) / self.options.warmup_steps) * (0.02 + 0.98 * cosine)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What the front-end is; there is no vocabulary, and reading safely has no empty bytes."""
        checkpoint["hearsight"] = {"config": self.config.to_dict(), "pieces": b"none"}


def train_lips(options: LipOptions) -> Path:
    """Teach, or go on where ``options.out`` left off; returns the checkpoint, for ``hearsight train --lips``.

    Interrupting keeps the state: the checkpoint is written at each validation, on Ctrl-C and at the end.

    Raises:
        HearsightError: shards are missing, or have no phones.
    """
    units = [_units(source.folder) for source in options.data]
    torch.set_num_threads(1)
    pl.seed_everything(options.seed, verbose=False)
    last = options.out / "lips.ckpt"
    trainer = make_trainer(
        options.out,
        [latest_checkpoint(last, options.validate_every)],
        max_steps=options.max_steps,
        validate_every=options.validate_every,
        bf16=options.bf16,
    )
    known_units = [each for each in units if each is not None]
    moved = np.concatenate(known_units) if len(known_units) == len(units) else None
    fit(trainer, LipModule(options, moved), last)
    trainer.save_checkpoint(last)
    return last


def _units(folder: str) -> NDArray[np.float32] | None:
    """Weights of the face units in the first clips of some shards ``(frames, units)``, if they are known.

    Raises:
        HearsightError: a clip has no pictures or no phones: better said now than by another process.
    """
    clips = [known(sample) for sample in itertools.islice(read_shards(find_shards(folder)), _SPREAD_CLIPS)]
    if not clips or not all(clip.units.shape[1] for clip in clips):
        return None
    return np.concatenate([clip.units[_LATE:] for clip in clips])


def take_lips(video: nn.Module, path: Path) -> None:
    """Give a video front-end the weights of another training.

    Args:
        video: the front-end.
        path: checkpoint of ``hearsight lips`` or ``hearsight train``.

    Raises:
        HearsightError: it is not one, or its front-end is of another size.
    """
    weights = read_checkpoint(path).weights
    prefix = "video."
    lips = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    try:
        video.load_state_dict(lips)
    except RuntimeError as error:
        raise HearsightError(
            f"{path} has lips of another size: teach them with this network's --size"
        ) from error
