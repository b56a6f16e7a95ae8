"""Memory that streams have freed goes back to the system, where the C library is glibc.

An utterance that is heard all at once takes a hundred megabytes for a moment. And each thread that decodes
would otherwise get a heap of its own, in which one recording leaves holes that the next does not fit into: a
server that nobody uses any more would look as if it had a leak.
"""

from __future__ import annotations

import ctypes
from functools import cache

_M_ARENA_MAX = -8
_HEAPS = 2
_MALLINFO = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"


def share_heaps() -> None:
    """Let the threads of this process share a few heaps; to be called before there are many threads."""
    if (library := _glibc()) is not None:
        library.mallopt(_M_ARENA_MAX, _HEAPS)


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
