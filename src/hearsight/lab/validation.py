"""Word error rates during training, of exactly what streaming would give."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import torch
from torch import Tensor

from hearsight.lab.data.augment_audio import Babble, active_power
from hearsight.lab.data.batches import Batch, collate
from hearsight.lab.data.examples import Example, whole_example
from hearsight.lab.data.pieces import load_pieces
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.greedy import greedy_decode
from hearsight.lab.network.model import AVTransducer
from hearsight.types import FRAME_RATE

_BATCH = 25
_BABBLE_VOICES = 6


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """Clips of one folder of shards, clean and in babble of the same clips at 0 dB."""

    name: str
    clean: tuple[Batch, ...]
    noisy: tuple[Batch, ...]
    pieces: bytes

    @classmethod
    def load(cls, folder: str, piece_model: bytes) -> ValidationSet:
        """Read every sample of the folder's shards."""
        pieces = load_pieces(piece_model)
        clean = [whole_example(sample, pieces) for sample in read_shards(find_shards(folder))]
        noisy = _in_babble(clean)
        name = Path(folder).name
        return cls(name, _batches(clean), _batches(noisy), piece_model)


def _batches(examples: list[Example]) -> tuple[Batch, ...]:
    return tuple(collate(examples[start : start + _BATCH]) for start in range(0, len(examples), _BATCH))


def _in_babble(examples: list[Example], seed: int = 7) -> list[Example]:
    """Each example among the voices of others, at 0 dB to its active speech."""
    rng = np.random.default_rng(seed)
    noisy = []
    for index, example in enumerate(examples):
        babble = Babble(len(examples))
        for other in (*examples[:index], *examples[index + 1 :]):
            babble.hear(other.samples)
        noise = babble.mix(len(example.samples), min(_BABBLE_VOICES, len(examples) - 2), rng)
        samples = example.samples
        if noise is not None:
            samples = samples + noise * np.sqrt(active_power(samples) / active_power(noise), dtype=np.float32)
        noisy.append(dataclasses.replace(example, samples=samples.astype(np.float32)))
    return noisy


def word_error_rate(model: AVTransducer, sets: list[ValidationSet]) -> dict[str, float]:
    """Percent by set and condition, and ``mean`` over sets and conditions."""
    rates: dict[str, float] = {}
    was_training = model.training
    model.eval()
    for validation in sets:
        conditions = {
            "av": (validation.clean, True, True),
            "audio": (validation.clean, True, False),
            "video": (validation.clean, False, True),
            "av_0db": (validation.noisy, True, True),
        }
        for condition, (batches, hears, sees) in conditions.items():
            pairs = [_decode(model, batch, hears, sees, validation.pieces) for batch in batches]
            said = [text for texts, _ in pairs for text in texts]
            heard = [text for _, texts in pairs for text in texts]
            rates[f"{validation.name}/{condition}"] = 100 * jiwer.wer(said, heard)
    model.train(was_training)
    if rates:
        rates["mean"] = float(np.mean(list(rates.values())))
    return rates


def _decode(
    model: AVTransducer, batch: Batch, hears: bool, sees: bool, pieces: bytes
) -> tuple[list[str], list[str]]:
    """What was said and what was understood."""
    processor = load_pieces(pieces)
    rows = _labels(model, batch, hears, sees)
    return list(batch.texts), [processor.decode([label for label, _ in row]) for row in rows]


@torch.no_grad()
def _labels(model: AVTransducer, batch: Batch, hears: bool, sees: bool) -> list[list[tuple[int, int]]]:
    present: list[Tensor] = [batch.audio_present & hears, batch.video_present & sees]
    fused = model.fuse_whole(batch.samples * hears, batch.crops, *present)
    return greedy_decode(model, model.encode(fused, batch.frame_lengths), batch.frame_lengths)


def emission_delay(model: AVTransducer, sets: list[ValidationSet]) -> float:
    """Mean seconds by which a word's last label comes after the word's end, over words heard rightly.

    Negative where the right context lets the model know earlier. 0 where no word times are known.
    """
    lags: list[float] = []
    for validation in sets:
        pieces = load_pieces(validation.pieces)
        for batch in validation.clean:
            for row, words, said in zip(
                _labels(model, batch, True, True), batch.words, batch.texts, strict=True
            ):
                if words is None or pieces.decode([label for label, _ in row]) != said:
                    continue
                starts = [i for i, (label, _) in enumerate(row) if pieces.id_to_piece(label).startswith("▁")]
                last = [row[stop - 1][1] for stop in [*starts[1:], len(row)]]
                if len(last) == len(words):
                    lags += [frame / FRAME_RATE - end for frame, (_, _, end) in zip(last, words, strict=True)]
    return float(np.mean(lags)) if lags else 0.0
