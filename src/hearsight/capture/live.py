"""Cameras, microphones and what else plays in real time, as chunks of ticks when their time has passed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from types import TracebackType
from typing import TypeVar

import numpy as np

from hearsight.capture.camera import camera_opener
from hearsight.capture.clock import Clock, MonotonicClock
from hearsight.capture.conversion import Picture, PictureConverter
from hearsight.capture.feed import Feed
from hearsight.capture.health import AudioState, PictureHealth, SoundHealth, VideoState
from hearsight.capture.inputs import LiveInput
from hearsight.capture.microphone import microphone_opener
from hearsight.capture.opening import is_file
from hearsight.capture.paced import PacedFile
from hearsight.capture.pictures import picture_ticks
from hearsight.capture.rig import Rig
from hearsight.capture.sound import Samples, sound_ticks
from hearsight.errors import HearsightError
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk

_SILENCE = np.zeros(SAMPLES_PER_FRAME, np.float32)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """How capture is going.

    Attributes:
        audio: ``none`` where no sound was asked for, ``lost`` where none comes, ``muted`` for digital
            silence, ``clipping`` for sound cut off at full scale, else ``ok``.
        video: ``none`` and ``lost`` likewise, ``frozen`` where the picture stays exactly the same, ``dark``
            where it is nearly black, else ``ok``.
        level_dbfs: root mean square of the last 0.4 s in dB of full scale, ``-inf`` if there is nothing.
        video_fps: pictures a second by the time stamps of the last two seconds.
        dropped_frames: pictures dropped since the start because nobody took them in time.
        dropped_samples: likewise, samples of sound at the microphone's own rate.
        drift_ms: by how much the sound would have drifted from the pictures without correction.
        queued_s: what was captured but not yet taken, in seconds.
    """

    audio: AudioState
    video: VideoState
    level_dbfs: float
    video_fps: float
    dropped_frames: int
    dropped_samples: int
    drift_ms: float
    queued_s: float


class LiveCapture:
    """Chunks in real time, numbered from tick 0 without gaps.

    A tick comes when its time has passed, without a picture or without sound if none has come; what is
    late is waited for a moment. Use it as a context manager, and iterate once.

    Args:
        source: captures in threads of its own.
        clock: tells the time.
        bell: the one that ``source`` rings.
        ticks: ticks in a chunk; the last chunk may be shorter.
    """

    def __init__(self, source: Feed, clock: Clock, bell: threading.Condition, ticks: int = 4) -> None:
        if ticks < 1:
            raise ValueError(f"a chunk has at least 1 tick, not {ticks}")
        self._source, self._clock, self._bell, self._size = source, clock, bell, ticks
        self._sound_health, self._picture_health = SoundHealth(), PictureHealth()
        self._taken = 0
        self._stopped = self._ended = False

    def __enter__(self) -> LiveCapture:
        """Open the devices; the clock begins.

        Raises:
            MediaError: one cannot be opened, or nothing comes from it.
        """
        self._source.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        self._source.close()

    def stop(self) -> None:
        """End the iteration after what was captured so far; from any thread."""
        with self._bell:
            self._stopped = True
            self._bell.notify_all()
        self._source.stop()

    @property
    def began(self) -> float:
        """When tick 0 began, in seconds of ``time.monotonic``."""
        return self._source.pace.began

    @property
    def status(self) -> CaptureStatus:
        """How capture is going at this moment."""
        pictures, sounds = self._source.pictures, self._source.sounds
        passed = self._clock.now() - self.began
        return CaptureStatus(
            audio="none" if sounds is None else self._sound_health.state,
            video="none" if pictures is None else self._picture_health.state,
            level_dbfs=self._sound_health.level_dbfs,
            video_fps=0.0 if pictures is None else pictures.rate,
            dropped_frames=0 if pictures is None else pictures.dropped,
            dropped_samples=0 if sounds is None else sounds.dropped,
            drift_ms=self._source.drift_ms,
            queued_s=0.0 if self._ended else max(0.0, passed - self._taken / FRAME_RATE),
        )

    def __iter__(self) -> Iterator[Chunk]:
        pictures: list[Picture | None] = []
        samples: list[Samples] = []
        present: list[bool] = []
        for picture, (sound, has_sound) in self._ticks():
            pictures.append(picture)
            samples.append(sound)
            present.append(has_sound)
            if len(pictures) == self._size:
                yield self._chunk(pictures, samples, present)
                pictures, samples, present = [], [], []
        self._ended = True
        if pictures:
            yield self._chunk(pictures, samples, present)

    def _chunk(self, pictures: list[Picture | None], samples: list[Samples], present: list[bool]) -> Chunk:
        start = self._taken
        self._taken += len(pictures)
        return Chunk(start, pictures, np.concatenate(samples), np.array(present, np.bool_))

    def _ticks(self) -> Iterator[tuple[Picture | None, tuple[Samples, bool]]]:
        """Both streams, tick by tick, each tick when it is over."""
        both = zip_longest(self._picture_ticks(), self._sound_ticks())
        for tick, (picture, sound) in enumerate(both):
            samples, present = sound or (_SILENCE, False)
            self._picture_health.look(picture)
            self._sound_health.look(samples, present)
            self._wait_for_end(tick)
            yield picture, (samples, present)

    def _wait_for_end(self, tick: int) -> None:
        with self._bell:
            while not self._stopped and self._clock.now() < (end := self._source.pace.end_of(tick)):
                self._clock.wait(self._bell, end)

    def _picture_ticks(self) -> Iterator[Picture | None]:
        source, queue, counter = self._source, self._source.pictures, _Counter()
        if queue is None:
            return iter(())
        return counter.count(
            picture_ticks(
                queue.frames(lambda: counter.taken),
                source.timeline(),
                PictureConverter(source.pixel_aspect),
                source.frame_rate,
            )
        )

    def _sound_ticks(self) -> Iterator[tuple[Samples, bool]]:
        source, queue, counter = self._source, self._source.sounds, _Counter()
        if queue is None:
            return iter(())
        frames = queue.frames(lambda: counter.taken)
        return counter.count(sound_ticks(frames, source.timeline()))


class _Counter:
    """Knows how many items of an iterator have been taken."""

    taken = 0

    def count(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items."""
        for item in items:
            yield item
            self.taken += 1


def open_live(
    *,
    camera: str | None = "default",
    microphone: str | None = "default",
    input: str | None = None,
    format: str | None = None,
    options: dict[str, str] | None = None,
    ticks: int = 4,
) -> LiveCapture:
    """Capture from a camera and a microphone, or from anything that FFmpeg opens.

    Args:
        camera: id as ``list_devices`` gives it, ``default``, or None for no pictures.
        microphone: likewise, for sound.
        input: instead of both: an address, a graph (with the format ``lavfi``), or a file, which is then
            played at its own pace.
        format: FFmpeg's name of the format of ``input``, where it cannot guess it.
        options: FFmpeg's options of that format.
        ticks: ticks in a chunk.

    Raises:
        HearsightError: neither a camera nor a microphone was asked for.
    """
    clock, bell = MonotonicClock(), threading.Condition()
    source: Feed
    if input is not None:
        if is_file(input):
            source = PacedFile(input, format, options, clock, bell)
        else:
            source = LiveInput(input, format, options, clock, bell)
    elif camera is None and microphone is None:
        raise HearsightError("neither a camera nor a microphone was named: there is nothing to caption.")
    else:
        source = Rig(
            None if camera is None else camera_opener(camera),
            None if microphone is None else microphone_opener(microphone, clock),
            clock,
            bell,
        )
    return LiveCapture(source, clock, bell, ticks)
