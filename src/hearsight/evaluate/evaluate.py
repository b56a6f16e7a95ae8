"""Runs a recogniser over a manifest under any number of conditions and counts its word errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hearsight.capture.files import read_chunks
from hearsight.errors import MediaError
from hearsight.evaluate.manifest import Row
from hearsight.evaluate.noise import add_noise
from hearsight.evaluate.word_errors import (
    WordErrors,
    confidence_interval,
    count_errors,
    pooled,
    said_and_heard,
    slot_errors,
)
from hearsight.face import FacePath
from hearsight.recognizer.pictures import without_frozen
from hearsight.types import CROP_SIZE, FRAME_RATE, Crops, Modality

if TYPE_CHECKING:
    from hearsight.recognizer import Recognizer


@dataclass(frozen=True, slots=True)
class Condition:
    """Which senses the recogniser gets, and how noisy the sound is (None: as recorded)."""

    modality: Modality
    snr_db: float | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording decoded and with its mouth found, ready for any number of conditions.

    Attributes:
        crops: of every tick; blank where no condition needs the face.
        samples: ``(ticks * 640,)`` float32.
        audio_present: ``(ticks,)`` bool.
        frozen: ``(ticks,)`` bool, where the picture has frozen.
        decode_cost: CPU seconds to decode it.
        face_cost: CPU seconds to find and cut out the mouth.
    """

    crops: Crops
    samples: NDArray[np.float32]
    audio_present: NDArray[np.bool_]
    frozen: NDArray[np.bool_]
    decode_cost: float
    face_cost: float

    @property
    def seconds(self) -> float:
        """Duration of the recording."""
        return len(self.crops) / FRAME_RATE


@dataclass(frozen=True, slots=True)
class Scored:
    """One utterance under one condition: what was heard, how wrong it is, and what it cost.

    Attributes:
        row: the manifest's row.
        condition: what the recogniser was given.
        hypothesis: what it heard.
        counts: its word errors.
        seconds: duration of the recording.
        cost: CPU seconds: decoding, the face where it is used, network and search.
    """

    row: Row
    condition: Condition
    hypothesis: str
    counts: WordErrors
    seconds: float
    cost: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row whose recording cannot be read, and why."""

    row: Row
    reason: str


def evaluate(
    recognizer: Recognizer,
    rows: Iterable[Row],
    conditions: Sequence[Condition],
    *,
    noise: NDArray[np.float32] | None = None,
) -> Iterator[Scored | Skipped]:
    """Recognise each row under each condition; each recording is decoded and its face found once.

    Args:
        recognizer: what is measured.
        rows: of a manifest.
        conditions: those with an SNR need ``noise``.
        noise: ``(m,)`` float32 at 16 kHz.

    Yields:
        One ``Scored`` per row and condition, as soon as it is known, or one ``Skipped`` for a row
        whose recording cannot be read.
    """
    face = FacePath.load() if any(condition.modality != "audio" for condition in conditions) else None
    for row in rows:
        try:
            clip = load_clip(row, face)
        except MediaError as error:
            yield Skipped(row, str(error))
            continue
        for condition in conditions:
            yield _score(recognizer, row, clip, condition, noise)


def load_clip(row: Row, face: FacePath | None) -> Clip:
    """Decode a row's recording and find the mouth in it.

    Args:
        row: of a manifest.
        face: finds the mouth; None leaves the crops blank.

    Raises:
        MediaError: the recording cannot be read.
    """
    started, face_cost = process_time(), 0.0
    if face is not None:
        face.reset()
    pixels = [np.zeros((0, CROP_SIZE, CROP_SIZE), np.uint8)]
    video_present, frozen = [np.zeros(0, np.bool_)], [np.zeros(0, np.bool_)]
    samples, audio_present = [np.zeros(0, np.float32)], [np.zeros(0, np.bool_)]
    for chunk in read_chunks(row.media):
        samples.append(chunk.samples)
        audio_present.append(chunk.audio_present)
        if face is None:
            continue
        face_started = process_time()
        crops = face.process(chunk)
        face_cost += process_time() - face_started
        pixels.append(crops.pixels)
        video_present.append(crops.video_present)
        frozen.append(face.frozen)
    heard = np.concatenate(audio_present)
    if face is None:
        pixels.append(np.zeros((len(heard), CROP_SIZE, CROP_SIZE), np.uint8))
        video_present.append(np.zeros(len(heard), np.bool_))
        frozen.append(np.zeros(len(heard), np.bool_))
    crops = Crops(0, np.concatenate(pixels), np.concatenate(video_present))
    decode_cost = process_time() - started - face_cost
    return Clip(crops, np.concatenate(samples), heard, np.concatenate(frozen), decode_cost, face_cost)


def _score(
    recognizer: Recognizer, row: Row, clip: Clip, condition: Condition, noise: NDArray[np.float32] | None
) -> Scored:
    samples = clip.samples
    if condition.snr_db is not None:
        if noise is None:
            raise ValueError("a condition with an SNR needs noise")
        samples = add_noise(samples, noise, condition.snr_db, key=row.id)
    started = process_time()
    stream = recognizer.stream(condition.modality)
    crops = clip.crops
    if condition.modality == "av":
        crops = without_frozen(crops, clip.frozen, clip.audio_present)
    events = [*stream.push_crops(crops, samples, clip.audio_present), *stream.finish()]
    cost = process_time() - started + clip.decode_cost
    if condition.modality != "audio":
        cost += clip.face_cost
    hypothesis = " ".join(event.text for event in events if event.kind == "final" and event.text)
    counts = count_errors(row.text, hypothesis)
    return Scored(row, condition, hypothesis, counts, clip.seconds, cost)


def summary(scored: Sequence[Scored], *, results: bool = False) -> dict[str, Any]:
    """Pool utterances of one condition into what the command line prints as JSON.

    Args:
        scored: utterances of one condition.
        results: add ``results``, each utterance by itself.

    Returns:
        ``wer`` in percent and its 95 % ``interval``, ``errors``, ``words``, ``utterances``, ``rtf``
        (CPU seconds over duration), and, where every sentence is a GRID sentence, ``slots`` in percent.
    """
    counts = [one.counts for one in scored]
    total = pooled(counts)
    seconds = sum(one.seconds for one in scored)
    slots = slot_errors((one.row.text, one.hypothesis) for one in scored)
    figures: dict[str, Any] = {
        "wer": round(total.percent, 2),
        "interval": [round(end, 2) for end in confidence_interval(counts)],
        "errors": total.errors,
        "words": total.words,
        "utterances": len(scored),
        "rtf": round(sum(one.cost for one in scored) / seconds, 4) if seconds else None,
    }
    if slots:
        figures["slots"] = {slot: round(errors.percent, 2) for slot, errors in slots.items()}
    if results:
        figures["results"] = [_result(one) for one in scored]
    return figures


def _result(one: Scored) -> dict[str, Any]:
    said, heard = said_and_heard(one.row.text, one.hypothesis)
    return {
        "id": one.row.id,
        "split": one.row.split,
        "errors": one.counts.errors,
        "words": one.counts.words,
        "reference": " ".join(said),
        "hypothesis": " ".join(heard),
    }
