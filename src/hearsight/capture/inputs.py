"""What FFmpeg opens as a source of live capture: files paced by the clock, graphs, addresses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hearsight.capture.clock import Clock, FollowingPace, Pace
from hearsight.capture.opening import choose_streams, open_container, set_threads
from hearsight.capture.packets import decode_interleaved
from hearsight.capture.queues import FrameQueue
from hearsight.capture.source import PictureQueue, SoundQueue, Source, duration_of, put_picture, put_sound
from hearsight.capture.timeline import Timeline, time_stamp
from hearsight.capture.tracks import Tracks, longest, open_tracks
from hearsight.errors import MediaError

log = logging.getLogger(__name__)

_START_S = 10.0
"""An input that has delivered nothing by then has none."""
_OTHER_STREAM_S = 1.0
"""How long the second stream may take to begin after the first."""


AnyFrame = TypeVar("AnyFrame", VideoFrame, AudioFrame)


class PacedFile(Source):
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


class LiveInput(Source):
    """An input that comes at its own pace (a camera's address, a graph), read by one thread."""

    def __init__(
        self,
        source: str,
        format: str | None,
        options: dict[str, str] | None,
        clock: Clock,
        bell: threading.Condition,
    ) -> None:
        self._following = FollowingPace()
        super().__init__(clock, bell, self._following)
        self._source, self._format, self._options = source, format, options
        self._opened = False
        self._failure: MediaError | None = None

    def start(self) -> None:
        """Open it and wait for the first frame of each stream."""
        self._run(self._read, "input")
        until = self._clock.now() + _START_S
        with self._bell:
            while not self._opened and self._failure is None and self._clock.now() < until:
                self._clock.wait(self._bell, until)
        if self._failure is not None:
            raise self._failure
        if not self._opened:
            self.stop()
            raise MediaError(f"{self._source} delivers nothing: try it in a player.")

    def _read(self) -> None:
        try:
            with open_container(self._source, self._format, self._options) as container:
                self._read_container(container)
        except MediaError as error:
            with self._bell:
                self._failure = error
                self._bell.notify_all()
        finally:
            self.stop()

    def _read_container(self, container: InputContainer) -> None:
        video, audio = choose_streams(container, self._source)
        for stream in (video, audio):
            if stream is not None:
                set_threads(stream)
        early: list[tuple[VideoFrame | AudioFrame, float]] = []
        for frame in decode_interleaved([each for each in (video, audio) if each is not None], self._source):
            if self._stopped:
                return
            early.append((frame, self._clock.now()))
            if self._opened or self._complete(early, video, audio):
                self._hand_on(early, container, video, audio)
        if early:
            self._hand_on(early, container, video, audio)
        if not self._opened:
            raise MediaError(f"{self._source} holds nothing that can be decoded: try it in a player.")

    def _complete(
        self,
        early: list[tuple[VideoFrame | AudioFrame, float]],
        video: VideoStream | None,
        audio: AudioStream | None,
    ) -> bool:
        """Whether every stream has begun, or has had the time for it."""
        kinds = {type(frame) for frame, _ in early}
        late = early[-1][1] - early[0][1] > _OTHER_STREAM_S
        return late or len(kinds) == (video is not None) + (audio is not None)

    def _hand_on(
        self,
        early: list[tuple[VideoFrame | AudioFrame, float]],
        container: InputContainer,
        video: VideoStream | None,
        audio: AudioStream | None,
    ) -> None:
        if not self._opened:
            self._begin([frame for frame, _ in early], container, video, audio)
        for frame, arrival in early:
            self._put(frame, arrival)
        early.clear()

    def _begin(
        self,
        frames: list[VideoFrame | AudioFrame],
        container: InputContainer,
        video: VideoStream | None,
        audio: AudioStream | None,
    ) -> None:
        """Set the zero of the clock and let the ticks begin."""
        stamps = [stamp for frame in frames if (stamp := time_stamp(frame)) is not None]
        self.zero = min(stamps, default=0.0)
        self.max_length = longest(container, self.zero)
        self._describe(video)
        self._timelines = {kind: self.timeline() for kind in (VideoFrame, AudioFrame)}
        if video is not None:
            self.pictures = PictureQueue(self._clock, self._bell, self.pace)
        if audio is not None:
            self.sounds = SoundQueue(self._clock, self._bell, self.pace)
        with self._bell:
            self._opened = True
            self._bell.notify_all()

    def _put(self, frame: VideoFrame | AudioFrame, arrival: float) -> None:
        begin = self._timelines[type(frame)].place(time_stamp(frame), duration_of(frame))
        self._following.arrived(begin, arrival)
        if isinstance(frame, VideoFrame):
            if self.pictures is not None:
                put_picture(self.pictures, frame, begin)
        elif self.sounds is not None:
            put_sound(self.sounds, frame, begin)
