"""HTTP as uvicorn speaks it, with patience for slow clients that has an end."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 10.0
"""Seconds until the headers of a connection's first request have come."""
UNREAD_S = 20.0
"""Seconds that a part of an answer may wait until the client has taken it."""
HEADERS_BYTES = 32 << 10


class ImpatientHttp(H11Protocol):
    """Closes connections whose next request does not come, or whose answers are not read.

    uvicorn alone would keep them for ever, as long as a byte comes now and then.
    """

    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        # Whatever the system does not take at once is waiting for the client.
        transport.set_write_buffer_limits(high=0)
        self._wait(HEADERS_S)

    def handle_events(self) -> None:
        """A request may have come."""
        super().handle_events()
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        if cycle is not None and not cycle.response_complete:
            _stop(self._late)

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have come already."""
        self._wait(self.timeout_keep_alive)
        super().on_response_complete()

    def _should_upgrade(self) -> bool:
        """WebSockets are counted among the connections: one too many is answered as any other request."""
        full = self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency
        return not full and super()._should_upgrade()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Somebody else has the connection from now on."""
        self._stop_all()
        self.transport.set_write_buffer_limits()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """An answer waits to be read."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has been."""
        _stop(self._unread)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_all()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        _stop(self._late)
        self._late = self.loop.call_later(seconds, self.transport.abort)

    def _stop_all(self) -> None:
        _stop(self._late)
        _stop(self._unread)


def _stop(clock: asyncio.TimerHandle | None) -> None:
    if clock is not None:
        clock.cancel()
