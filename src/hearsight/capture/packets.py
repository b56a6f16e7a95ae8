"""From a container to the decoded frames of its two streams, at flat memory and past damaged places."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import Any, TypeAlias, cast

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from hearsight.errors import MediaError

log = logging.getLogger(__name__)

AnyStream: TypeAlias = VideoStream | AudioStream
AnyPacket: TypeAlias = "Packet[Stream]"

_MAX_READ_ERRORS = 16
"""Damaged places in a row after which the rest of a file is given up."""
_MAX_WAITING_S = 5.0
_MAX_WAITING_PACKETS = 2_000
_MAX_WAITING_BYTES = 64 << 20
"""What one stream of a live input may run ahead of the other before the other counts as silent."""


def own_pass(stream: AnyStream) -> Iterator[AnyPacket]:
    """The packets of a stream out of a container that nobody else reads."""
    for other in stream.container.streams:
        if other is not stream:
            other.discard = Discard.all
    return _read(cast(InputContainer, stream.container), [stream])


class SharedPass:
    """The packets of two streams out of one container that can be read only once.

    Packets of one stream wait while the other is read; the waiting room is bounded. When it is full, the
    other stream has fallen silent (a camera switched off, a muted microphone) and its reader gets None,
    which stands for "nothing in sight, go on without".

    Args:
        streams: the two.
        patience_s: how far one may run ahead, in seconds of the input; None is the usual time.
    """

    def __init__(self, streams: list[AnyStream], patience_s: float | None = None) -> None:
        self._patience_s = _MAX_WAITING_S if patience_s is None else patience_s
        self._waiting: dict[int, deque[AnyPacket]] = {stream.index: deque() for stream in streams}
        self._bytes = dict.fromkeys(self._waiting, 0)
        self._packets = _read(cast(InputContainer, streams[0].container), streams)

    def packets(self, stream: AnyStream) -> Iterator[AnyPacket | None]:
        """Packets of ``stream``; None where the other stream is too far ahead to go on waiting."""
        own = self._waiting[stream.index]
        while True:
            if own:
                packet = own.popleft()
                self._bytes[stream.index] -= packet.size
                yield packet
            elif any(self._full(index) for index in self._waiting):
                yield None
            elif (fresh := next(self._packets, None)) is not None:
                self._waiting[fresh.stream_index].append(fresh)
                self._bytes[fresh.stream_index] += fresh.size
            else:
                return

    def _full(self, index: int) -> bool:
        waiting = self._waiting[index]
        if len(waiting) >= _MAX_WAITING_PACKETS or self._bytes[index] >= _MAX_WAITING_BYTES:
            return True
        if len(waiting) < 2 or waiting[0].dts is None or waiting[-1].dts is None:
            return False
        return float((waiting[-1].dts - waiting[0].dts) * waiting[0].time_base) > self._patience_s


def _read(container: InputContainer, streams: list[AnyStream]) -> Iterator[AnyPacket]:
    """Packets of the streams to the end of the input, or to where it cannot be read any more."""
    errors = 0
    while True:
        try:
            for packet in container.demux(*streams):
                errors = 0
                # An empty packet (a repeated picture in AVI) would tell the decoder that the end has come.
                if packet.size:
                    yield packet
            return
        except IndexError:
            # PyAV trips at the end over streams that have turned up in the middle.
            return
        except InvalidDataError:
            errors += 1
            if errors < _MAX_READ_ERRORS:
                continue
            reason = "damaged"
        except FFmpegError as error:
            reason = error.strerror or "unknown error"
        log.warning("%s breaks off (%s): it is read as far as it goes.", container.name, reason)
        return


def decode(packets: Iterable[AnyPacket | None], stream: AnyStream, name: str) -> Iterator[Any]:
    """Frames in order of presentation; damaged packets are skipped, and None is handed through.

    Args:
        packets: all packets of the stream.
        stream: the stream they belong to.
        name: the input as the user calls it.

    Raises:
        MediaError: the stream is encrypted.
    """
    flush: AnyPacket = Packet()
    flush.stream, flush.time_base = stream, cast(Fraction, stream.time_base)
    first = True
    for packet in chain(packets, [flush]):
        if packet is None:
            yield None
            continue
        if first and packet.has_sidedata("encryption_info"):
            raise MediaError(f"{name} is encrypted: give a copy without copy protection.")
        first = False
        try:
            frames = packet.decode()
        except FFmpegError:
            # Packets broken in transit are ordinary: what they held is a hole for the clock to fill.
            continue
        yield from frames


def decode_interleaved(streams: list[AnyStream], name: str) -> Iterator[Any]:
    """Frames of all streams in the order in which they come out of one container; damaged ones are skipped.

    Raises:
        MediaError: a stream is encrypted.
    """
    seen: set[int] = set()
    for packet in _read(cast(InputContainer, streams[0].container), streams):
        if packet.stream_index not in seen and packet.has_sidedata("encryption_info"):
            raise MediaError(f"{name} is encrypted: give a copy without copy protection.")
        seen.add(packet.stream_index)
        with suppress(FFmpegError):
            yield from packet.decode()
    for stream in streams:
        flush: AnyPacket = Packet()
        flush.stream, flush.time_base = stream, cast(Fraction, stream.time_base)
        with suppress(FFmpegError):
            yield from flush.decode()
