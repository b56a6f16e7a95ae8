"""Streams of batches from shards."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import webdataset
from torch import Tensor

from hearsight.lab.data.examples import Augmentation, Example, ExampleMaker, Words
from hearsight.lab.data.pieces import UNKNOWN_FRAME, load_pieces
from hearsight.lab.data.shards import INDEX, Sample, decode_sample, find_shards
from hearsight.types import CROP_SIZE, SAMPLES_PER_FRAME

_SHUFFLE = 400
_POOL_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded examples.

    Attributes:
        samples: ``(batch, frames * 640)`` float32.
        clean: like ``samples``: the sound before noise, rooms and masks.
        crops: ``(batch, frames, 96, 96)`` uint8.
        audio_present, video_present: ``(batch, frames)`` bool.
        labels: ``(batch, labels)`` int64, zero-padded.
        frame_targets: ``(batch, frames)`` int64, -1 where unknown.
        frame_lengths, label_lengths: ``(batch,)`` int64.
        texts: what was said.
        words: the words with their times, where known.
    """

    samples: Tensor
    clean: Tensor
    crops: Tensor
    audio_present: Tensor
    video_present: Tensor
    labels: Tensor
    frame_targets: Tensor
    frame_lengths: Tensor
    label_lengths: Tensor
    texts: tuple[str, ...]
    words: tuple[Words | None, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved: dict[str, Any] = {
            part.name: value.to(device)
            for part in dataclasses.fields(self)
            if isinstance(value := getattr(self, part.name), Tensor)
        }
        return dataclasses.replace(self, **moved)


def collate(examples: Sequence[Example]) -> Batch:
    """Pad examples to the longest."""
    size, frames = len(examples), max(len(example) for example in examples)
    labels = max(1, max(len(example.labels) for example in examples))
    batch = Batch(
        samples=torch.zeros(size, frames * SAMPLES_PER_FRAME),
        clean=torch.zeros(size, frames * SAMPLES_PER_FRAME),
        crops=torch.zeros(size, frames, CROP_SIZE, CROP_SIZE, dtype=torch.uint8),
        audio_present=torch.zeros(size, frames, dtype=torch.bool),
        video_present=torch.zeros(size, frames, dtype=torch.bool),
        labels=torch.zeros(size, labels, dtype=torch.int64),
        frame_targets=torch.full((size, frames), UNKNOWN_FRAME),
        frame_lengths=torch.tensor([len(example) for example in examples]),
        label_lengths=torch.tensor([len(example.labels) for example in examples]),
        texts=tuple(example.text for example in examples),
        words=tuple(example.words for example in examples),
    )
    for row, example in enumerate(examples):
        ticks = len(example)
        batch.samples[row, : ticks * SAMPLES_PER_FRAME] = torch.from_numpy(example.samples)
        batch.clean[row, : ticks * SAMPLES_PER_FRAME] = torch.from_numpy(example.clean)
        batch.crops[row, :ticks] = torch.from_numpy(example.pixels)
        batch.audio_present[row, :ticks] = torch.from_numpy(example.audio_present)
        batch.video_present[row, :ticks] = torch.from_numpy(example.video_present)
        batch.labels[row, : len(example.labels)] = torch.from_numpy(example.labels)
        batch.frame_targets[row, :ticks] = torch.from_numpy(example.frame_targets)
    return batch


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of shards and its share of the examples."""

    folder: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Source:
        """``FOLDER`` or ``FOLDER=WEIGHT``."""
        folder, separator, weight = text.rpartition("=")
        return cls(folder, float(weight)) if separator else cls(text)


def repeat_factors(folder: str, balance: float) -> dict[str, float]:
    """How often each speaker's clips are repeated so that rare speakers are heard more.

    ``(most frequent speaker's clips / speaker's clips) ** balance``: 0 leaves the corpus as it is, 1 makes
    all speakers equal.
    """
    speakers: dict[str, int] = json.loads((Path(folder) / INDEX).read_text())["speakers"]
    most = max(speakers.values())
    return {speaker: (most / count) ** balance for speaker, count in speakers.items()}


class TrainingStream(torch.utils.data.IterableDataset[Batch]):
    """An endless stream of augmented batches.

    Utterances of like length share a batch, to save padding.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        piece_model: bytes,
        augmentation: Augmentation,
        *,
        batch_size: int,
        seed: int,
        speaker_balance: float = 0.0,
        gentle_batches: int = 0,
        first_batch: int = 0,
    ) -> None:
        """Set the stream up; nothing is read before iteration.

        Args:
            sources: where from.
            piece_model: a SentencePiece model.
            augmentation: what is done to the samples.
            batch_size: utterances in a batch.
            seed: different seeds and workers draw differently.
            speaker_balance: see :func:`repeat_factors`.
            gentle_batches: over so many batches the noise grows from a quarter to its full share.
            first_batch: how many batches were drawn before, when training resumes.
        """
        super().__init__()
        self._sources = list(sources)
        self._piece_model = piece_model
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._seed = seed
        self._balance = speaker_balance
        self._gentle = gentle_batches
        self._first = first_batch

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        seed = self._seed * 1009 + self._first * 31 + (worker.id if worker else 0)
        workers = worker.num_workers if worker else 1
        rng = np.random.default_rng(seed)
        make = ExampleMaker(self._augmentation, load_pieces(self._piece_model), seed)
        samples = endless_samples(self._sources, seed, rng, self._balance)
        pool = self._batch_size * _POOL_BATCHES
        for index in itertools.count(self._first, _POOL_BATCHES * workers):
            severity = 1.0 if index >= self._gentle else 0.25 + 0.75 * index / self._gentle
            examples = [make(sample, severity) for sample in itertools.islice(samples, pool)]
            examples.sort(key=lambda example: len(example) + rng.uniform(-3, 3))
            for part in rng.permutation(_POOL_BATCHES):
                yield collate(examples[part * self._batch_size : (part + 1) * self._batch_size])


def endless_samples(
    sources: Sequence[Source], seed: int, rng: np.random.Generator, speaker_balance: float = 0.0
) -> Iterator[Sample]:
    """Samples from all sources by weight, shuffled, for ever; for the balance see :func:`repeat_factors`."""
    streams = [_shuffled(source, seed, rng, speaker_balance) for source in sources]
    weights = np.array([source.weight for source in sources])
    while True:
        yield next(streams[rng.choice(len(streams), p=weights / weights.sum())])


def _shuffled(source: Source, seed: int, rng: np.random.Generator, balance: float) -> Iterator[Sample]:
    factors = repeat_factors(source.folder, balance)
    shards = webdataset.WebDataset(
        find_shards(source.folder),
        resampled=True,
        shardshuffle=False,
        nodesplitter=None,
        empty_check=False,
        seed=seed,
    )

    def repeated(records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in records:
            factor = factors.get(json.loads(record["json"])["speaker"], 1.0)
            yield from itertools.repeat(record, int(factor + rng.random()))

    yield from shards.compose(repeated).shuffle(_SHUFFLE, seed=seed).map(decode_sample)
