"""Lips that tell phones: a video front-end learns from drawn faces what any sentence looks like.

A transducer that has pictures alone hardly begins to learn: when something is said, and what it looks like,
it would have to find out at once. Of speech that was made the phone of each frame is known. So the front-end
first learns to tell that, and lends its weights to the training of the whole (``hearsight train --lips``).
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
from hearsight.lab.network.model import video_frontend
from hearsight.lab.network.plain_video import shrink_crops, standardise_frames
from hearsight.lab.trainer import fit, latest_checkpoint, make_trainer
from hearsight.types import CROP_SIZE

PHONES = " AIOQWYabdefhijklmnprstuvwxzæðŋɐɑɒɔəɛɜɡɪɹɾʃʊʌʒʔʤʧθᵊᵻ"
"""Kokoro's symbols of English, and silence."""
_UNKNOWN, _SILENCE = -1, 0
_LATE = 1
"""Frames after which a phone is told: lips go on showing it for a while."""
_WINDOW = 5
"""Frames of features by which it is told, all but one from the past."""
_LONGEST = 80
_SMOOTHING = 0.05
"""Many phones look alike: to be sure of one is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LipOptions:
    """How to teach the lips; see ``hearsight lips --help``.

    Attributes:
        data: shards of drawn faces, whose phones are known.
        validation: such shards of other people.
        size: of the network whose video front-end this is.
        max_steps: end of the learning-rate schedule (linear warm-up, cosine to 2 %).
    """

    data: Sequence[Source]
    validation: str
    out: Path
    size: str = "small"
    batch_size: int = 16
    max_steps: int = 4000
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-2
    validate_every: int = 200
    seed: int = 0
    bf16: bool = False
    augmentation: VideoAugmentation = field(default_factory=VideoAugmentation)


class LipBatch(NamedTuple):
    """Crops ``(batch, frames, 96, 96)`` uint8 and phones ``(batch, frames)`` int64, -1 where unknown."""

    crops: Tensor
    phones: Tensor


class PhoneReader(nn.Module):
    """A video front-end, and a head that tells phones by its features."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.video = video_frontend(config)
        width = config.frontend_dim
        self.head = nn.Sequential(
            nn.LayerNorm(_WINDOW * width),
            nn.Linear(_WINDOW * width, 2 * width),
            nn.SiLU(),
            nn.Linear(2 * width, len(PHONES)),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Crops ``(batch, frames, 96, 96)`` to scores ``(batch, frames, phones)``."""
        patches = standardise_frames(shrink_crops(crops.float()))
        features, _ = self.video(patches, self.video.initial_state(len(crops)))  # type: ignore[operator]
        padded = F.pad(features, (0, 0, _WINDOW - 1, 0))
        frames = features.shape[1]
        window = torch.cat([padded[:, index : index + frames] for index in range(_WINDOW)], -1)
        scores: Tensor = self.head(window)
        return scores


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

    def _part(self, sample: Sample, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        pixels, targets = known(sample)
        start = int(rng.integers(max(1, len(pixels) - _LONGEST + 1)))
        part = slice(start, start + _LONGEST)
        pictures = relight(
            warp(pixels[part], self._options.augmentation, rng), self._options.augmentation, rng
        )
        return pictures, targets[part]


def known(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Its crops ``(ticks, 96, 96)`` and the targets ``(ticks,)``.

    Raises:
        HearsightError: it has no pictures or no phones.
    """
    if sample.pixels is None or sample.phones is None:
        raise HearsightError(
            f"{sample.id} has no pictures whose phones are known: draw faces with `hearsight synth mouths`"
        )
    return sample.pixels, phone_targets(sample.phones)


def collate(parts: Sequence[tuple[NDArray[np.uint8], NDArray[np.int64]]]) -> LipBatch:
    """Pad to the longest."""
    frames = max(len(targets) for _, targets in parts)
    crops = torch.zeros(len(parts), frames, CROP_SIZE, CROP_SIZE, dtype=torch.uint8)
    phones = torch.full((len(parts), frames), _UNKNOWN)
    for row, (pixels, targets) in enumerate(parts):
        crops[row, : len(pixels)] = torch.from_numpy(pixels)
        phones[row, : len(targets)] = torch.from_numpy(targets)
    return LipBatch(crops, phones)


class LipModule(pl.LightningModule):
    """The reader with its loss, its optimiser and how much it gets right."""

    def __init__(self, options: LipOptions) -> None:
        super().__init__()
        self.options = options
        self.config = ModelConfig.named(options.size)
        self.model = PhoneReader(self.config)

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
        """Cross entropy of the frames whose phone is known."""
        loss = F.cross_entropy(
            self.model(batch.crops).flatten(0, 1).float(),
            batch.phones.flatten(),
            ignore_index=_UNKNOWN,
            label_smoothing=_SMOOTHING,
        )
        self.log("train/loss", loss.detach(), prog_bar=True)
        return loss

    def validation_step(self, batch: LipBatch, batch_index: int) -> None:
        """Share of the frames in which something is said whose phone is told rightly, in percent."""
        said = batch.phones > _SILENCE
        right = (self.model(batch.crops).argmax(-1) == batch.phones)[said]
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
    for source in options.data:  # before another process stumbles over it
        for sample in itertools.islice(read_shards(find_shards(source.folder)), 1):
            known(sample)
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
    fit(trainer, LipModule(options), last)
    trainer.save_checkpoint(last)
    return last


def take_lips(model: nn.Module, path: Path) -> None:
    """Give a network the video front-end of another training.

    Args:
        model: a transducer.
        path: checkpoint of ``hearsight lips`` or ``hearsight train``.

    Raises:
        HearsightError: it is not one, or its front-end is of another size.
    """
    weights = read_checkpoint(path).weights
    lips = {name: value for name, value in weights.items() if name.startswith("video.")}
    try:
        model.load_state_dict({**model.state_dict(), **lips})
    except RuntimeError as error:
        raise HearsightError(
            f"{path} has lips of another size: teach them with this network's --size"
        ) from error
