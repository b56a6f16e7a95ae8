"""A sample of a shard becomes a training example: cut, perturbed, deprived of a sense."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from hearsight.errors import HearsightError
from hearsight.lab.data.augment_audio import (
    AudioAugmentation,
    Babble,
    augment_audio,
    change_speed,
)
from hearsight.lab.data.augment_video import VideoAugmentation, augment_video
from hearsight.lab.data.mishaps import MishapMaker, Mishaps, delay
from hearsight.lab.data.pieces import frame_targets
from hearsight.lab.data.recombine import Recombiner
from hearsight.lab.data.running import Running
from hearsight.lab.data.shards import Sample
from hearsight.types import CROP_SIZE, FRAME_RATE, SAMPLES_PER_FRAME

Words = tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Everything that is drawn at random; see the parts for their own settings.

    Attributes:
        modes: shares of examples with both senses, with sound alone and with pictures alone.
        trim: probability of cutting the silence around the words, where their times are known.
        speed: probability of another speed, and its range.
        recombine: probability of taking words from another utterance of the speaker, and their share.
        running: probability of another utterance before this one.
        mishaps: what goes wrong between ears and eyes.
    """

    audio: AudioAugmentation = field(default_factory=AudioAugmentation)
    video: VideoAugmentation = field(default_factory=VideoAugmentation)
    modes: tuple[float, float, float] = (0.5, 0.25, 0.25)
    trim: float = 0.85
    speed: float = 0.5
    speed_range: tuple[float, float] = (0.88, 1.14)
    recombine: tuple[float, float] = (0.6, 0.4)
    running: float = 0.25
    mishaps: Mishaps = field(default_factory=Mishaps)

    @classmethod
    def chosen(
        cls, senses: tuple[float, float, float], mishaps: float, recombine: float, running: float
    ) -> Augmentation:
        """The usual, but for what is chosen most often.

        Args:
            senses: how much of both senses, sound alone and pictures alone, in any unit.
            mishaps: how often lips mislead, against the usual.
            recombine: probability of taking words from another utterance.
            running: probability of another utterance before this one.

        Raises:
            HearsightError: nothing is left to train on, or there would be more mishaps than examples.
        """
        usual, total = cls(), sum(senses)
        if min(senses) < 0 or total <= 0:
            raise HearsightError("the shares of the senses are at least 0, and one is more: 0.5 0.25 0.25")
        both, sound, pictures = (share / total for share in senses)
        return dataclasses.replace(
            usual,
            modes=(both, sound, pictures),
            recombine=(recombine, usual.recombine[1]),
            running=running,
            mishaps=usual.mishaps.times(mishaps),
        )


@dataclass(frozen=True, slots=True)
class Example:
    """One utterance as the network takes it; see :class:`hearsight.types.Crops` for the shapes.

    ``clean`` is the sound before anything was done to it but its speed, also where it is not heard.
    """

    samples: NDArray[np.float32]
    clean: NDArray[np.float32]
    pixels: NDArray[np.uint8]
    audio_present: NDArray[np.bool_]
    video_present: NDArray[np.bool_]
    labels: NDArray[np.int64]
    frame_targets: NDArray[np.int64]
    text: str
    words: Words | None

    def __len__(self) -> int:
        return len(self.video_present)


def whole_example(sample: Sample, pieces: sentencepiece.SentencePieceProcessor) -> Example:
    """The sample as it is, for evaluation."""
    ticks = sample.ticks
    samples, pixels = sample.samples, sample.pixels
    samples = np.zeros(ticks * SAMPLES_PER_FRAME, np.float32) if samples is None else samples
    return Example(
        samples=samples,
        clean=samples,
        pixels=np.zeros((ticks, CROP_SIZE, CROP_SIZE), np.uint8) if pixels is None else pixels,
        audio_present=np.full(ticks, sample.samples is not None),
        video_present=sample.video_present,
        labels=np.array(pieces.encode(sample.text), np.int64),
        frame_targets=frame_targets(sample.words, ticks, pieces),
        text=sample.text,
        words=sample.words,
    )


