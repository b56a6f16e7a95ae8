"""One chunk of live input to events, with whatever senses it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hearsight.face.path import FacePath, FaceTrack
from hearsight.recognizer.effort import Effort
from hearsight.recognizer.notices import Situation
from hearsight.recognizer.pictures import without_frozen
from hearsight.types import FRAME_RATE, Chunk, Crops, Event, Modality, Sense

if TYPE_CHECKING:
    from hearsight.capture.live import CaptureStatus
    from hearsight.recognizer.recognizer import Recognizer
    from hearsight.recognizer.stream import Stream

FACELESS_TICKS = FRAME_RATE
"""A face that is away for less than a second is not worth a notice."""
NOTHING_TICKS = FRAME_RATE // 2
"""After half a second without any sense the utterance is over, and recognition begins anew with the next."""
GREEDY = 1


@dataclass(frozen=True, slots=True)
class Sight:
    """What the newest picture shows.

    Attributes:
        picture: RGB ``(height, width, 3)`` uint8; not to be written to.
        track: the face in it, None where there is none or it was not looked for.
        crop: ``(96, 96)`` grey mouth, None likewise.
    """

    picture: NDArray[np.uint8]
    track: FaceTrack | None
    crop: NDArray[np.uint8] | None


class LivePath:
    """Face path and recogniser for input that may lose a sense at any moment.

    What is known to be worthless is kept from the network as absent, as in its training: the sound of a
    muted microphone, a dark or frozen picture, what the modality leaves out, and the pictures while the
    computer is too busy for them, unless there is nothing else to go by.

    Args:
        recognizer: what recognises.
        modality: senses to begin with.
    """

    def __init__(self, recognizer: Recognizer, modality: Modality) -> None:
        self.modality: Modality = modality
        self.skipped_ticks = 0
        """Ticks whose pictures were not looked at because the computer was busy."""
        self.sight: Sight | None = None
        """The newest picture, None before the first."""
        self.senses: tuple[Sense, ...] = ()
        """The senses that the latest chunk was recognised by."""
        self.looking = False
        """Whether the pictures of the latest chunk were looked at."""
        self._recognizer = recognizer
        self._stream: Stream | None = recognizer.stream("av")
        self._next = 0
        self._held: list[tuple[Crops, NDArray[np.float32], NDArray[np.bool_]]] = []
        # Loaded at once: while it loads the first words would wait.
        self._face = FacePath.load()
        self._faceless_ticks = 0

    @property
    def decoded(self) -> int:
        """Tick up to which the input has been decoded."""
        stream = self._stream
        return self._next if stream is None else stream.decoded

    @property
    def face(self) -> bool:
        """Whether the latest tick shows a face."""
        return self.sight is not None and self.sight.track is not None

    def push(
        self, chunks: Sequence[Chunk], capture: CaptureStatus, effort: Effort = Effort.FULL
    ) -> list[Event]:
        """Recognise the next chunks.

        Args:
            chunks: in order, without gaps.
            capture: how capture was going when they came.
            effort: how much to do with them.

        Returns:
            Finals and partials; with the least effort only the last partial after the last final.
        """
        events = [event for chunk in chunks for event in self._push(chunk, capture, effort)]
        return _thinned(events) if effort is Effort.LEAST else events

    def finish(self) -> list[Event]:
        """End the input: the events of what was still on the way, with the last final."""
        stream, self._stream = self._stream, None
        return [] if stream is None else stream.finish()

    def situation(self, capture: CaptureStatus, effort: Effort) -> Situation:
        """What notices are made of."""
        faceless = self._faceless_ticks >= FACELESS_TICKS
        return Situation(capture, self.modality, self.senses, faceless, effort)

    def _push(self, chunk: Chunk, capture: CaptureStatus, effort: Effort) -> list[Event]:
        modality = self.modality
        hears = modality != "video" and capture.audio in ("ok", "clipping")
        sees = modality != "audio" and capture.video == "ok"
        if sees and hears and effort is not Effort.FULL:
            sees = False
            self.skipped_ticks += sum(frame is not None for frame in chunk.frames)
        self.looking = sees
        # Without pictures the face path only forgets, so that it does not take up an old face later.
        crops = self._face.process(chunk if sees else replace(chunk, frames=[None] * len(chunk)))
        self._look(chunk, crops.pixels[-1] if len(crops) else None, sees)
        heard = chunk.audio_present & hears
        crops = without_frozen(crops, self._face.frozen, heard)
        used = (bool(heard.any()), bool(crops.video_present.any()))
        names: tuple[Sense, ...] = ("audio", "video")
        self.senses = tuple(name for name, had in zip(names, used, strict=True) if had)
        samples = chunk.samples if hears else np.zeros_like(chunk.samples)
        return self._recognise(crops, samples, heard, effort)

    def _recognise(
        self, crops: Crops, samples: NDArray[np.float32], heard: NDArray[np.bool_], effort: Effort
    ) -> list[Event]:
        """To the network, unless there is nothing: it never knew that in its training and makes up words.

        A moment of nothing is held back until something follows, a longer one is never seen.
        """
        self._next = crops.start + len(crops)
        self._held.append((crops, samples, heard))
        if not self.senses:
            if sum(len(held) for held, _, _ in self._held) < NOTHING_TICKS:
                return []
            self._held = []
            return self.finish()
        if self._stream is None:
            self._held = self._held[-1:]
            self._stream = self._recognizer.stream("av", start=crops.start)
        self._stream.beam_width = GREEDY if effort is Effort.LEAST else self._recognizer.beam_width
        held, self._held = self._held, []
        return [event for ticks in held for event in self._stream.push_crops(*ticks)]

    def _look(self, chunk: Chunk, crop: NDArray[np.uint8] | None, sees: bool) -> None:
        """Keep what the newest picture shows, and how long no face has been in any."""
        tracks = self._face.last
        for track in tracks:
            self._faceless_ticks = self._faceless_ticks + 1 if sees and track is None else 0
        if tracks and (picture := chunk.frames[-1]) is not None:
            self.sight = Sight(picture, tracks[-1], crop if tracks[-1] is not None else None)
        elif self.sight is not None:
            self.sight = Sight(self.sight.picture, None, None)


def _thinned(events: Sequence[Event]) -> list[Event]:
    """All finals, and of the partials only the last one of the utterance that goes on."""
    return [event for index, event in enumerate(events) if event.kind == "final" or index == len(events) - 1]
