"""Memory that streams have freed goes back to the system, where the C library is glibc.

An utterance that is heard all at once takes a hundred megabytes for a moment. And each thread that decodes
would otherwise get a heap of its own, in which one recording leaves holes that the next does not fit into: a
server that nobody uses any more would look as if it had a leak.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3
_HEAPS = 2
_LARGE_BYTES = 4 << 20
"""What is larger, the attention of long utterances, comes from the system and goes back to it at once. What
each tick takes is smaller: fresh pages for that would cost time."""
_MALLINFO = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


def keep_little() -> None:
    """Let this process keep little of what it frees: for programs that run long, before threads begin.

    Its threads share a few heaps, and large blocks do not come from them.
    """
    if (library := _glibc()) is not None:
        library.mallopt(_M_ARENA_MAX, _HEAPS)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Hand freed memory to the system; takes some milliseconds."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def in_use() -> tuple[int, int] | None:
    """Bytes that are allocated, and bytes that have been freed and kept; None where this cannot be told."""
    library = _glibc()
    if library is None or not hasattr(library, "mallinfo2"):
        return None
    library.mallinfo2.restype = _Mallinfo
    info = library.mallinfo2()
    return info.uordblks + info.hblkhd, info.fordblks


class _Mallinfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc's malloc.h."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _MALLINFO.split())


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "malloc_trim") else None