class ExampleMaker:
    """Draws examples from samples; keeps the voices that it has heard for babble."""

    def __init__(
        self, augmentation: Augmentation, pieces: sentencepiece.SentencePieceProcessor, seed: int
    ) -> None:
        self._settings = augmentation
        self._pieces = pieces
        self._babble = Babble()
        self._recombine = Recombiner()
        self._run_on = Running()
        self._spoil = MishapMaker(augmentation.mishaps)
        self._rng = np.random.default_rng(seed)

    def __call__(self, sample: Sample, severity: float = 1.0) -> Example:
        """One example; ``severity`` scales the probability of noise."""
        rng, settings = self._rng, self._settings
        if sample.samples is not None:
            self._babble.hear(sample.samples)
        probability, share = settings.recombine
        sample = self._recombine(sample, share if rng.random() < probability else 0.0, rng)
        sample = self._run_on(sample, rng.random() < settings.running, rng)
        hears, sees = self._senses(sample)
        if hears and sees:
            sample, told = self._spoil(sample, rng)
            # What neither the sound nor the pictures tell cannot be learnt.
            severity = severity if told else 0.0
        first, last = self._cut(sample)
        if rng.random() < settings.mishaps.late:
            sample = delay(sample, rng)
            first, last = 0, sample.ticks
        speed = rng.uniform(*settings.speed_range) if rng.random() < settings.speed else 1.0
        ticks = max(8, int((last - first) / speed))
        samples, clean = np.zeros((2, ticks * SAMPLES_PER_FRAME), np.float32)
        pixels = np.zeros((ticks, CROP_SIZE, CROP_SIZE), np.uint8)
        present = np.zeros(ticks, np.bool_)
        if sample.samples is not None:
            part = change_speed(sample.samples[first * SAMPLES_PER_FRAME : last * SAMPLES_PER_FRAME], speed)
            part = part[: len(samples)]
            clean[: len(part)] = part
            if hears:
                samples[: len(part)] = augment_audio(
                    part, settings.audio, self._babble, seen=sees, severity=severity, rng=rng
                )
        if sees and sample.pixels is not None:
            index = np.clip(first + np.round(np.arange(ticks) * speed).astype(int), first, last - 1)
            pixels, present = augment_video(
                sample.pixels[index], sample.video_present[index], settings.video, rng
            )
        words = _moved(sample.words, first, speed)
        return Example(
            samples=samples,
            clean=clean,
            pixels=pixels,
            audio_present=np.full(ticks, hears),
            video_present=present,
            labels=np.array(self._pieces.encode(sample.text), np.int64),
            frame_targets=frame_targets(words, ticks, self._pieces),
            text=sample.text,
            words=words,
        )

    def _senses(self, sample: Sample) -> tuple[bool, bool]:
        """Modality dropout: whether this time there is sound, and whether there are pictures."""
        if sample.pixels is None or sample.samples is None:
            return sample.samples is not None, sample.pixels is not None
        mode = self._rng.choice(3, p=self._settings.modes)
        return mode != 2, mode != 1

    def _cut(self, sample: Sample) -> tuple[int, int]:
        """First and last tick: the whole clip, or its words with a little silence around them."""
        if not sample.words or self._rng.random() >= self._settings.trim:
            return 0, sample.ticks
        before, after = self._rng.uniform(0.05, 0.6), self._rng.uniform(0.1, 0.6)
        first = max(0, int((sample.words[0][1] - before) * FRAME_RATE))
        last = min(sample.ticks, int(np.ceil((sample.words[-1][2] + after) * FRAME_RATE)))
        return (first, last) if last - first >= 8 else (0, sample.ticks)


def _moved(words: Words | None, first: int, speed: float) -> Words | None:
    """Word times after cutting and a change of speed."""
    if words is None:
        return None
    offset = first / FRAME_RATE
    return tuple((word, (start - offset) / speed, (end - offset) / speed) for word, start, end in words)
