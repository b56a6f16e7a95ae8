"""hearsight turns a face and a voice into text while the person is still speaking.

    import hearsight

    recognizer = hearsight.Recognizer.load()
    for event in recognizer.transcribe("talk.mp4"):
        print(event.text)

The names below are imported when first used, so that ``import hearsight`` itself costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hearsight.captions import write_captions
    from hearsight.errors import BundleError, HearsightError, ManifestError, MediaError
    from hearsight.recognizer import Recognizer, Stream
    from hearsight.types import Chunk, Crops, Event, Word

__version__ = "0.1.0"

__all__ = [
    "BundleError",
    "Chunk",
    "Crops",
    "Event",
    "HearsightError",
    "ManifestError",
    "MediaError",
    "Recognizer",
    "Stream",
    "Word",
    "__version__",
    "write_captions",
]

_HOMES = {
    "BundleError": "hearsight.errors",
    "Chunk": "hearsight.types",
    "Crops": "hearsight.types",
    "Event": "hearsight.types",
    "HearsightError": "hearsight.errors",
    "ManifestError": "hearsight.errors",
    "MediaError": "hearsight.errors",
    "Recognizer": "hearsight.recognizer",
    "Stream": "hearsight.recognizer",
    "Word": "hearsight.types",
    "write_captions": "hearsight.captions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hearsight' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
