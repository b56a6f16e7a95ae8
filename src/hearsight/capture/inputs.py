"""What FFmpeg opens and has a clock of its own as a source of live capture: addresses, graphs, pipes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hearsight.capture.anchor import Anchor
from hearsight.capture.clock import Clock, FollowingPace
from hearsight.capture.drift import CountedDrift
from hearsight.capture.feed import (
    Feed,
    PictureQueue,
    SoundQueue,
    duration_of,
    put_picture,
    put_sound,
    restamp,
)
from hearsight.capture.opening import choose_streams, open_container, set_threads
from hearsight.capture.packets import decode_interleaved
from hearsight.capture.retry import Retry
from hearsight.capture.timeline import Timeline, time_stamp
from hearsight.capture.tracks import longest
from hearsight.errors import MediaError

_START_S = 10.0
"""An input that has delivered nothing by then has none."""
_DEVICE_FORMATS = frozenset({"v4l2", "video4linux2", "avfoundation", "dshow", "gdigrab", "x11grab", "fbdev"})
_ENDLESS_ADDRESSES = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "rtp", "srt", "udp"})
_OTHER_STREAM_S = 1.0
"""How long the second stream may take to begin after the first."""


class LiveInput(Feed):
    """An input that comes at its own pace (a camera's address, a graph), read by one thread.

    One that has no end, such as a camera's address, is opened again whenever it breaks off.
    """

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
        self._retry = Retry(clock, bell, again=is_endless(source, format))
        self._opened = False

    def start(self) -> None:
        """Open it and wait for the first frame of each stream."""
        self._run(self._read, "input")
        until = self._clock.now() + _START_S
        with self._bell:
            while not self._opened and self._retry.failure is None and self._clock.now() < until:
                self._clock.wait(self._bell, until)
        if self._retry.failure is not None:
            raise self._retry.failure
        if not self._opened:
            self.stop()
            raise MediaError(f"{self._source} delivers nothing: try it in a player.")

    def stop(self) -> None:
        """Capture nothing more."""
        self._retry.stop()
        super().stop()

    def timeline(self) -> Timeline:
        """The reader has already seen to it that time stamps stay with the clock."""
        return Timeline(self.zero, float("inf"))

    @property
    def drift_ms(self) -> float:
        """By how much the sound would have drifted from the pictures, had its samples been counted."""
        return 1000 * self._session.drift.seconds if self._opened else 0.0

    def _read(self) -> None:
        try:
            self._retry.run(self._read_once)
        finally:
            self.stop()

    def _read_once(self) -> None:
        """Read from opening the input to where it ends."""
        with open_container(self._source, self._format, self._options) as container:
            streams = choose_streams(container, self._source)
            session = _Session(container, [stream for stream in streams if stream is not None])
            for frame, arrival in session.frames(self._source, self._clock):
                if not self._opened:
                    self._begin(session)
                if self._stopped:
                    return
                self._retry.succeeded()
                self._put(frame, arrival, session)
        if not self._opened:
            raise MediaError(f"{self._source} holds nothing that can be decoded: try it in a player.")

    def _begin(self, session: _Session) -> None:
        """Set the zero of the clock and let the ticks begin."""
        self.zero = session.zero
        self._describe(session.video)
        if session.video is not None:
            self.pictures = PictureQueue(self._clock, self._bell, self.pace, sparse=True)
        if session.audio is not None:
            self.sounds = SoundQueue(self._clock, self._bell, self.pace)
        self._anchor = Anchor(session.first_arrival)
        self.pace.began = session.first_arrival
        self._session = session
        with self._bell:
            self._opened = True
            self._bell.notify_all()

    def _put(self, frame: VideoFrame | AudioFrame, arrival: float, session: _Session) -> None:
        own = session.place(frame)
        if session is self._session:
            begin = self._anchor.place(own, arrival, self.pace.began)
        else:
            # It was opened again, and goes on now.
            begin = self._anchor.restart(own, arrival - self.pace.began)
            self._session = session
        self._hold(self._anchor.due(begin, arrival))
        self._following.arrived(begin, max(arrival, self._anchor.due(begin, arrival)))
        if begin != own or session.zero != self.zero:
            restamp(frame, self.zero + begin)
        if isinstance(frame, VideoFrame):
            if self.pictures is not None:
                put_picture(self.pictures, frame, begin)
        elif self.sounds is not None:
            put_sound(self.sounds, frame, begin)

    def _hold(self, until: float) -> None:
        with self._bell:
            while not self._stopped and self._clock.now() < until:
                self._clock.wait(self._bell, until)


class _Session:
    """An input from where it was opened to where it ends.

    Attributes:
        video: the stream of the pictures, None if there is none.
        audio: the stream of the sound, likewise.
        zero: time stamp of the first frame of either stream in seconds.
        first_arrival: when the first frame came, in seconds on our clock.
        drift: of its sound.
    """

    def __init__(self, container: InputContainer, streams: list[VideoStream | AudioStream]) -> None:
        self._container, self._streams = container, streams
        self.video = next((each for each in streams if isinstance(each, VideoStream)), None)
        self.audio = next((each for each in streams if isinstance(each, AudioStream)), None)
        self.zero = self.first_arrival = 0.0
        self.drift = CountedDrift()
        self._timelines: dict[type[VideoFrame | AudioFrame], Timeline] = {}
        for stream in streams:
            set_threads(stream)

    def frames(self, name: str, clock: Clock) -> Iterator[tuple[VideoFrame | AudioFrame, float]]:
        """Frames and when they came, as soon as every stream has begun or has had the time for it."""
        early: list[tuple[VideoFrame | AudioFrame, float]] = []
        for frame in decode_interleaved(self._streams, name):
            early.append((frame, clock.now()))
            if self._timelines or self._all_begun(early):
                self._begin(early)
                yield from early
                early.clear()
        self._begin(early)
        yield from early

    def place(self, frame: VideoFrame | AudioFrame) -> float:
        """Where a frame begins, in seconds from the first one."""
        begin = self._timelines[type(frame)].place(time_stamp(frame), duration_of(frame))
        if isinstance(frame, AudioFrame):
            self.drift.add(begin, duration_of(frame))
        return begin

    def _all_begun(self, early: list[tuple[VideoFrame | AudioFrame, float]]) -> bool:
        kinds = {type(frame) for frame, _ in early}
        return len(kinds) == len(self._streams) or early[-1][1] - early[0][1] > _OTHER_STREAM_S

    def _begin(self, early: list[tuple[VideoFrame | AudioFrame, float]]) -> None:
        if self._timelines or not early:
            return
        stamps = [stamp for frame, _ in early if (stamp := time_stamp(frame)) is not None]
        self.zero, self.first_arrival = min(stamps, default=0.0), early[0][1]
        length = longest(self._container, self.zero)
        self._timelines = {kind: Timeline(self.zero, length) for kind in (VideoFrame, AudioFrame)}


def is_endless(source: str, format: str | None) -> bool:
    """Whether an input ends only because something went wrong."""
    return format in _DEVICE_FORMATS or source.partition("://")[0].lower() in _ENDLESS_ADDRESSES
