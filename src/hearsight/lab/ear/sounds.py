"""Clean sound, and the same as a microphone would hear it, in pairs to learn from."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import webdataset
from numpy.typing import NDArray
from torch import Tensor

from hearsight.capture.files import read_chunks
from hearsight.errors import HearsightError
from hearsight.lab.data.augment_audio import (
    Babble,
    active_power,
    change_speed,
    draw_noise,
    microphone_colour,
    over_telephone,
    reverberate,
    room_response,
)
from hearsight.lab.data.batches import Source
from hearsight.lab.data.shards import Sample, decode_sample, find_shards
from hearsight.types import SAMPLE_RATE, SAMPLES_PER_FRAME

Samples = NDArray[np.float32]

_CLEAN_LEVEL = -26.0
_SHUFFLE = 600
_POOL_BATCHES = 6
_LONGEST = 12 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Mishearing:
    """How much is done to the sound; probabilities in [0, 1], levels in dB.

    Attributes:
        slowest, fastest: range of the speed, which moves the pitch with it.
        shortest_lead, longest_lead: seconds of silence before the utterance.
        tail: most seconds after it.
        abrupt: probability that what was recorded before its first word is cut off.
        room: probability of a room response; half of them measured ones, where there are any.
        colour: probability of a microphone's colour.
        noise: probability of noise.
        lowest_snr, highest_snr: range of the signal-to-noise ratio, to the power of active speech.
        level, level_range: mean and half range of the level of active speech, in dBFS.
        telephone: probability that the clip itself comes over a telephone, before anything else.
        far: probability that the clip lies anywhere in the window of 30 s, not at its beginning.
    """

    slowest: float = 0.85
    fastest: float = 1.18
    shortest_lead: float = 0.2
    longest_lead: float = 1.0
    abrupt: float = 0.4
    tail: float = 0.8
    room: float = 0.35
    colour: float = 0.4
    noise: float = 0.6
    lowest_snr: float = -3.0
    highest_snr: float = 25.0
    level: float = -27.0
    level_range: float = 14.0
    telephone: float = 0.35
    far: float = 0.2


@dataclass(frozen=True, slots=True)
class Pair:
    """A batch.

    Attributes:
        clean: ``(batch, n)`` what is to be understood.
        heard: ``(batch, n)`` what arrives at the microphone.
        offset: ``(batch,)`` place of the first frame in the window of 30 s.
        texts: what is said.
    """

    clean: Tensor
    heard: Tensor
    offset: Tensor
    texts: tuple[str, ...]


def read_rooms(folder: Path) -> list[Samples]:
    """The room responses in a folder, each from its loudest sample on and of peak 1.

    Raises:
        HearsightError: there is none.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix in (".flac", ".wav"))
    if not paths:
        raise HearsightError(f"{folder} holds no room responses (.flac or .wav): name another folder.")
    responses = [np.concatenate([chunk.samples for chunk in read_chunks(path)]) for path in paths]
    cut = [response[np.abs(response).argmax() :] for response in responses]
    return [(response / np.abs(response).max()).astype(np.float32) for response in cut]


