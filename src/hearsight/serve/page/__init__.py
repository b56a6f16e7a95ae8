"""The page: static files that a server hands out as they are, and the headers they must go with.

``index.html`` belongs at ``/``, everything else of :data:`FOLDER` at :data:`MOUNT`; the page asks for nothing
from anywhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Where the files lie."""
MOUNT: Final = "/page"
"""Under which address the page looks for its files."""
SUFFIXES: Final = frozenset({".css", ".html", ".js", ".svg"})
"""What of the folder is meant for browsers; nothing else may be handed out."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""No inline script or style, no foreign resource, no embedding in another site."""

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), screen-wake-lock=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""To be sent with the page and each of its files."""
