"""Messages on their way from a coroutine to the thread that decodes them."""

from __future__ import annotations

import asyncio
import threading
from collections import deque


class Inbox:
    """A bounded queue of the contents of binary messages, for one coroutine and one thread.

    Args:
        max_bytes: of what waits; a single message may be larger.
        max_messages: that wait.
    """

    def __init__(self, max_bytes: int, max_messages: int = 256) -> None:
        self._max_bytes, self._max_messages = max_bytes, max_messages
        self._waiting: deque[memoryview] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def put(self, content: memoryview) -> None:
        """Append a message, waiting for room; after the end it is dropped."""
        while not self._append(content):
            room = asyncio.Event()
            self._room = asyncio.get_running_loop(), room
            # It may have become empty before the event was there to be set.
            if self._append(content):
                return
            await room.wait()

    @property
    def closed(self) -> bool:
        """Whether the end has been said."""
        return self._closed

    def peek(self) -> memoryview | None:
        """The next message, waiting for it, but left where it is; None at the end."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return self._waiting[0] if self._waiting else None

    def get(self) -> memoryview | None:
        """The next message, waiting for it; None at the end."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return None
            content = self._waiting.popleft()
            self._bytes -= len(content)
        self._tell_room()
        return content

    def close(self, *, drop: bool = False) -> None:
        """There will be no more; ``drop`` what waits."""
        with self._changed:
            self._closed = True
            if drop:
                self._waiting.clear()
                self._bytes = 0
            self._changed.notify_all()
        self._tell_room()

    def _append(self, content: memoryview) -> bool:
        with self._changed:
            full = self._bytes + len(content) > self._max_bytes or len(self._waiting) >= self._max_messages
            if self._waiting and full and not self._closed:
                return False
            if not self._closed:
                self._waiting.append(content)
                self._bytes += len(content)
                self._changed.notify_all()
            return True

    def _tell_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room[0].is_closed():
            room[0].call_soon_threadsafe(room[1].set)
