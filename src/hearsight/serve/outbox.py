"""Events of one stream on their way from the engine's thread to a coroutine."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from hearsight.types import Event


@dataclass(frozen=True, slots=True)
class Heard:
    """An event on its way out.

    Attributes:
        event: with ``emitted`` in seconds since the stream was opened.
        utterance: its number, from 0.
        lag_s: from the arrival of the input up to ``event.end`` until the event, in seconds.
    """

    event: Event
    utterance: int
    lag_s: float


class Outbox:
    """Events that wait for their reader: all finals, and of partials the newest one only.

    Iterating (once, in a coroutine) gives them to the end of the stream, and raises what it has failed with.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Heard] = deque()
        self._utterance = 0
        self._over = False
        self._error: BaseException | None = None
        self._wake: Callable[[], None] | None = None

    def put(self, events: Sequence[tuple[Event, float]], *, over: bool) -> None:
        """Add events with their lags, in order; ``over`` says that there will be no more."""
        with self._lock:
            for event, lag_s in events:
                if self._waiting and self._waiting[-1].event.kind == "partial":
                    self._waiting.pop()
                self._waiting.append(Heard(event, self._utterance, lag_s))
                self._utterance += event.kind == "final"
            self._over = self._over or over
        self._notify()

    def fail(self, error: BaseException) -> None:
        """The reader gets what there is, and then this error."""
        with self._lock:
            if not self._over:
                self._error, self._over = error, True
        self._notify()

    def close(self) -> None:
        """There will be no more."""
        self.put([], over=True)

    def take(self) -> tuple[list[Heard], bool]:
        """All that waits, and whether that was the end.

        Raises:
            BaseException: what the stream has failed with, once everything before has been taken.
        """
        with self._lock:
            heard, self._waiting = list(self._waiting), deque()
            if self._error is not None and not heard:
                raise self._error
            return heard, self._over and self._error is None

    async def __aiter__(self) -> AsyncIterator[Heard]:
        loop, something = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: _call_soon(loop, something.set)
        while True:
            something.clear()
            heard, over = self.take()
            for each in heard:
                yield each
            if over:
                return
            if not heard:
                await something.wait()

    def _notify(self) -> None:
        if self._wake is not None:
            self._wake()


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Call in the loop's thread; where the loop has been closed, nobody waits any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)
