"""Threads that do the streams' face work: the urgent first, in order of arrival."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable

_LAST = 1_000_000


class Workers:
    """A pool of threads. OpenCV and onnxruntime leave Python's lock, so that they run side by side.

    Args:
        count: threads.
    """

    def __init__(self, count: int) -> None:
        self._jobs: queue.PriorityQueue[tuple[int, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._tickets = itertools.count()
        self._threads = [
            threading.Thread(target=self._work, name=f"hearsight-face-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Callable[[], None], *, priority: int) -> None:
        """Do ``job``, which must not raise, before all that have a higher number."""
        self._jobs.put((priority, next(self._tickets), job))

    def close(self) -> None:
        """Do what has been submitted, then end the threads."""
        for _ in self._threads:
            self._jobs.put((_LAST, next(self._tickets), None))
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()[2]) is not None:
            job()
