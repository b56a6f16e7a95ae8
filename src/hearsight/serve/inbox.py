"""Messages of one stream on their way from the thread that receives them to the one that decodes them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

MESSAGE_BYTES = 256
"""What a message takes beside its content."""


class Inbox:
    """A queue for two threads. Its sender sees to it that not too much waits here, by what has been taken.

    Args:
        on_taken: called in the taking thread after each message.
        while_waiting: what the taking thread is in while it waits for one.

    Attributes:
        taken: bytes of the messages that have been taken, with :data:`MESSAGE_BYTES` for each.
        stamp: what came along with the message that was taken last, 0 at first.
    """

    def __init__(
        self,
        on_taken: Callable[[], None] = lambda: None,
        while_waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.taken, self.stamp = 0, 0.0
        self._on_taken, self._while_waiting = on_taken, while_waiting
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, content: bytes, stamp: float) -> None:
        """Append a message; after the end it is dropped."""
        with self._changed:
            if not self._closed:
                self._waiting.append((content, stamp))
                self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the end has been said."""
        return self._closed

    def peek(self) -> bytes | None:
        """The next message, waiting for it, but left where it is; None at the end."""
        with self._while_waiting(), self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return self._waiting[0][0] if self._waiting else None

    def get(self) -> bytes | None:
        """The next message, waiting for it; None at the end."""
        with self._while_waiting(), self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return None
            content, self.stamp = self._waiting.popleft()
            self.taken += weight(content)
        self._on_taken()
        return content

    def close(self, *, drop: bool = False) -> None:
        """There will be no more; ``drop`` what waits."""
        with self._changed:
            self._closed = True
            if drop:
                self._waiting.clear()
            self._changed.notify_all()


def weight(content: bytes | memoryview) -> int:
    """What a message counts for, in bytes."""
    return len(content) + MESSAGE_BYTES
