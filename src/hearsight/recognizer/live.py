"""Captions while the person speaks: capture, recogniser and recording, each in its own time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hearsight.recognizer import memory
from hearsight.recognizer.effort import Effort, EffortController
from hearsight.recognizer.live_path import LivePath, Sight
from hearsight.recognizer.mixing import NoiseMixer
from hearsight.recognizer.notices import notices
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk, Event, Modality, Sense, check_modality

if TYPE_CHECKING:
    from hearsight.capture.live import CaptureStatus
    from hearsight.recognizer.live_recording import RecordingThread
    from hearsight.recognizer.recognizer import Recognizer

EVENT_ROOM = 256
"""Events that may wait for whoever shows them, more than a minute's; then recognition waits too."""
WIDEST_TICKS = 32
"""Most input taken in one go when the computer is busy, in ticks."""
_LOOK_UP_S = 0.5
"""A thread that waits for another looks up this often, so that Ctrl-C is noticed on every system."""


class Capture(Protocol):
    """What live captions need of :class:`hearsight.capture.live.LiveCapture`."""

    def __enter__(self) -> Capture: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Chunk]: ...

    def stop(self) -> None:
        """End the iteration after what was captured so far."""

    @property
    def began(self) -> float:
        """When tick 0 began, in seconds of ``time.monotonic``."""

    @property
    def status(self) -> CaptureStatus:
        """How capture is going."""


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How live captions are going.

    Attributes:
        capture: how capture is going.
        face: whether the latest tick shows a face.
        lag_s: age of the newest tick that has been decoded, in seconds.
        load: share of real time spent computing over the last few seconds.
        senses: the senses that are used now.
        skipped_ticks: ticks whose pictures were not looked at because the computer was busy.
        notices: plain sentences such as "camera covered, or too dark: going on by ear"; empty if all is well.
        looking: whether pictures are looked at: they are asked for, there are some, and there is time.
    """

    capture: CaptureStatus
    face: bool
    lag_s: float
    load: float
    senses: tuple[Sense, ...]
    skipped_ticks: int
    notices: tuple[str, ...]
    looking: bool


class LiveCaptions:
    """Events while the person speaks; made by :meth:`hearsight.Recognizer.live`.

    Use it as a context manager and iterate once. Recognition has a thread of its own, so it does not wait
    for whoever shows the events. Each event carries ``emitted``, the seconds since capture began.

    Args:
        recognizer: what recognises.
        capture: what captures; opened on entering.
        modality: senses to begin with.
        mixer: adds noise to the sound.
        record: file to record into, Matroska.
        duration_s: end after so many seconds of input; None goes on until stopped.
        controller: chooses how much is done when the computer is busy.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        capture: Capture,
        *,
        modality: Modality,
        mixer: NoiseMixer | None = None,
        record: Path | None = None,
        duration_s: float | None = None,
        controller: EffortController | None = None,
    ) -> None:
        self._capture = capture
        self._path = LivePath(recognizer, modality)
        self._controller = controller or EffortController()
        self._mixer, self._record = mixer, record
        self._last_tick = None if duration_s is None else max(1, round(duration_s * FRAME_RATE))
        self._events: queue.Queue[Event | None] = queue.Queue(EVENT_ROOM)
        self._error: BaseException | None = None
        self._closed = self._ended = False
        self._resources = ExitStack()
        self._recording: RecordingThread | None = None
        self._thread = threading.Thread(target=self._work, name="hearsight-live", daemon=True)

    def __enter__(self) -> LiveCaptions:
        """Open devices and files, and begin.

        Raises:
            HearsightError: a device or a file cannot be opened.
        """
        with ExitStack() as opened:
            # The devices first: what cannot be captured should not replace an earlier recording.
            opened.enter_context(self._capture)
            if self._record is not None:
                from hearsight.recognizer.live_recording import RecordingThread

                self._recording = opened.enter_context(RecordingThread(self._record))
            self._resources = opened.pop_all()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once; events that were not taken are lost, what was recorded is kept."""
        self._closed = True
        self._capture.stop()
        self._thread.join()
        self._resources.close()

    def __iter__(self) -> Iterator[Event]:
        """The events, as they come, to the last final.

        Raises:
            HearsightError: the input or the recording broke off; what was heard has been yielded before.
        """
        while not self.ended:
            if (event := self.poll(_LOOK_UP_S)) is not None:
                yield event

    def poll(self, timeout_s: float) -> Event | None:
        """The next event, or None if none comes in time or all have come: see :attr:`ended`.

        Raises:
            HearsightError: as iterating does.
        """
        if self._ended:
            return None
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if event is None:
            self._ended = True
            if self._error is not None:
                raise self._error
        return event

    @property
    def ended(self) -> bool:
        """Whether the last event has been taken."""
        return self._ended

    def stop(self) -> None:
        """Finish the last words; from any thread. The iteration yields the last final and ends."""
        self._capture.stop()

    @property
    def modality(self) -> Modality:
        """The senses to recognise by; may be set while captions run."""
        return self._path.modality

    @modality.setter
    def modality(self, modality: Modality) -> None:
        self._path.modality = check_modality(modality)

    @property
    def sight(self) -> Sight | None:
        """The newest picture and the face in it, None before the first."""
        return self._path.sight

    @property
    def status(self) -> LiveStatus:
        """How it is going at this moment."""
        capture, effort = self._capture.status, self._controller.effort
        said = notices(self._path.situation(capture, effort))
        if self._recording is not None:
            said += self._recording.notices
        return LiveStatus(
            capture=capture,
            face=self._path.face,
            lag_s=0.0 if self._ended else max(0.0, self._elapsed_s() - self._path.decoded / FRAME_RATE),
            load=self._controller.load,
            senses=self._path.senses,
            skipped_ticks=self._path.skipped_ticks,
            notices=said,
            looking=self._path.looking,
        )

    def _elapsed_s(self) -> float:
        """Seconds since capture began."""
        return time.monotonic() - self._capture.began

    def _work(self) -> None:
        """What the thread does: all of the input, then the last words."""
        try:
            try:
                for chunks in self._batches():
                    if self._closed:
                        return
                    self._recognise(chunks)
            finally:
                self._hand_over(self._path.finish())
            if self._recording is not None:
                self._recording.finish()
        except BaseException as error:  # it is raised where the events are taken
            self._error = error
        finally:
            self._hand_over([None])

    def _batches(self) -> Iterator[list[Chunk]]:
        """The input as it comes; when the computer is busiest, all that waits at once."""
        batch: list[Chunk] = []
        for chunk in self._input():
            batch.append(chunk)
            ticks = sum(map(len, batch))
            waits = self._capture.status.queued_s >= ticks / FRAME_RATE
            if self._controller.effort is Effort.LEAST and ticks < WIDEST_TICKS and waits:
                continue
            yield batch
            batch = []
        if batch:
            yield batch

    def _input(self) -> Iterator[Chunk]:
        """The chunks to recognise, with their noise, to the last tick wanted; recorded on the way."""
        for captured in self._capture:
            # What is no number would be heard in the noise and stay in the recording.
            chunk = replace(captured, samples=np.nan_to_num(captured.samples, posinf=1.0, neginf=-1.0))
            if self._last_tick is not None and chunk.start + len(chunk) >= self._last_tick:
                chunk = _beginning(chunk, self._last_tick - chunk.start)
                self._capture.stop()
            if self._mixer is not None:
                chunk = replace(chunk, samples=self._mixer.mix(chunk.samples))
            if self._recording is not None:
                self._recording.write(chunk)
            yield chunk
            if self._last_tick is not None and chunk.start + len(chunk) >= self._last_tick:
                return

    def _recognise(self, chunks: list[Chunk]) -> None:
        capture, began = self._capture.status, time.perf_counter()
        events = self._path.push(chunks, capture, self._controller.effort)
        self._controller.step(capture.queued_s, time.perf_counter() - began)
        self._hand_over(events)
        if any(event.kind == "final" for event in events):
            memory.give_back()

    def _hand_over(self, events: list[Event] | list[None]) -> None:
        """To whoever takes them; the end, None, is never lost."""
        for event in events:
            stamped = None if event is None else replace(event, emitted=self._elapsed_s())
            while not self._closed:
                try:
                    self._events.put(stamped, timeout=_LOOK_UP_S)
                    break
                except queue.Full:
                    continue


def open_captions(
    recognizer: Recognizer,
    *,
    camera: str | None = "default",
    microphone: str | None = "default",
    input: str | None = None,
    format: str | None = None,
    modality: Modality,
    mixer: NoiseMixer | None = None,
    record: Path | None = None,
    duration_s: float | None = None,
) -> LiveCaptions:
    """Live captions of devices or of an input; for the arguments see :meth:`hearsight.Recognizer.live`."""
    # Imported here: pushing one's own data needs no media library.
    from hearsight.capture.live import open_live

    block = recognizer.bundle.config.block
    capture = open_live(camera=camera, microphone=microphone, input=input, format=format, ticks=block)
    return LiveCaptions(
        recognizer, capture, modality=modality, mixer=mixer, record=record, duration_s=duration_s
    )


def _beginning(chunk: Chunk, ticks: int) -> Chunk:
    samples = chunk.samples[: ticks * SAMPLES_PER_FRAME]
    return Chunk(chunk.start, chunk.frames[:ticks], samples, chunk.audio_present[:ticks])
