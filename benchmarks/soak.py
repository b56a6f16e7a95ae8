"""Live captions for an hour: memory, lag, and whether sound and pictures stay in step.

    python benchmarks/soak.py MANIFEST [--split S ...] [--minutes 60] [--speed 4] [--model NAME|DIR]

Plays recordings on end as one file through the whole live path: reading it by the clock, face, network,
search, words. The clock runs as many times faster as --speed says; with 1 it takes as long as it says. Prints
memory and lag minute by minute, then what it amounts to. What the processor cannot keep up with shows as lag:
choose the speed so that there is room.

The lag is that of each event behind the clock of the input, divided by the speed. Sound and pictures are
compared with the recording they come from at the first and at the last of every 20 recordings.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from hearsight.assets import DEFAULT_MODEL
from hearsight.capture.files import read_chunks
from hearsight.capture.live import CaptureStatus, LiveCapture
from hearsight.capture.paced import PacedFile
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.large_pages import begin_with_large_pages
from hearsight.recognizer import Recognizer, memory
from hearsight.recognizer.effort import EffortController, EffortRules
from hearsight.recognizer.live import LiveCaptions
from hearsight.types import FRAME_RATE, SAMPLE_RATE, Chunk

SECONDS = 3.0
"""Of a GRID recording."""
WARM_UP_MINUTES = 5
"""Memory is held to be settled by then."""
EVERY = 20
"""Of so many recordings one is looked at for its sound and pictures being in step."""
SEARCH_S = 1.0
"""How far off they may be and still be found."""


class FastClock:
    """Runs a number of times faster than the computer's own."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def now(self) -> float:
        """Seconds."""
        return time.monotonic() * self.speed

    def wait(self, bell: threading.Condition, until: float) -> None:
        """Wait until the bell rings, at most until ``until``."""
        if (left := until - self.now()) > 0:
            bell.wait(min(left / self.speed, 0.5))


@dataclass
class Course:
    """What was seen minute by minute.

    Attributes:
        memory: MB.
        lags: of all events in the minute, seconds of the computer's own clock.
        queued: input that waited at the minute's end, likewise.
    """

    memory: list[float] = field(default_factory=list)
    lags: list[list[float]] = field(default_factory=lambda: [[]])
    queued: list[float] = field(default_factory=list)

    def minute(self, queued_s: float) -> str:
        """End a minute; what it was like."""
        self.memory.append(resident_mb())
        self.queued.append(queued_s)
        lags = self.lags[-1]
        self.lags.append([])
        lag = f"lag at most {max(lags):.2f} s" if lags else "no words"
        return f"minute {len(self.memory):>3}: {self.memory[-1]:7.1f} MB, {lag}, waiting {queued_s:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest")
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--speed", type=float, default=4.0)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    memory.keep_little()  # as `hearsight live` does
    rows = read_manifest(options.manifest, splits=options.split)
    played = [rows[index % len(rows)] for index in range(round(60 * options.minutes / SECONDS))]
    with tempfile.TemporaryDirectory() as folder:
        soak(Recognizer.load(options.model), played, options.speed, Path(folder, "list.txt"))


def soak(recognizer: Recognizer, rows: Sequence[Row], speed: float, list_path: Path) -> None:
    """Play recordings on end and print how it went."""
    list_path.write_text("".join(f"file '{Path(row.media).resolve()}'\n" for row in rows))
    clock, bell = FastClock(speed), threading.Condition()
    feed = PacedFile(list_path, "concat", {"safe": "0"}, clock, bell)
    capture = Watched(LiveCapture(feed, clock, bell, recognizer.bundle.config.block), rows)
    # Input that waits for a moment of the fast clock has not waited long.
    rules = EffortRules(late_s=0.6 * speed, calm_below_s=0.2 * speed)
    course, words, began = Course(), 0, time.monotonic()
    with LiveCaptions(recognizer, capture, modality="av", controller=EffortController(rules)) as captions:
        while not captions.ended:
            event = captions.poll(0.5)
            now = clock.now() - capture.began
            if event is not None:
                course.lags[-1].append((now - event.end) / speed)
                words += len(event.words) * (event.kind == "final")
            while now >= 60 * (len(course.memory) + 1) and not captions.ended:
                print(course.minute(capture.status.queued_s / speed), flush=True)
        status = captions.status
    minutes, taken = capture.ticks / FRAME_RATE / 60, (time.monotonic() - began) / 60
    print(f"{minutes:.1f} minutes in {taken:.1f}, {words} words")
    print_amounts(course, capture.steps)
    print(f"pictures not looked at: {status.skipped_ticks}, dropped: {status.capture.dropped_frames}")


