"""HTTP as uvicorn speaks it, with patience for slow clients that has an end."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 10.0
"""Seconds until the headers of a connection's first request have come."""
HEADERS_BYTES = 32 << 10


class ImpatientHttp(H11Protocol):
    """Closes connections whose first request does not come; uvicorn alone would keep them for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEADERS_S, self._give_up)

    def _give_up(self) -> None:
        cycle: object = self.cycle  # None before the first request, whatever its type says
        # A WebSocket has taken the connection over, and never has such a cycle.
        upgraded = self.transport.get_protocol() is not self
        if cycle is None and not upgraded and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)
