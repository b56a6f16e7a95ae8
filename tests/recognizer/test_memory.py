"""Freed memory goes back to the system."""

from __future__ import annotations

import psutil
import pytest

from hearsight.recognizer import memory


@pytest.mark.skipif(memory.in_use() is None, reason="the C library is not glibc")
def test_what_was_freed_in_the_middle_of_the_heap_is_given_back() -> None:
    memory.keep_little()
    used, _ = memory.in_use()
    # Too small for pages of their own, so that they come from the heap; every other one is freed.
    blocks = [bytearray(60_000) for _ in range(2000)]
    assert memory.in_use()[0] > used + 100e6
    full = psutil.Process().memory_info().rss
    last = blocks[-1]
    blocks.clear()
    memory.give_back()
    assert psutil.Process().memory_info().rss < full - 80e6
    assert memory.in_use()[0] < used + 20e6
    assert len(last) == 60_000


def test_where_there_is_no_glibc_nothing_happens(monkeypatch) -> None:
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    memory.keep_little()
    memory.give_back()
    assert memory.in_use() is None
