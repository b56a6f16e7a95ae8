"""HTTP and WebSockets as uvicorn speaks them, with patience for slow clients that has an end."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEADERS_S = 10.0
"""Seconds until the headers of a connection's first request have come."""
UNREAD_S = 20.0
"""Seconds that anything said to a client may wait until it has been taken."""
HEADERS_BYTES = 32 << 10


class _Read(asyncio.Protocol):
    """Drops a connection on which something is not read.

    Even one that has been closed would otherwise wait for ever for its last bytes to be taken.
    """

    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # Whatever the system does not take at once is waiting for the client.
        transport.set_write_buffer_limits(high=0)
        self._abort = transport.abort

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = asyncio.get_running_loop().call_later(UNREAD_S, self._abort)

    def resume_writing(self) -> None:
        _stop(self._unread)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        _stop(self._unread)
        super().connection_lost(exc)


class ImpatientWebSocket(_Read, WebSocketsSansIOProtocol):
    """Drops clients that do not read."""


class ImpatientHttp(_Read, H11Protocol):
    """Drops clients that do not read, and those whose next request does not come.

    uvicorn alone would keep them for ever, as long as a byte comes now and then.
    """

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
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
        """Somebody else has the connection from now on, unless an answer still waits to be read."""
        _stop(self._late)
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        _stop(self._late)
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        _stop(self._late)
        self._late = self.loop.call_later(seconds, self.transport.abort)


def _stop(clock: asyncio.TimerHandle | None) -> None:
    if clock is not None:
        clock.cancel()
