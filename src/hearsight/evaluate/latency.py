"""How long after it was spoken a word is shown: labelled recordings played through the whole live path."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from hearsight.evaluate.manifest import Row
from hearsight.evaluate.showing import Showing, follow
from hearsight.evaluate.word_errors import align, normalise
from hearsight.recognizer.live import Capture, LiveCaptions
from hearsight.recognizer.spoken import spoken
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk, Modality

if TYPE_CHECKING:
    from hearsight.capture.live import CaptureStatus
    from hearsight.recognizer import Recognizer

LINGER_S = 1.5
"""What a recording is followed by, so that its last utterance ends by itself and not with the input."""


@dataclass(frozen=True, slots=True)
class WordLatency:
    """One rightly recognised word; seconds after its end, negative if it was recognised before that.

    Attributes:
        shown_s: until it was shown, in a partial or a final, and stayed.
        final_s: until its final.
    """

    shown_s: float
    final_s: float


@dataclass(frozen=True, slots=True)
class Playback:
    """One recording played live.

    Attributes:
        row: the manifest's row.
        text: all finals.
        file_text: the same of the recording read as a file, which should be the same.
        latencies: of the words that were recognised rightly.
        showing: what was shown.
        seconds: of input, that which follows the recording included.
        wall_s: from opening the input to the last event.
        cpu_s: processor time of the whole program in that time.
        skipped_ticks: pictures not looked at because the computer was busy.
    """

    row: Row
    text: str
    file_text: str
    latencies: tuple[WordLatency, ...]
    showing: Showing
    seconds: float
    wall_s: float
    cpu_s: float
    skipped_ticks: int

    @property
    def first_word_s(self) -> float | None:
        """Seconds from the beginning of the first spoken word to the first shown one."""
        if self.showing.first_s is None or not self.row.words:
            return None
        return self.showing.first_s - self.row.words[0][1]


def play(
    recognizer: Recognizer, row: Row, *, modality: Modality = "av", linger_s: float = LINGER_S
) -> Playback:
    """Play a row's recording in real time, as if it came from a camera and a microphone.

    Args:
        recognizer: what is measured.
        row: with the times of its words.
        modality: senses to recognise by.
        linger_s: seconds of stillness and silence after it.

    Raises:
        MediaError: the recording cannot be read.
    """
    from hearsight.capture.live import open_live

    block = recognizer.bundle.config.block
    capture = Lingering(open_live(input=str(row.media), ticks=block), linger_s)
    captions = LiveCaptions(recognizer, capture, modality=modality)
    began, spent = time.perf_counter(), time.process_time()
    with captions:
        events = list(captions)
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
        skipped_ticks = captions.status.skipped_ticks
    showing, from_file = follow(events), follow(recognizer.transcribe(row.media, modality=modality))
    return Playback(
        row=row,
        text=showing.text,
        file_text=from_file.text,
        latencies=latencies(row, showing),
        showing=showing,
        seconds=capture.ticks / FRAME_RATE,
        wall_s=wall_s,
        cpu_s=cpu_s,
        skipped_ticks=skipped_ticks,
    )


def latencies(row: Row, showing: Showing) -> tuple[WordLatency, ...]:
    """Of the words of a row that were recognised rightly, how late they were."""
    said = [(word, end) for text, _, end in row.words or () for word in normalise(spoken(text)).split()]
    pairs = align([word for word, _ in said], [word.text for word in showing.words])
    found = []
    for place, other in pairs:
        if place is not None and other is not None and said[place][0] == showing.words[other].text:
            word, end = showing.words[other], said[place][1]
            found.append(WordLatency(word.shown_s - end, word.final_s - end))
    return tuple(found)


class Lingering:
    """A capture whose input is followed by its last picture and silence, in real time.

    Args:
        capture: of an input that ends.
        linger_s: how long to go on after its end, in seconds.
    """

    def __init__(self, capture: Capture, linger_s: float) -> None:
        self._capture = capture
        self._linger_ticks = round(linger_s * FRAME_RATE)
        self._stopped = threading.Event()
        self.ticks = 0
        """How many have been handed on."""

    def __enter__(self) -> Lingering:
        """Open the input."""
        self._capture.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the input."""
        self.stop()
        self._capture.__exit__(kind, error, trace)

    def stop(self) -> None:
        """End the iteration; from any thread."""
        self._stopped.set()
        self._capture.stop()

    @property
    def began(self) -> float:
        """When tick 0 began, in seconds of ``time.monotonic``."""
        return self._capture.began

    @property
    def status(self) -> CaptureStatus:
        """How capture is going."""
        return self._capture.status

    def __iter__(self) -> Iterator[Chunk]:
        """The input's chunks, then as many still ones as it takes, each when its time has passed."""
        last: Chunk | None = None
        for chunk in self._capture:
            last, self.ticks = chunk, chunk.start + len(chunk)
            yield chunk
        end = self.ticks + self._linger_ticks
        while last is not None and self.ticks < end and not self._stopped.is_set():
            size = min(len(last), end - self.ticks)
            start, self.ticks = self.ticks, self.ticks + size
            self._stopped.wait(max(0.0, self.began + self.ticks / FRAME_RATE - time.monotonic()))
            yield Chunk(
                start,
                [last.frames[-1]] * size,
                np.zeros(size * SAMPLES_PER_FRAME, np.float32),
                np.full(size, bool(last.audio_present[-1])),
            )
