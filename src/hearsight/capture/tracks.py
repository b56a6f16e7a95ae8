"""An opened input: the frames of its pictures and of its sound, each to be read at its own pace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from hearsight.capture.opening import Source, choose_streams, is_file, open_container, set_threads
from hearsight.capture.packets import SharedPass, decode, own_pass
from hearsight.capture.timeline import time_stamp
from hearsight.capture.untrusted import Untrusted
from hearsight.errors import MediaError

_MICROSECONDS = 1e6
_MIN_BYTES_PER_S = 100.0
"""Speech or pictures never take less."""


@dataclass(frozen=True)
class Tracks:
    """The two streams of an input, at their beginning.

    Attributes:
        video: the stream of the pictures, None if there is none that can be decoded.
        audio: the stream of the sound, likewise.
        pictures: its frames in order; None among them means that nothing is in sight.
        sounds: likewise.
        zero: time stamp of the first frame of either in seconds, the zero of the clock.
        length: length on the clock in seconds, None if the input does not say.
        max_length: what it can be at most, judged by its length and size, None if neither is known.
    """

    video: VideoStream | None
    audio: AudioStream | None
    pictures: Iterator[VideoFrame | None]
    sounds: Iterator[AudioFrame | None]
    zero: float
    length: float | None
    max_length: float | None


@contextmanager
def open_tracks(
    source: Source, format: str | None = None, options: dict[str, str] | None = None
) -> Iterator[Tracks]:
    """Open an input and decode the first frame of each stream.

    Raises:
        MediaError: it cannot be opened, or nothing in it can be decoded.
    """
    name = str(source)
    with ExitStack() as stack:
        container = stack.enter_context(open_container(source, format, options))
        video, audio = choose_streams(container, name)
        if video is not None and audio is not None and is_file(source):
            # One pass for each stream: memory stays flat however badly they are interleaved.
            second = stack.enter_context(open_container(source, format, options))
            audio = second.streams.audio[container.streams.audio.index(audio)]
        patience_s = source.patience_s if isinstance(source, Untrusted) else None
        pictures, sounds = _decode_both(video, audio, name, patience_s)
        yield _at_beginning(video, audio, pictures, sounds, name)


def _decode_both(
    video: VideoStream | None, audio: AudioStream | None, name: str, patience_s: float | None
) -> tuple[Iterator[VideoFrame | None], Iterator[AudioFrame | None]]:
    """The frames of both streams, out of one container each, or out of one that both share."""
    for stream in (video, audio):
        if stream is not None:
            set_threads(stream)
    if video is not None and audio is not None and video.container is audio.container:
        shared = SharedPass([video, audio], patience_s)
        return decode(shared.packets(video), video, name), decode(shared.packets(audio), audio, name)
    return (
        iter(()) if video is None else decode(own_pass(video), video, name),
        iter(()) if audio is None else decode(own_pass(audio), audio, name),
    )


def _at_beginning(
    video: VideoStream | None,
    audio: AudioStream | None,
    pictures: Iterator[VideoFrame | None],
    sounds: Iterator[AudioFrame | None],
    name: str,
) -> Tracks:
    """Find the zero of the clock by decoding the first frames, which are then put back."""
    first_pictures, first_sounds = list(islice(pictures, 1)), list(islice(sounds, 1))
    stream = video if first_pictures else audio
    if stream is None or not (first_pictures or first_sounds):
        raise MediaError(
            f"{name} holds nothing that can be decoded, it is damaged or cut off: copy or record it again."
        )
    firsts = [frame for frame in first_pictures + first_sounds if frame is not None]
    zero = min((stamp for frame in firsts if (stamp := time_stamp(frame)) is not None), default=0.0)
    container = cast(InputContainer, stream.container)
    length = _length(container, zero)
    return Tracks(
        video=video if first_pictures else None,
        audio=audio if first_sounds else None,
        pictures=chain(first_pictures, pictures),
        sounds=chain(first_sounds, sounds),
        zero=zero,
        length=length,
        max_length=longest(container, zero),
    )


def _length(container: InputContainer, zero: float) -> float | None:
    """Seconds from the zero of the clock to where the container says that it ends."""
    if container.duration is None:
        return None
    start = zero if container.start_time is None else container.start_time / _MICROSECONDS
    return start + container.duration / _MICROSECONDS - zero


def longest(container: InputContainer, zero: float) -> float | None:
    """Seconds that the input can last at most, None if it does not say.

    Damage to a single time stamp can make a short file claim that it lasts for days.
    """
    length = _length(container, zero)
    by_size = container.size / _MIN_BYTES_PER_S
    return length if by_size <= 0 else min(by_size, float("inf") if length is None else length)
