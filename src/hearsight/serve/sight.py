"""From what a client sends to blocks for the networks: face work, the choice of senses, the model's view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.session import Ticks
from hearsight.types import SAMPLES_PER_FRAME, Chunk, Crops, Modality

if TYPE_CHECKING:
    from hearsight.face import FacePath
    from hearsight.face.path import FaceTrack


@dataclass(frozen=True, slots=True)
class Mouths:
    """Input of which the client has cropped the mouths himself; as a Chunk otherwise."""

    crops: Crops
    samples: NDArray[np.float32]
    audio_present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.crops)


Input = Chunk | Mouths
"""What a stream takes."""


def picture_bytes(given: Input) -> int:
    """Memory that the pictures of an input take; pictures that stand in several ticks count once."""
    if isinstance(given, Mouths):
        return given.crops.pixels.nbytes
    return sum({id(frame): frame.nbytes for frame in given.frames if frame is not None}.values())


@dataclass(frozen=True, slots=True)
class Look:
    """What the model sees of the newest picture.

    Attributes:
        tick: when.
        size: width and height of the picture, None if only crops come in.
        face: what the face path found, None without a face or a picture.
        crop: ``(96, 96)`` uint8, None without a face.
    """

    tick: int
    size: tuple[int, int] | None
    face: FaceTrack | None
    crop: NDArray[np.uint8] | None


class Sight:
    """The face path of one stream and what it has seen last. One thread at a time may use it.

    Args:
        modality: the senses to use; may be set while running.
    """

    def __init__(self, modality: Modality) -> None:
        self.modality = modality
        self.look: Look | None = None
        self.pictures = 0
        """Pictures taken so far."""
        self.level: float | None = None
        """RMS of the newest sound, in [0, 1]; None without sound."""
        self._face: FacePath | None = None

    def blocks(self, given: Input, block: int) -> Iterator[Ticks]:
        """The input in blocks of at most ``block`` ticks; absent senses are zeros, as in training.

        Raises:
            ValueError: sound and pictures are not in step.
        """
        # Asked for once, because another thread may change it in between.
        modality, nothing = self.modality, Ticks.empty(len(given))
        samples, audio_present = given.samples, given.audio_present
        if len(samples) != len(given) * SAMPLES_PER_FRAME or len(audio_present) != len(given):
            raise ValueError(f"{len(given)} ticks go with {len(given) * SAMPLES_PER_FRAME} samples")
        self.level = float(np.sqrt(np.mean(np.square(samples)))) if audio_present.any() else None
        crops = self._crops(given, modality)
        pixels, video_present = crops.pixels, crops.video_present
        if modality == "audio":
            pixels, video_present = nothing.crops, nothing.video_present
        if modality == "video":
            samples, audio_present = nothing.samples, nothing.audio_present
        ticks = Ticks(pixels, samples, video_present, audio_present)
        for start in range(0, len(ticks), block):
            yield ticks.part(start, start + block)

    def _crops(self, given: Input, modality: Modality) -> Crops:
        if isinstance(given, Mouths):
            self._look_at_crops(given.crops)
            return given.crops
        unseen = self._face is None and all(frame is None for frame in given.frames)
        if modality == "audio" or unseen:
            self.look = None
            nothing = Ticks.empty(len(given))
            return Crops(given.start, nothing.crops, nothing.video_present)
        return self._look_for_mouths(given)

    def _look_at_crops(self, crops: Crops) -> None:
        self.pictures += int(crops.video_present.sum())
        if len(crops):
            crop = crops.pixels[-1] if crops.video_present[-1] else None
            self.look = Look(crops.start + len(crops) - 1, None, None, crop)

    def _look_for_mouths(self, chunk: Chunk) -> Crops:
        if self._face is None:
            from hearsight.face import FacePath

            self._face = FacePath.load()
        crops = self._face.process(chunk)
        self.pictures += sum(frame is not None for frame in chunk.frames)
        if len(chunk):
            picture, face = chunk.frames[-1], self._face.last[-1]
            size = None if picture is None else (picture.shape[1], picture.shape[0])
            crop = None if face is None else crops.pixels[-1]
            self.look = Look(chunk.start + len(chunk) - 1, size, face, crop)
        return crops
