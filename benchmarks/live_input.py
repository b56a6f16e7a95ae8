"""Live input for the benchmarks: any chunks, as fast as they are taken, through the whole live path."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

from hearsight.capture.files import read_chunks
from hearsight.capture.health import PictureHealth, SoundHealth
from hearsight.capture.live import CaptureStatus
from hearsight.evaluate.manifest import Row
from hearsight.recognizer import Recognizer
from hearsight.recognizer.live import LiveCaptions
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk, Event, Modality


class UnpacedCapture:
    """Chunks as live input that never has to wait, with the health that a real capture sees in them.

    Args:
        chunks: without gaps from tick 0 on.
    """

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = chunks
        self._sound, self._picture = SoundHealth(), PictureHealth()
        self._stopped = False
        self.began = 0.0
        self.ticks = 0

    def __enter__(self) -> UnpacedCapture:
        """Begin."""
        self.began = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def stop(self) -> None:
        """End the iteration after the chunk that is being taken."""
        self._stopped = True

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks."""
        for chunk in self._chunks:
            if self._stopped:
                return
            for index, picture in enumerate(chunk.frames):
                samples = chunk.samples[index * SAMPLES_PER_FRAME : (index + 1) * SAMPLES_PER_FRAME]
                self._picture.look(picture)
                self._sound.look(samples, bool(chunk.audio_present[index]))
            self.ticks = chunk.start + len(chunk)
            yield chunk

    @property
    def status(self) -> CaptureStatus:
        """How it is going: nothing waits, nothing is dropped."""
        return CaptureStatus(
            audio=self._sound.state,
            video=self._picture.state,
            level_dbfs=self._sound.level_dbfs,
            video_fps=float(FRAME_RATE),
            dropped_frames=0,
            dropped_samples=0,
            drift_ms=0.0,
            queued_s=0.0,
        )


def joined(rows: Sequence[Row], ticks: int) -> Iterator[Chunk]:
    """Recordings one after the other as one input, in chunks of so many ticks at most."""
    start = 0
    for row in rows:
        for chunk in read_chunks(row.media, ticks=ticks):
            yield Chunk(start, chunk.frames, chunk.samples, chunk.audio_present)
            start += len(chunk)


def live_events(recognizer: Recognizer, chunks: Iterable[Chunk], modality: Modality = "av") -> list[Event]:
    """What live captions say of an input."""
    with LiveCaptions(recognizer, UnpacedCapture(chunks), modality=modality) as captions:
        return list(captions)