def print_amounts(course: Course, steps: Sequence[Step]) -> None:
    """What the minutes amount to."""
    if settled := course.memory[WARM_UP_MINUTES:]:
        print(f"memory after {WARM_UP_MINUTES} minutes: from {min(settled):.1f} to {max(settled):.1f} MB")
        # A minute may end in the middle of an utterance that is being read, which takes 20 MB for a moment.
        third = max(1, len(settled) // 3)
        first, last = (sum(part) / third for part in (settled[:third], settled[-third:]))
        print(f"on average {first:.1f} MB in the first third of them, {last:.1f} MB in the last")
    lags = [lag for minute in course.lags for lag in minute]
    if lags:
        middle, high = np.percentile(lags, [50, 99])
        print(f"lag: median {middle:.2f} s, 99 % {high:.2f} s, most {max(lags):.2f} s")
    if steps:
        offs = [step.sound_ms - step.picture_ms for step in steps]
        print(f"sound after pictures: from {min(offs):.0f} to {max(offs):.0f} ms at {len(steps)} places")
        print(f"drift of sound against pictures from first to last: {offs[-1] - offs[0]:+.0f} ms")


@dataclass(frozen=True)
class Step:
    """Where a recording was found in the input, after where it was looked for."""

    sound_ms: float
    picture_ms: float


class Watched:
    """A capture, some of whose recordings are looked for in what it gives.

    Args:
        capture: of recordings on end.
        rows: these recordings.
    """

    def __init__(self, capture: LiveCapture, rows: Sequence[Row]) -> None:
        self._capture, self._rows = capture, rows
        self._chunks: list[Chunk] = []
        self._offset_s = 0.0
        self.steps: list[Step] = []
        self.ticks = 0

    def __enter__(self) -> Watched:
        """Open the input."""
        self._capture.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._capture.__exit__(kind, error, trace)

    def stop(self) -> None:
        """End the iteration."""
        self._capture.stop()

    @property
    def began(self) -> float:
        """When tick 0 began, on the fast clock."""
        return self._capture.began

    @property
    def status(self) -> CaptureStatus:
        """How capture is going."""
        return self._capture.status

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks."""
        margin = round(SEARCH_S * FRAME_RATE)
        for chunk in self._capture:
            self.ticks = chunk.start + len(chunk)
            index = EVERY * len(self.steps)
            begin = round((SECONDS * index + self._offset_s) * FRAME_RATE)
            end = begin + round(SECONDS * FRAME_RATE)
            if index < len(self._rows) and self.ticks > begin - margin:
                self._chunks.append(chunk)
                if self.ticks >= end + margin:
                    self._look(self._rows[index], begin)
            yield chunk

    def _look(self, row: Row, begin: int) -> None:
        """Find a recording that should begin at a tick."""
        own = list(read_chunks(row.media))
        late = 1000 * (self._chunks[0].start - begin) / FRAME_RATE
        sound = late + 1000 / SAMPLE_RATE * found_at(sound_of(self._chunks), sound_of(own))
        picture = late + 1000 / FRAME_RATE * shown_at(small(self._chunks), small(own))
        self.steps.append(Step(sound, picture))
        # Recordings are a little longer or shorter than they should be, which adds up.
        self._offset_s += picture / 1000
        self._chunks = []


def sound_of(chunks: Sequence[Chunk]) -> NDArray[np.float32]:
    return np.concatenate([chunk.samples for chunk in chunks])


def small(chunks: Sequence[Chunk]) -> NDArray[np.float64]:
    """``(ticks, 12, 16)`` thumbnails, black where there is no picture."""
    pictures = [picture for chunk in chunks for picture in chunk.frames]
    black = np.zeros((12, 16, 3), np.uint8)
    drawn = [
        black if each is None else cv2.resize(each, (16, 12), interpolation=cv2.INTER_AREA)
        for each in pictures
    ]
    return np.stack(drawn).mean(-1)


def found_at(whole: NDArray[np.float32], part: NDArray[np.float32]) -> int:
    """The sample at which a part of the sound begins, by cross-correlation."""
    size = len(whole) + len(part)
    product = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(whole)]))


def shown_at(whole: NDArray[np.float64], part: NDArray[np.float64]) -> int:
    """The picture at which a run of pictures begins, by the least difference."""
    places = range(max(1, len(whole) - len(part)))
    differences = [np.abs(whole[place : place + len(part)] - part).mean() for place in places]
    return int(np.argmin(differences))


def resident_mb() -> float:
    """Memory that the program holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    begin_with_large_pages()
    main()
