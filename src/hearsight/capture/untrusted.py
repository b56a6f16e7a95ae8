"""Recordings that a stranger has sent: decoded from their bytes alone, whatever they say about themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import av
from av.codec.context import CodecContext
from av.container import InputContainer

FORMATS = (
    "3gp,aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,flac,flv,m4v,matroska,webm,mov,mp4,m4a,3g2,mj2,mp2,mp3,"
    "mpeg,mpegts,mxf,ogg,opus,w64,wav,wv"
)
"""FFmpeg's names of the containers that are opened: those that hold themselves what they play."""
MAX_PIXELS = 4096 * 2304
"""Pixels of a picture; a header of a few bytes may ask for gigabytes."""
_MAX_STREAMS = 64


@dataclass(frozen=True)
class Untrusted:
    """Bytes to be read as a recording.

    A recording can name other files or addresses (playlists, references in MP4); none is followed.

    Attributes:
        name: what errors call it.
        open: gives a file-like object that reads it from its beginning.
        rereadable: whether ``open`` may be called twice, with objects that do not disturb each other.
        patience_s: in what can be read only once, how far one of sound and pictures may fall behind before
            the other goes on without it; None is the usual time.
        format: FFmpeg's name of its container, None to find out.
    """

    name: str
    open: Callable[[], BinaryIO]
    rereadable: bool
    patience_s: float | None = None
    format: str | None = None

    def __str__(self) -> str:
        return self.name

    def container(self, options: dict[str, str]) -> InputContainer:
        """Open it; raises what PyAV raises."""
        limits = {"format_whitelist": FORMATS, "protocol_whitelist": "none", "max_streams": str(_MAX_STREAMS)}
        container = av.open(
            self.open(), "r", format=self.format, options={**options, **limits}, metadata_errors="replace"
        )
        for stream in container.streams:
            context: CodecContext | None = getattr(stream, "codec_context", None)
            if context is not None:
                context.options = {"max_pixels": str(MAX_PIXELS)}
        return container
