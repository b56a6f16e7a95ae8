"""HTTP requests of tests that are not about time: they wait longer than the client's own 5 s."""

from __future__ import annotations

from functools import partial

import httpx2

_PATIENCE_S = 30.0

request = partial(httpx2.request, timeout=_PATIENCE_S)
get = partial(request, "GET")
post = partial(request, "POST")
options = partial(request, "OPTIONS")
