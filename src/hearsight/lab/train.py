"""Training: Lightning around the network, selected by streamed word error rate."""

from __future__ import annotations

import ctypes
import dataclasses
import math
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from hearsight.errors import HearsightError
from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.data.batches import Batch, Source, TrainingStream
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.ear.senses import read_senses
from hearsight.lab.ear.transducer import EarTransducer, transducer
from hearsight.lab.lips import take_lips
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import AVTransducer
from hearsight.lab.objective import losses, sequence_weight
from hearsight.lab.trainer import fit, latest_checkpoint, make_trainer
from hearsight.lab.validation import ValidationSet, word_error_rate


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train; see ``hearsight train --help``.

    Attributes:
        max_steps: end of the learning-rate schedule (linear warm-up, cosine to 2 %).
        frame_steps: steps at the start with framewise targets alone.
        ramp_steps: steps over which the sequence losses come in after that.
        frame_weight: of the framewise cross entropy.
        gentle_steps: steps over which the noise grows to its full share.
        initial: checkpoint of another training whose weights are the first ones.
        lips: checkpoint whose video front-end is the first one, such as that of ``hearsight lips``.
        ear: checkpoint of ``python -m hearsight.lab.ear`` whose ear, and eyes if it has any, are taken.
        frozen_senses: ear and eyes stay as they are; for networks with an ear.
        learning_lips: the lips' own features learn all the same.
        pruned: the joiner runs only where alignments are likely to pass.
    """

    data: Sequence[Source]
    validation: Sequence[str]
    out: Path
    size: str = "small"
    batch_size: int = 16
    processes: int = 1
    max_steps: int = 4000
    learning_rate: float = 1e-3
    warmup_steps: int = 150
    frame_steps: int = 150
    ramp_steps: int = 100
    frame_weight: float = 1.0
    gentle_steps: int = 600
    weight_decay: float = 1e-2
    average_decay: float = 0.995
    speaker_balance: float = 0.35
    validate_every: int = 200
    checkpoint_every: int = 100
    seed: int = 0
    bf16: bool = False
    initial: Path | None = None
    lips: Path | None = None
    ear: Path | None = None
    frozen_senses: bool = False
    learning_lips: bool = False
    pruned: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)


class TransducerModule(pl.LightningModule):
    """The network with its losses, its optimiser and its error rates."""

    def __init__(self, config: ModelConfig, options: TrainingOptions, piece_model: bytes) -> None:
        super().__init__()
        self.model = transducer(config)
        self.options = options
        self.piece_model = piece_model
        self.validation_sets: list[ValidationSet] = []

    def train_dataloader(self) -> Any:
        """An endless stream, another one in each process."""
        stream = TrainingStream(
            self.options.data,
            self.piece_model,
            self.options.augmentation,
            batch_size=self.options.batch_size,
            seed=self.options.seed * self.trainer.world_size + self.global_rank,
            speaker_balance=self.options.speaker_balance,
            gentle_batches=self.options.gentle_steps,
            first_batch=self.global_step,
        )
        return torch.utils.data.DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=8)

    def val_dataloader(self) -> Any:
        """One empty batch: the whole validation is done at its start."""
        nothing: Any = [0]
        return torch.utils.data.DataLoader(nothing, batch_size=None)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """One batch's loss, logged part by part."""
        parts = losses(self.model, batch, pruned=self.options.pruned)
        weight = sequence_weight(self.global_step, self.options.frame_steps, self.options.ramp_steps)
        for name in ("transducer", "ctc", "frame", "spread", "penalty"):
            shown = name not in ("ctc", "penalty")
            self.log(f"train/{name}", getattr(parts, name).detach(), prog_bar=shown)
        return parts.total(weight, frame_weight=self.options.frame_weight)

    def on_validation_epoch_start(self) -> None:
        """Word error rates of every validation set and condition, on the averaged weights."""
        rates = word_error_rate(self.model, self.validation_sets)
        for name, value in rates.items():
            self.log(f"wer/{name}", value, prog_bar=name == "mean", rank_zero_only=False, sync_dist=True)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        """Nothing: the whole validation is one table."""

    def configure_optimizers(self) -> Any:
        """AdamW without decay on vectors; warm-up and cosine."""
        options = self.options
        learning = [value for value in self.parameters() if value.requires_grad]
        matrices = [value for value in learning if value.dim() > 1]
        vectors = [value for value in learning if value.dim() <= 1]
        groups = [
            {"params": matrices, "weight_decay": options.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, options.learning_rate, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _rate(self, step: int) -> float:
        options = self.options
        progress = (step - options.warmup_steps) / max(1, options.max_steps - options.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
        return min(1.0, (step + 1) / options.warmup_steps) * (0.02 + 0.98 * cosine)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What is needed to rebuild the network and its vocabulary, as plain values."""
        checkpoint["hearsight"] = {"config": self.model.config.to_dict(), "pieces": self.piece_model}


def keep_freed_memory() -> None:
    """Let glibc keep large blocks instead of returning them to the system at once.

    Fresh pages cost more than the arithmetic on them: measured 6 times for elementwise operations on
    activations of a batch.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        trim_threshold, top_pad, mmap_max = -1, -2, -4
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(top_pad, 64 << 20)


def train(options: TrainingOptions, piece_model: bytes) -> Path:
    """Train, or go on where ``options.out`` left off; returns the folder of checkpoints.

    Interrupting keeps the state: ``last.ckpt`` is written every so many steps, on Ctrl-C and at the end.

    Raises:
        HearsightError: data are missing, or a checkpoint is not one of ours.
    """
    keep_freed_memory()
    torch.set_num_threads(1)
    pl.seed_everything(options.seed, verbose=False)
    config = dataclasses.replace(ModelConfig.named(options.size), vocabulary_size=_vocabulary(piece_model))
    module = TransducerModule(config, options, piece_model)
    module.validation_sets = [ValidationSet.load(folder, piece_model) for folder in options.validation]
    checkpoints = options.out / "checkpoints"
    last = checkpoints / "last.ckpt"
    if options.learning_lips or not last.exists():
        _begin_with(module.model, options)
    _prepare_ear(module.model, options, last.exists())
    trainer = _trainer(options, checkpoints)
    # On processors the fused attention's backward pass is the slower one: 30 % of a step of `small`.
    with sdpa_kernel(SDPBackend.MATH) if trainer.strategy.root_device.type == "cpu" else nullcontext():
        fit(trainer, module, last)
    if trainer.global_step >= options.max_steps:
        trainer.save_checkpoint(last)
    return checkpoints


def _begin_with(model: AVTransducer, options: TrainingOptions) -> None:
    """Give a network the weights of other trainings, as the options say."""
    if options.initial is not None:
        model.load_state_dict({**model.state_dict(), **read_checkpoint(options.initial).weights})
    if options.lips is not None:
        take_lips(model.video, options.lips)


def _prepare_ear(model: nn.Module, options: TrainingOptions, resumed: bool) -> None:
    """Give a network with an ear its ear, and keep it from learning, as the options say."""
    if options.learning_lips and not options.frozen_senses:
        raise HearsightError("lips that learn by themselves are for frozen senses: give --frozen-senses too")
    if options.ear is None and not options.frozen_senses:
        return
    if not isinstance(model, EarTransducer):
        raise HearsightError(f"the size {options.size!r} has no ear: choose small-en, or leave the ear out")
    if options.ear is not None and (options.learning_lips or not resumed):
        model.take_senses(read_senses(options.ear))
    if options.frozen_senses:
        model.freeze_senses()
    if options.learning_lips:
        # What they were at first, also where the training resumes: that comes from its checkpoint later.
        model.free_lips()


def _trainer(options: TrainingOptions, checkpoints: Path) -> pl.Trainer:
    best = ModelCheckpoint(
        checkpoints,
        filename="step{step:06d}-wer{wer/mean:.2f}",
        auto_insert_metric_name=False,
        monitor="wer/mean",
        save_top_k=5,
    )
    latest = latest_checkpoint(checkpoints / "last.ckpt", options.checkpoint_every)
    average = EMAWeightAveraging(decay=options.average_decay)
    return make_trainer(
        options.out,
        [best, latest, average],
        max_steps=options.max_steps,
        validate_every=options.validate_every,
        bf16=options.bf16,
        processes=options.processes,
    )


def _vocabulary(piece_model: bytes) -> int:
    from hearsight.lab.data.pieces import load_pieces

    return int(load_pieces(piece_model).get_piece_size())
