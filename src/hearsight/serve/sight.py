"""From what a client sends to blocks for the networks: face work, the choice of senses, the model's view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hearsight.face.course import MESH_INTERVAL
from hearsight.recognizer.pictures import without_frozen
from hearsight.recognizer.session import Ticks
from hearsight.types import SAMPLES_PER_FRAME, Chunk, Crops, Modality

if TYPE_CHECKING:
    from hearsight.face import FacePath

SPARING_INTERVAL = 4
"""Frames from one look of the mesh at a steady face to the next where there is much to do: half the work, and
1.3 points more word errors of lip reading alone (GRID, seen speakers)."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """What the model sees of the newest picture.

    Attributes:
        tick: when.
        size: width and height of the picture, None if only crops come in.
        box: left, top, right and bottom of the face in the picture, None without a face or a picture.
        transform: ``(2, 3)`` map from picture to crop pixels, likewise.
        crop: ``(96, 96)`` uint8, None without a face.
    """

    tick: int
    size: tuple[int, int] | None = None
    box: Box | None = None
    transform: NDArray[np.float64] | None = field(default=None, compare=False)
    crop: NDArray[np.uint8] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Mouths:
    """Input whose mouths have been cropped; as a Chunk otherwise.

    Attributes:
        crops: of its ticks.
        samples: ``(ticks * 640,)`` float32.
        audio_present: ``(ticks,)`` bool.
        look: at the newest picture, None if there is none.
        pictures: from which the crops were taken.
    """

    crops: Crops
    samples: NDArray[np.float32]
    audio_present: NDArray[np.bool_]
    look: Look | None = None
    pictures: int = 0

    def __len__(self) -> int:
        return len(self.crops)


Input = Chunk | Mouths
"""What a client sends, decoded."""


class Eye:
    """The face path of one stream. One thread at a time may use it."""

    def __init__(self) -> None:
        self._face: FacePath | None = None
        self.spares = False
        """Whether a steady face is looked at more rarely from now on."""

    def mouths(self, given: Input, modality: Modality) -> Mouths:
        """The mouths in the next input; none are looked for where pictures are not used."""
        if isinstance(given, Mouths):
            return _looked_at(given)
        unseen = self._face is None and all(frame is None for frame in given.frames)
        if modality == "audio" or unseen:
            nothing = Ticks.empty(len(given))
            crops = Crops(given.start, nothing.crops, nothing.video_present)
            return Mouths(crops, given.samples, given.audio_present)
        return self._look(given, modality)

    def _look(self, chunk: Chunk, modality: Modality) -> Mouths:
        if self._face is None:
            from hearsight.face import FacePath

            self._face = FacePath.load()
        self._face.mesh_interval = SPARING_INTERVAL if self.spares else MESH_INTERVAL
        crops = self._face.process(chunk)
        pictures, look = sum(frame is not None for frame in chunk.frames), None
        if len(chunk):
            picture, face = chunk.frames[-1], self._face.last[-1]
            look = Look(
                tick=chunk.start + len(chunk) - 1,
                size=None if picture is None else (picture.shape[1], picture.shape[0]),
                box=None if face is None else face.box,
                transform=None if face is None else face.transform,
                crop=None if face is None else crops.pixels[-1],
            )
        crops = without_frozen(crops, self._face.frozen, chunk.audio_present & (modality == "av"))
        return Mouths(crops, chunk.samples, chunk.audio_present, look, pictures)


def _looked_at(given: Mouths) -> Mouths:
    """With a look at crops that the client has made."""
    crops, look = given.crops, None
    if len(crops):
        look = Look(crops.start + len(crops) - 1, crop=crops.pixels[-1] if crops.video_present[-1] else None)
    return Mouths(crops, given.samples, given.audio_present, look, int(crops.video_present.sum()))


class Sight:
    """The senses of one stream and what they have met last. One thread at a time may use it.

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

    def blocks(self, given: Mouths, block: int) -> Iterator[Ticks]:
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
        self.look = given.look
        self.pictures += given.pictures
        pixels, video_present = given.crops.pixels, given.crops.video_present
        if modality == "audio":
            pixels, video_present = nothing.crops, nothing.video_present
        if modality == "video":
            samples, audio_present = nothing.samples, nothing.audio_present
        ticks = Ticks(pixels, samples, video_present, audio_present)
        for start in range(0, len(ticks), block):
            yield ticks.part(start, start + block)
