"""Slices of a MediaRecorder, decoded as they come."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, cast

from hearsight.capture.files import read_chunks
from hearsight.capture.untrusted import Untrusted
from hearsight.serve.inbox import Inbox
from hearsight.types import Chunk

PATIENCE_S = 1.0
"""How far the sound may run ahead of pictures that do not come, or the other way round."""


def webm_chunks(inbox: Inbox, ticks: int) -> Iterator[Chunk]:
    """Chunks of the stream whose slices come out of an inbox, to its end.

    Raises:
        MediaError: what comes is not WebM, or nothing in it can be decoded.
    """
    source = Untrusted(
        "the stream",
        lambda: cast(BinaryIO, _Slices(inbox)),
        rereadable=False,
        patience_s=PATIENCE_S,
        format="matroska",
    )
    # Without it, FFmpeg reads megabytes before it says what the streams are.
    return read_chunks(source, ticks=ticks, options={"probesize": "32"})


class _Slices(io.RawIOBase):
    """A file that can be read once, and waits for what has not come yet."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._rest: deque[memoryview] = deque()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, as soon as there are any; empty at the end."""
        while not self._rest:
            content = self._inbox.get()
            if content is None:
                return b""
            if content:
                self._rest.append(memoryview(content))
        first = self._rest.popleft()
        if 0 <= size < len(first):
            self._rest.appendleft(first[size:])
        return bytes(first[:size] if size >= 0 else first)
