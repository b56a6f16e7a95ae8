"""Distillation: the streaming ear learns the features that the published one hears in the clean sound.

Dense regression, without text: the features stay readable by the published decoder.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import itertools
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hearsight.errors import HearsightError
from hearsight.lab.data.batches import Source
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.encoder import Chunking, Encoder
from hearsight.lab.ear.log_mel import LogMel, relative_to_loudest, relative_to_reference
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.sounds import Mishearing, Pair, PairStream, read_rooms
from hearsight.lab.train import keep_freed_memory

CHECKPOINT = "last.ckpt"
LOG = "log.csv"
_HELD_OUT_BATCHES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilOptions:
    """How to distil; see ``python -m hearsight.lab.ear distil --help``.

    Attributes:
        steps: end of the schedule (linear warm-up, cosine to 2 %).
        held_out: folder of shards whose error is logged; they are never learned from.
        rooms: folder of measured room responses.
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


class Distillation:
    """The teacher, the student, its average and its optimiser."""

    def __init__(self, options: DistilOptions, assets: EarAssets) -> None:
        self.options = options
        self.log_mel = LogMel()
        self.teacher = pretrained_encoder(assets).requires_grad_(False)
        self.student = pretrained_encoder(assets, options.chunking).train()
        self.average = copy.deepcopy(self.student).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.student.parameters(),
            options.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=0.0,
            fused=True,
        )
        self.step = 0

    def error(self, student: Encoder, pair: Pair) -> tuple[Tensor, Tensor]:
        """Mean squared error of the features, and the variance of those that were to be learned."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            with torch.no_grad():
                wanted = self.teacher(relative_to_loudest(self.log_mel.whole(pair.clean)), pair.offset)
                log_mel = relative_to_reference(self.log_mel.whole(pair.heard))
            features = student(log_mel, pair.offset)
        wanted = wanted.float()
        return F.mse_loss(features.float(), wanted), wanted.var()

    def learn(self, pair: Pair) -> float:
        """One step; returns the error before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * self._rate()
        loss, _ = self.error(self.student, pair)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(self.options.average_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for averaged, latest in zip(self.average.parameters(), self.student.parameters(), strict=True):
                averaged.lerp_(latest, 1 - decay)
        return float(loss.detach())

    def _rate(self) -> float:
        warmup, last = self.options.warmup_steps, self.options.steps
        progress = min(1.0, max(0.0, (self.step - warmup) / max(1, last - warmup)))
        return min(1.0, (self.step + 1) / warmup) * (0.02 + 0.49 * (1 + math.cos(math.pi * progress)))

    @torch.no_grad()
    def measure(self, pairs: Sequence[Pair]) -> float:
        """Error of the averaged student over pairs, as a share of the features' variance."""
        errors = [self.error(self.average, pair) for pair in pairs]
        return float(sum(error for error, _ in errors) / sum(variance for _, variance in errors))

    def save(self, path: Path) -> None:
        """Replace the checkpoint at one stroke."""
        content = {
            "ear": self.average.state_dict(),
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
        content = _read(path)
        self.student.load_state_dict(content["student"])
        self.average.load_state_dict(content["ear"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.step = content["step"]


def read_ear(path: Path) -> Encoder:
    """The averaged student of a checkpoint, in evaluation mode.

    Raises:
        HearsightError: it is not a checkpoint of `distil`.
    """
    content = _read(path)
    ear = Encoder(Chunking(*content["chunking"]))
    ear.load_state_dict(content["ear"])
    return ear.eval()


def _read(path: Path) -> dict[str, Any]:
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


def distil(options: DistilOptions, assets: EarAssets) -> Distillation:
    """Distil, or go on where ``options.out`` left off.

    Ctrl-C and SIGTERM end it after the current step with everything kept.

    Raises:
        HearsightError: data are missing, or the checkpoint is not one of ours.
    """
    keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    training = Distillation(options, assets)
    path = options.out / CHECKPOINT
    if path.exists():
        training.resume(path)
    rooms = read_rooms(options.rooms) if options.rooms else []
    held_out = _held_out(options)
    pairs = PairStream(
        options.data,
        options.mishearing,
        rooms,
        batch_size=options.batch_size,
        seed=options.seed * 1_000_003 + training.step,
    )
    with _stopping() as stop, (options.out / LOG).open("a", newline="") as file:
        try:
            _run(training, iter(pairs), held_out, path, stop, csv.writer(file), file.flush)
        finally:
            training.save(path)
    return training


def _held_out(options: DistilOptions) -> list[Pair]:
    """The same pairs in every run: as they are at first, then misheard."""
    if options.held_out is None:
        return []
    stream = PairStream([Source(options.held_out)], options.mishearing, [], batch_size=12, seed=12345)
    return list(itertools.islice(stream, _HELD_OUT_BATCHES))


def _run(
    training: Distillation,
    pairs: Iterator[Pair],
    held_out: Sequence[Pair],
    path: Path,
    stop: list[int],
    log: Any,
    flush: Any,
) -> None:
    options = training.options
    recent: list[float] = []
    begun = time.monotonic()
    while training.step < options.steps and not stop:
        recent.append(training.learn(next(pairs)))
        if training.step % options.log_every == 0:
            elapsed = (time.monotonic() - begun) / len(recent)
            print(
                f"step {training.step}: error {sum(recent) / len(recent):.4f}, {elapsed:.2f} s a step",
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
