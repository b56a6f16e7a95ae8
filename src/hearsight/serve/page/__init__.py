"""The page: static files that a server hands out as they are, and the headers they must go with.

``index.html`` belongs at ``/``, everything else of :data:`FOLDER` at :data:`MOUNT`; the page asks for nothing
from anywhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hearsight.errors import HearsightError

FOLDER: Final = Path(__file__).parent
"""Where the files lie."""
MOUNT: Final = "/page"
"""Under which address the page looks for its files."""
SUFFIXES: Final = frozenset({".css", ".html", ".js", ".svg"})
"""What of the folder is meant for browsers; nothing else may be handed out."""

RUNTIME_MOUNT: Final = "/runtime"
"""Under which address the page looks for ONNX Runtime Web, with which it can crop the mouth itself."""
RUNTIME_FILES: Final = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""What it needs of that (14 MB, so it does not come with the package)."""

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
RUNTIME_HEADERS: Final = {
    **HEADERS,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(
        "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
    ),
}
"""The same where the page may run ONNX Runtime Web, which is WebAssembly."""


def check_runtime(folder: Path) -> None:
    """Whether a folder is the ``dist`` of the npm package onnxruntime-web.

    Raises:
        HearsightError: a file that the page needs is not there.
    """
    missing = [name for name in RUNTIME_FILES if not (folder / name).is_file()]
    if missing:
        raise HearsightError(
            f"{folder} has no {missing[0]}: give the folder dist of the npm package onnxruntime-web"
        )
