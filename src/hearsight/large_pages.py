"""Large pages of memory for the weights, where Linux lends them to those who ask.

A network walks through tens of megabytes for each moment of sound, and the processor looks up where each page
of them lies. With pages of 2 MB instead of 4 kB that is seldom: in a virtual machine, where each is looked up
twice, recognising takes 7 to 28 % less time, more the slower it was (``benchmarks/cost.py``).
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

VARIABLE, _TUNABLE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"
"""How glibc is told, from 2.35 on; only before a program begins."""
_SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""Whether Linux lends large pages: always, to those who ask (madvise), or never."""
_PR_SET_THP_DISABLE = 41
"""Of ``linux/prctl.h``."""


def begin_with_large_pages() -> None:
    """Begin this program anew, with large pages, if that is needed and of use; else do nothing.

    For the first line of a program: what it has done before is done twice. Who has set ``GLIBC_TUNABLES`` is
    left alone, and so can do without.
    """
    if VARIABLE in os.environ or not sys.executable or not _are_lent_on_request():
        return
    os.environ[VARIABLE] = _TUNABLE
    with suppress(OSError):  # then it goes on as it is
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def be_content_with_large_pages() -> None:
    """Ask for no more: this process keeps those it has; neither it nor a program it begins gets others.

    For programs that run long, once their weights are in memory: Linux makes one large page of many small
    ones wherever it may, also of what lies freed between them, so that memory would grow by and by though no
    more of it is used. And a server of many streams is late less, for making a large page takes a while.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def _are_lent_on_request() -> bool:
    try:
        return "[madvise]" in _SWITCH.read_text()
    except OSError:  # another system than Linux, or none of our business
        return False
