"""Who may use the server: bearer token, origin of web pages, names of the server, requests a minute."""

from __future__ import annotations

import hmac
import ipaddress
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

_MAX_ADDRESSES = 10_000


class Access:
    """The rules.

    Args:
        token: that every request must bring, None for no such rule.
        origins: of web pages that may use the server from elsewhere, as ``https://example.org``.
        host: name or address that the server was told to listen at.
    """

    def __init__(
        self, token: str | None = None, origins: Iterable[str] = (), host: str = "127.0.0.1"
    ) -> None:
        self._token = None if token is None else token.encode()
        self.origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        computer = socket.gethostname().lower()
        own = {host.lower(), "localhost", computer, f"{computer}.local", socket.getfqdn().lower()}
        self._names = own | {urlsplit(origin).hostname or "" for origin in self.origins}

    def token_allowed(self, connection: HTTPConnection, said: str | None = None) -> bool:
        """Whether the header, or what was said elsewhere, is the token; compared in constant time."""
        if self._token is None:
            return True
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = said or ""
        return hmac.compare_digest(given.strip().encode(), self._token)

    def origin_allowed(self, connection: HTTPConnection) -> bool:
        """Whether a browser sends this from our own page, or from one that was allowed.

        What is no browser sends no origin, and is let in. The name under which the server was called must
        be its own: else any page could lead its own name here and be of "the same origin" (DNS rebinding).
        """
        host = connection.headers.get("host", "").lower()
        if not self._is_own_name(host):
            return False
        origin = connection.headers.get("origin")
        if origin is None:
            return True
        return origin.lower() in self.origins or urlsplit(origin.lower()).netloc == host

    def _is_own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Throttle:
    """Counts what happens in a sliding window.

    Args:
        most: that may happen in a window.
        window_s: its length.
        clock: seconds, monotonic.
    """

    def __init__(self, most: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._window_s, self._clock = most, window_s, clock
        self._times: deque[float] = deque(maxlen=most)

    def crossed(self) -> bool:
        """One more has happened: whether that is too many."""
        now = self._clock()
        full = len(self._times) == self._most and now - self._times[0] < self._window_s
        if not full:
            self._times.append(now)
        return full

    @property
    def pause_s(self) -> float:
        """Seconds until one more may happen."""
        if len(self._times) < self._most:
            return 0.0
        return max(0.0, self._times[0] + self._window_s - self._clock())


class Throttles:
    """One throttle for each address; the least recent are forgotten, so that memory is bounded."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most, self._window_s = most, window_s
        self._by_address: OrderedDict[str, Throttle] = OrderedDict()

    def of(self, address: str) -> Throttle:
        """The throttle of an address."""
        throttle = self._by_address.setdefault(address, Throttle(self._most, self._window_s))
        self._by_address.move_to_end(address)
        if len(self._by_address) > _MAX_ADDRESSES:
            self._by_address.popitem(last=False)
        return throttle
