"""Word error rates of an ear, with the published decoder reading its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hearsight.capture.files import read_chunks
from hearsight.evaluate.manifest import read_manifest
from hearsight.evaluate.noise import add_noise
from hearsight.evaluate.word_errors import WordErrors, count_errors, pooled
from hearsight.lab.ear.encoder import Encoder
from hearsight.lab.ear.log_mel import LogMel, relative_to_loudest, relative_to_reference
from hearsight.lab.ear.reading import Reader
from hearsight.types import SAMPLE_RATE

Samples = NDArray[np.float32]

_WINDOW = 30 * SAMPLE_RATE
_TAIL = SAMPLE_RATE * 64 // 100
_LEAD = SAMPLE_RATE * 32 // 100
_BATCH = 8
FRAME = 320
"""Samples of one frame of features."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said and how it sounds."""

    id: str
    text: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood of an utterance."""

    utterance: Utterance
    text: str

    @property
    def errors(self) -> WordErrors:
        """Against what was said."""
        return count_errors(self.utterance.text, self.text)


def read_utterances(manifest: Path, splits: Sequence[str], limit: int | None = None) -> list[Utterance]:
    """The sound and text of the rows of some splits, up to 29 s of each.

    Raises:
        ManifestError: the manifest is not right.
        MediaError: a recording cannot be read.
    """
    rows = read_manifest(manifest, splits=splits)[:limit]
    longest = _WINDOW - _LEAD - _TAIL
    sounds = [np.concatenate([chunk.samples for chunk in read_chunks(row.media)])[:longest] for row in rows]
    return [Utterance(row.id, row.text, samples) for row, samples in zip(rows, sounds, strict=True)]


def in_noise(utterances: Sequence[Utterance], noise: Samples, snr_db: float) -> list[Utterance]:
    """The same in noise."""
    return [
        Utterance(one.id, one.text, add_noise(one.samples, noise, snr_db, key=one.id)) for one in utterances
    ]


class Ear:
    """An encoder with what makes whole windows of its features."""

    def __init__(self, encoder: Encoder, silence: Tensor) -> None:
        """Put it together.

        Args:
            encoder: whole or streaming.
            silence: ``(1500, 384)`` features of a silent window, from :func:`silent_window`.
        """
        self.encoder = encoder
        self.silence = silence
        self.log_mel = LogMel()

    @torch.no_grad()
    def window(self, samples: Samples) -> Tensor:
        """Features ``(1500, 384)`` of an utterance and silence up to 30 s.

        A whole encoder hears that silence. A streaming one does not: the rest is that of a silent window; but
        it has heard a chunk of silence before, as any stream has.
        """
        sound = torch.from_numpy(samples)
        with torch.autocast("cpu", torch.bfloat16):
            if self.encoder.chunking is None:
                padded = F.pad(sound, (0, _WINDOW - len(sound)))[None]
                return self._encode(relative_to_loudest(self.log_mel.whole(padded)))
            padded = F.pad(sound, (_LEAD, _TAIL))[None]
            padded = padded[:, : min(_WINDOW, padded.shape[1] // FRAME * FRAME)]
            features = self._encode(relative_to_reference(self.log_mel.whole(padded)))
        return torch.cat([features, self.silence[len(features) :]])

    def _encode(self, scaled: Tensor) -> Tensor:
        features: Tensor = self.encoder(scaled)[0].float()
        return features


@torch.no_grad()
def silent_window(whole: Encoder) -> Tensor:
    """Features ``(1500, 384)`` that the published encoder gives to 30 s of silence.

    They stand for the rest of the window after an utterance: the decoder needs it to see the end.
    """
    nothing = LogMel().whole(torch.zeros(1, _WINDOW))
    features: Tensor = whole(relative_to_reference(nothing))[0]
    return features


def understand(ear: Ear, reader: Reader, utterances: Sequence[Utterance]) -> list[Heard]:
    """Read every utterance; those of like length are read together."""
    order = sorted(utterances, key=lambda one: len(one.samples))
    heard = []
    for start in range(0, len(order), _BATCH):
        part = order[start : start + _BATCH]
        features = torch.stack([ear.window(one.samples) for one in part])
        with torch.autocast("cpu", torch.bfloat16):
            texts = reader.read(features, [len(one.samples) / SAMPLE_RATE for one in part])
        heard += [Heard(one, text) for one, text in zip(part, texts, strict=True)]
    return heard


def error_rate(heard: Sequence[Heard]) -> WordErrors:
    """All utterances together."""
    return pooled(one.errors for one in heard)
