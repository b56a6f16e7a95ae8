"""A recording that comes in pieces: kept in memory or an unnamed file until it is whole, then read."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from hearsight.capture.untrusted import Untrusted
from hearsight.serve.inbox import Inbox

_IN_MEMORY_BYTES = 1 << 20


@contextmanager
def whole_recording(inbox: Inbox) -> Iterator[Untrusted]:
    """What comes out of an inbox, to its end; gone afterwards."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
        while (content := inbox.get()) is not None:
            file.write(content)
        yield _recording(file)


def _recording(file: tempfile.SpooledTemporaryFile[bytes]) -> Untrusted:
    """What a file holds, to be read any number of times side by side."""
    file.flush()
    file.seek(0)
    if getattr(file, "_rolled", True):
        descriptor = file.fileno()
        return Untrusted("the file", lambda: cast(BinaryIO, _View(descriptor)), rereadable=True)
    content = file.read()
    return Untrusted("the file", lambda: io.BytesIO(content), rereadable=True)


class _View(io.RawIOBase):
    """A reader of an open file with a place of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        content = os.pread(self._descriptor, self._size if size < 0 else size, self._place)
        self._place += len(content)
        return content
