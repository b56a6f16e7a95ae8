"""A file as a source of live capture: played at its own pace."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from hearsight.capture.clock import Clock, Pace
from hearsight.capture.feed import Feed, PictureQueue, SoundQueue, duration_of, put_picture, put_sound
from hearsight.capture.queues import FrameQueue
from hearsight.capture.timeline import Timeline, time_stamp
from hearsight.capture.tracks import Tracks, open_tracks
from hearsight.errors import MediaError

log = logging.getLogger(__name__)

AnyFrame = TypeVar("AnyFrame", VideoFrame, AudioFrame)


class PacedFile(Feed):
    """A file that plays at its own pace: the ticks that reading it gives, each when its time has passed."""

    def __init__(
        self,
        path: str | Path,
        format: str | None,
        options: dict[str, str] | None,
        clock: Clock,
        bell: threading.Condition,
    ) -> None:
        super().__init__(clock, bell, Pace())
        self._path, self._format, self._options = path, format, options
        self._files = ExitStack()

    def start(self) -> None:
        """Open it; the clock begins now."""
        tracks = self._files.enter_context(open_tracks(self._path, self._format, self._options))
        self.zero, self.max_length = tracks.zero, tracks.max_length
        self._describe(tracks.video)
        self.pace.began = self._clock.now()
        # Each stream has a container of its own, so each is read by a thread of its own.
        if tracks.video is not None:
            pictures = PictureQueue(self._clock, self._bell, self.pace, patient=True)
            self.pictures = pictures
            self._run(lambda: self._play(tracks, tracks.pictures, pictures, put_picture), "pictures")
        if tracks.audio is not None:
            sounds = SoundQueue(self._clock, self._bell, self.pace, patient=True)
            self.sounds = sounds
            self._run(lambda: self._play(tracks, tracks.sounds, sounds, put_sound), "sound")

    def close(self) -> None:
        """Stop, and close the file when nothing reads it any more."""
        super().close()
        if not any(thread.is_alive() for thread in self._threads):
            self._files.close()

    def _play(
        self,
        tracks: Tracks,
        frames: Iterator[AnyFrame | None],
        queue: FrameQueue[AnyFrame],
        put: Callable[[FrameQueue[AnyFrame], AnyFrame, float], None],
    ) -> None:
        timeline = Timeline(tracks.zero, tracks.max_length)
        try:
            for frame in frames:
                if frame is None:
                    continue
                duration = duration_of(frame)
                begin = timeline.place(time_stamp(frame), duration)
                queue.nothing_before(begin)
                # Sound can be heard when it is over, a picture can be seen at once.
                self._wait_until(begin + duration if isinstance(frame, AudioFrame) else begin)
                if self._stopped:
                    return
                put(queue, frame, begin)
        except MediaError as error:
            log.warning("%s", error)
        finally:
            queue.finish()

    def _wait_until(self, seconds: float) -> None:
        until = self.pace.began + seconds
        with self._bell:
            while not self._stopped and self._clock.now() < until:
                self._clock.wait(self._bell, until)
