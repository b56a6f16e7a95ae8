"""How a student learns the features that the published ear hears in the clean sound."""

from __future__ import annotations

import abc
import contextlib
import copy
import csv
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.data.batches import Source
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.encoder import Chunking
from hearsight.lab.ear.heeding import Heeding
from hearsight.lab.ear.log_mel import LogMel
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.senses import read_distilled
from hearsight.lab.ear.sounds import Mishearing
from hearsight.lab.train import keep_freed_memory

CHECKPOINT = "last.ckpt"
LOG = "log.csv"

Student = TypeVar("Student", bound=nn.Module)
Lesson = TypeVar("Lesson")
Training = TypeVar("Training", bound="Distillation[Any, Any]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilOptions:
    """How to distil; see ``python -m hearsight.lab.ear distil --help``.

    Attributes:
        steps: end of the schedule (linear warm-up, cosine to 2 %).
        held_out: folder of shards whose error is logged; they are never learned from.
        rooms: folder of measured room responses.
        initial: checkpoint of another such training, whose average is begun with.
        heeding: weight of the decoder's divergence, in nats per token, beside the squared error.
    """

    data: Sequence[Source]
    out: Path
    held_out: str | None = None
    rooms: Path | None = None
    steps: int = 6000
    batch_size: int = 12
    learning_rate: float = 4e-4
    warmup_steps: int = 100
    average_decay: float = 0.998
    checkpoint_every: int = 100
    log_every: int = 25
    seed: int = 0
    bf16: bool = True
    chunking: Chunking = field(default_factory=Chunking)
    mishearing: Mishearing = field(default_factory=Mishearing)
    initial: Path | None = None
    heeding: float = 0.0


class Distillation(abc.ABC, Generic[Student, Lesson]):
    """The teacher, a student, its average and its optimiser."""

    def __init__(self, options: DistilOptions, assets: EarAssets, student: Student) -> None:
        self.options = options
        teacher = pretrained_encoder(assets)
        self.heeding = Heeding(assets) if options.heeding else None
        self.log_mel = LogMel()
        self.teacher = teacher.requires_grad_(False)
        self.student = student.train()
        self.average = copy.deepcopy(student).requires_grad_(False).eval()
        self.optimizer = torch.optim.AdamW(
            self.groups(),
            options.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=0.0,
            fused=True,
        )
        self.step = 0
        self.divergence = 0.0
        """Running mean of the decoder's divergence."""

    def groups(self) -> list[dict[str, Any]]:
        """What learns; ``share`` is the part of the learning rate that it gets."""
        return [{"params": list(self.student.parameters()), "share": 1.0}]

    @abc.abstractmethod
    def features(self, student: Student, lesson: Lesson) -> tuple[Tensor, Sequence[Tensor]]:
        """What the teacher makes of the clean sound, and the student of what it gets: one or several
        attempts, of which the decoder reads the first.
        """

    @abc.abstractmethod
    def senses(self) -> dict[str, Any]:
        """The averaged student's weights in a checkpoint."""

    @abc.abstractmethod
    def texts(self, lesson: Lesson) -> Sequence[str]:
        """What is said in a lesson."""

    def loss(self, lesson: Lesson) -> Tensor:
        """What learning minimises."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            wanted, attempts = self.features(self.student, lesson)
            loss = _squared_error(attempts, wanted)
            if self.heeding is not None:
                divergence = self.heeding.divergence(wanted, attempts[0], self.texts(lesson))
                self.divergence += 0.04 * (float(divergence.detach()) - self.divergence)
                loss = loss + self.options.heeding * divergence
        return loss

    def error(self, student: Student, lesson: Lesson) -> tuple[Tensor, Tensor]:
        """Mean squared error of the features, and the variance of those that were to be learned."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            wanted, attempts = self.features(student, lesson)
        return _squared_error(attempts, wanted), wanted.float().var()

    def learn(self, lesson: Lesson) -> float:
        """One step; returns the error before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * group["share"] * self._rate()
        loss = self.loss(lesson)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(self.options.average_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for averaged, latest in zip(self.average.parameters(), self.student.parameters(), strict=True):
                averaged.lerp_(latest, 1 - decay)
            for mean, now in zip(self.average.buffers(), self.student.buffers(), strict=True):
                mean.copy_(now)
        return float(loss.detach())

    def _rate(self) -> float:
        warmup, last = self.options.warmup_steps, self.options.steps
        progress = min(1.0, max(0.0, (self.step - warmup) / max(1, last - warmup)))
        return min(1.0, (self.step + 1) / warmup) * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))

    @torch.no_grad()
    def measure(self, lessons: Sequence[Lesson]) -> float:
        """Error of the averaged student over lessons, as a share of the features' variance."""
        errors = [self.error(self.average, lesson) for lesson in lessons]
        return float(sum(error for error, _ in errors) / sum(variance for _, variance in errors))

    def save(self, path: Path) -> None:
        """Replace the checkpoint at one stroke."""
        content = {
            **self.senses(),
            "average": self.average.state_dict(),
            "chunking": [self.options.chunking.chunk, self.options.chunking.left_chunks],
            "student": self.student.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        partial = path.with_suffix(".partial")
        torch.save(content, partial)
        os.replace(partial, path)

    def resume(self, path: Path) -> None:
        """Go on where a checkpoint left off.

        Raises:
            HearsightError: it is not a checkpoint of this training.
        """
        content = read_distilled(path)
        self.student.load_state_dict(content["student"])
        self.average.load_state_dict(content.get("average", content["ear"]))
        self.optimizer.load_state_dict(content["optimizer"])
        self.step = content["step"]


def _squared_error(attempts: Sequence[Tensor], wanted: Tensor) -> Tensor:
    """The mean over all attempts."""
    errors = [F.mse_loss(attempt.float(), wanted.float()) for attempt in attempts]
    return torch.stack(errors).mean()


def prepare_distillation(options: DistilOptions) -> None:
    """Settle threads, memory, chance and the folder."""
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)


def resumed(training: Training) -> Training:
    """The training, with what its folder holds of it.

    Raises:
        HearsightError: the checkpoint is not one of ours.
    """
    path = training.options.out / CHECKPOINT
    if path.exists():
        training.resume(path)
    return training


def run(training: Distillation[Any, Lesson], lessons: Iterator[Lesson], held_out: Sequence[Lesson]) -> None:
    """Learn to the end of the schedule, or until asked to stop; what was learned is kept."""
    out = training.options.out
    with _stopping() as stop, (out / LOG).open("a", newline="") as file:
        try:
            _run(training, lessons, held_out, out / CHECKPOINT, stop, csv.writer(file), file.flush)
        finally:
            training.save(out / CHECKPOINT)


def _run(
    training: Distillation[Any, Lesson],
    lessons: Iterator[Lesson],
    held_out: Sequence[Lesson],
    path: Path,
    stop: list[int],
    log: Any,
    flush: Any,
) -> None:
    options = training.options
    recent: list[float] = []
    begun = time.monotonic()
    while training.step < options.steps and not stop:
        recent.append(training.learn(next(lessons)))
        if training.step % options.log_every == 0:
            elapsed = (time.monotonic() - begun) / len(recent)
            print(
                f"step {training.step}: error {sum(recent) / len(recent):.4f}, "
                f"divergence {training.divergence:.3f}, {elapsed:.2f} s a step",
                flush=True,
            )
            log.writerow([training.step, f"{sum(recent) / len(recent):.5f}", f"{elapsed:.3f}", ""])
            flush()
            recent, begun = [], time.monotonic()
        if training.step % options.checkpoint_every == 0:
            training.save(path)
        if held_out and training.step % (5 * options.checkpoint_every) == 0:
            share = training.measure(held_out)
            print(f"step {training.step}: held out {100 * share:.2f} % of the variance", flush=True)
            log.writerow([training.step, "", "", f"{share:.5f}"])
            flush()
            begun = time.monotonic()


@contextlib.contextmanager
def _stopping() -> Iterator[list[int]]:
    """A list that is no longer empty once the process was asked to stop."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
