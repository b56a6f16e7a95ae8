"""Writes small recordings: a picture that flashes white while a tone beeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

EVENTS = (0.52, 1.32)
"""When it flashes and beeps, in seconds."""
EVENT_LENGTH = 0.25
TONE_HZ = 1000.0
FINE = Fraction(1, 90_000)
"""A time base that expresses every frame rate."""


def is_event(time: float) -> bool:
    """Whether it flashes and beeps at ``time``."""
    return any(event <= time < event + EVENT_LENGTH for event in EVENTS)


def frame_times(rate: float, seconds: float, offset: float = 0.0) -> list[float]:
    """Time stamps of a constant frame rate."""
    return [offset + k / rate for k in range(round(seconds * rate))]


@dataclass(frozen=True)
class Video:
    """A video stream; by default H.264, 2 s at 25 frames a second.

    Attributes:
        times: time stamp of each frame in seconds; the frame is white while it flashes, otherwise grey.
        rate: the frame rate that is declared, true or not.
    """

    times: Sequence[float] = field(default_factory=lambda: frame_times(25, 2.0))
    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = (64, 48)
    rate: Fraction | int = 25
    time_base: Fraction = Fraction(1, 1000)
    options: dict[str, str] = field(default_factory=dict)
    rotation: int | None = None
    mirrored: bool = False
    pixel_aspect: Fraction | None = None
    marked_corner: bool = False
    default: bool = False

    def picture(self, time: float) -> NDArray[np.uint8]:
        """RGB; with a marked corner the upper left quarter is black."""
        width, height = self.size
        picture = np.full((height, width, 3), 255 if is_event(time) else 96, np.uint8)
        if self.marked_corner:
            picture[: height // 2, : width // 2] = 0
        return picture


@dataclass(frozen=True)
class Audio:
    """An audio stream; by default FLAC, 2 s, 16 kHz mono.

    Attributes:
        spans: begin and end of each stretch of sound in seconds; between them nothing is written.
        offset: added to all time stamps.
        speed: true samples a second over the declared ones, for clocks that drift.
    """

    spans: Sequence[tuple[float, float]] = ((0.0, 2.0),)
    offset: float = 0.0
    codec: str = "flac"
    format: str = "s16"
    layout: str = "mono"
    rate: int = 16_000
    speed: float = 1.0
    options: dict[str, str] = field(default_factory=dict)
    default: bool = False

    def samples(self, times: NDArray[np.float64]) -> NDArray[Any]:
        """``(channels, samples)`` in this format, the same on every channel."""
        loud = np.zeros(len(times), bool)
        for event in EVENTS:
            loud |= (event <= times) & (times < event + EVENT_LENGTH)
        wave = np.where(loud, 0.5 * np.sin(2 * np.pi * TONE_HZ * times), 0.0)
        kind = self.format.rstrip("p")
        scaled = {
            "u8": lambda: np.round(wave * 127 + 128).astype(np.uint8),
            "s16": lambda: np.round(wave * 32767).astype(np.int16),
            "s32": lambda: np.round(wave * 2147483647).astype(np.int32),
            "flt": lambda: wave.astype(np.float32),
        }[kind]()
        channels = av.AudioLayout(self.layout).nb_channels
        return np.repeat(scaled[None], channels, axis=0)


def write(
    path: Path,
    *streams: Video | Audio,
    format: str | None = None,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    interleave: bool = True,
) -> Path:
    """Write the streams into one file; without ``interleave`` one stream after the other."""
    # A muxer that waits for nothing writes the packets in the order in which they come.
    options = {**(options or {}), **({} if interleave else {"max_interleave_delta": "1"})}
    with av.open(str(path), "w", format=format, options=options) as container:
        container.metadata.update(metadata or {})
        added = [_add(container, stream) for stream in streams]
        packets = [
            packet
            for stream, description in zip(added, streams, strict=True)
            for packet in _encode(stream, description)
        ]
        if interleave:
            packets.sort(key=lambda packet: float((packet.dts or 0) * packet.time_base))
        for packet in packets:
            container.mux(packet)
    return path


def _add(container: Any, stream: Video | Audio) -> Any:
    if isinstance(stream, Audio):
        added = container.add_stream(stream.codec, rate=stream.rate, options=stream.options)
        added.codec_context.layout = stream.layout
        added.codec_context.format = stream.format
    else:
        added = container.add_stream(stream.codec, rate=stream.rate, options=stream.options)
        added.width, added.height = stream.size
        added.pix_fmt = stream.pixels
        added.codec_context.time_base = stream.time_base
        if stream.pixel_aspect is not None:
            added.codec_context.sample_aspect_ratio = stream.pixel_aspect
        if stream.rotation is not None:
            added.set_display_rotation(stream.rotation, hflip=stream.mirrored)
    if stream.default:
        added.disposition = av.stream.Disposition.default
    return added


def _encode(added: Any, stream: Video | Audio) -> Iterable[Any]:
    frames = _pictures(stream) if isinstance(stream, Video) else _sounds(added, stream)
    for frame in frames:
        yield from added.encode(frame)
    yield from added.encode(None)


def _pictures(stream: Video) -> Iterable[av.VideoFrame]:
    for time in stream.times:
        frame = av.VideoFrame.from_ndarray(stream.picture(time), format="rgb24")
        frame = frame.reformat(format=stream.pixels)
        frame.pts = round(time / stream.time_base)
        frame.time_base = stream.time_base
        yield frame


def _sounds(added: Any, stream: Audio) -> Iterable[av.AudioFrame]:
    block = 1024
    for begin, end in stream.spans:
        count = round((end - begin) * stream.rate * stream.speed)
        for first in range(0, count, block):
            numbers = np.arange(first, min(first + block, count))
            values = stream.samples(begin + numbers / (stream.rate * stream.speed))
            if not stream.format.endswith("p"):
                values = values.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(values, format=stream.format, layout=stream.layout)
            frame.sample_rate = stream.rate
            frame.time_base = Fraction(1, stream.rate)
            frame.pts = round((stream.offset + begin + first / (stream.rate * stream.speed)) * stream.rate)
            yield frame


PCM = Audio(codec="pcm_s16le")
AAC = Audio(codec="aac", format="fltp", rate=48_000, layout="stereo")


def video_at(rate: float, declared: int | None = None) -> Video:
    """A constant frame rate, written to the microsecond, and the one that is declared."""
    return Video(times=frame_times(rate, 2.0), rate=declared or round(rate), time_base=FINE)


def of_bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    """Writer of a file with this content."""

    def write_bytes(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write_bytes


def edited(source: Callable[[Path], Path], edit: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    """Writer of a file whose content was changed afterwards."""

    def write_edited(folder: Path) -> Path:
        path = source(folder)
        path.write_bytes(edit(path.read_bytes()))
        return path

    return write_edited


def clip(name: str, *streams: Video | Audio, **how: object) -> Callable[[Path], Path]:
    """Writer of a recording."""
    return lambda folder: write(folder / name, *streams, **how)  # type: ignore[arg-type]


def first_part(content: bytes) -> bytes:
    """A file cut off after three fifths."""
    return content[: len(content) * 6 // 10]