class PairStream:
    """Endless batches of pairs from shards of speech; utterances of like length share a batch."""

    def __init__(
        self,
        sources: Sequence[Source],
        settings: Mishearing,
        rooms: Sequence[Samples],
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        """Set the stream up; nothing is read before iteration.

        Args:
            sources: folders of shards, with weights.
            settings: how much is done to the sound.
            rooms: measured room responses; may be none.
            batch_size: utterances in a batch.
            seed: the same seed gives the same batches.
        """
        self._sources = list(sources)
        self._settings = settings
        self._rooms = list(rooms)
        self._batch_size = batch_size
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._babble = Babble()

    def __iter__(self) -> Iterator[Pair]:
        utterances = self._utterances()
        while True:
            pool = list(itertools.islice(utterances, self._batch_size * _POOL_BATCHES))
            pool.sort(key=lambda utterance: len(utterance[0]) * self._rng.uniform(0.93, 1.07))
            for part in self._rng.permutation(_POOL_BATCHES):
                yield self.pair(pool[part * self._batch_size : (part + 1) * self._batch_size])

    def _utterances(self) -> Iterator[tuple[Samples, str]]:
        streams = [self._source(source) for source in self._sources]
        weights = np.array([source.weight for source in self._sources])
        while True:
            yield next(streams[self._rng.choice(len(streams), p=weights / weights.sum())])

    def _source(self, source: Source) -> Iterator[tuple[Samples, str]]:
        shards = webdataset.WebDataset(
            find_shards(source.folder), resampled=True, shardshuffle=False, nodesplitter=None, seed=self._seed
        )
        for record in shards.shuffle(_SHUFFLE, seed=self._seed):
            record.pop("jpg", None)  # nothing is looked at
            sample = decode_sample(record)
            if sample.samples is not None and np.any(sample.samples):
                yield sample.samples[self._first(sample) :][:_LONGEST], sample.text

    def _first(self, sample: Sample) -> int:
        """Where the utterance begins: recordings are often cut close to the first word, or in it."""
        if not sample.words or self._rng.random() >= self._settings.abrupt:
            return 0
        return max(0, int((sample.words[0][1] + self._rng.uniform(-0.06, 0.02)) * SAMPLE_RATE))

    def pair(self, utterances: Sequence[tuple[Samples, str]]) -> Pair:
        """A batch of utterances, each moved, then misheard."""
        settings, rng = self._settings, self._rng
        spoken = [
            change_speed(samples, rng.uniform(settings.slowest, settings.fastest))
            for samples, _ in utterances
        ]
        spoken = [
            over_telephone(samples, rng) if rng.random() < settings.telephone else samples
            for samples in spoken
        ]
        wait = settings.shortest_lead, settings.longest_lead
        leads = [int(rng.uniform(*wait) * SAMPLE_RATE) for _ in spoken]
        ends = [lead + len(samples) for lead, samples in zip(leads, spoken, strict=True)]
        length = max(ends) + int(rng.uniform(0.2, settings.tail) * SAMPLE_RATE)
        length = -(-length // SAMPLES_PER_FRAME) * SAMPLES_PER_FRAME
        clean = np.zeros((len(spoken), length), np.float32)
        heard = np.zeros_like(clean)
        for row, (lead, end, samples) in enumerate(zip(leads, ends, spoken, strict=True)):
            self._babble.hear(samples)
            clean[row, lead:end] = samples * _gain(samples, _CLEAN_LEVEL)
            heard[row] = self.mishear(clean[row])
        room_left = max(1, 1500 - length // 320)
        far = rng.random(len(spoken)) < settings.far
        offset = np.where(far, rng.integers(0, room_left, len(spoken)), 0)
        texts = tuple(text for _, text in utterances)
        return Pair(torch.from_numpy(clean), torch.from_numpy(heard), torch.from_numpy(offset), texts)

    def mishear(self, clean: Samples) -> Samples:
        """A room, noise, the microphone's colour, a level, 16 bits."""
        settings, rng = self._settings, self._rng
        sound = clean
        if rng.random() < settings.room:
            measured = self._rooms and rng.random() < 0.5
            response = self._rooms[rng.integers(len(self._rooms))] if measured else room_response(rng)
            sound = reverberate(sound, response)
        if rng.random() < settings.noise:
            snr = rng.uniform(settings.lowest_snr, settings.highest_snr)
            noise = draw_noise(len(sound), self._babble, snr < 6, rng)
            sound = sound + noise * np.sqrt(
                active_power(sound) / (active_power(noise) * 10 ** (snr / 10)), dtype=np.float32
            )
        if rng.random() < settings.colour:
            sound = reverberate(sound, microphone_colour(rng))
        level = settings.level + rng.uniform(-settings.level_range, settings.level_range)
        sound = np.clip(sound * _gain(sound, level), -1, 1)
        return (np.rint(sound * 32767) / 32767).astype(np.float32)


def _gain(samples: Samples, level: float) -> np.float32:
    return np.float32(10 ** (level / 20) / np.sqrt(active_power(samples)))
