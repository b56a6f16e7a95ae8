"""Threads of one process that take turns."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """One thread at a time has it, and it goes round in the order in which they came.

    Threads that are switched between in the middle of a picture push each other's pictures out of the
    processor's caches: sixteen streams on two processors are then a second late, not 0.4 s. And who gets it
    next is no matter of luck, as with a lock, which may return to the same thread again and again.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._changing:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Who has it lets others have it in the meantime."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
