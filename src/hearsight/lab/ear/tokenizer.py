"""Whisper's tokens as text: byte pairs of GPT-2."""

from __future__ import annotations

import json
from collections.abc import Iterable

END = 50256
START = 50257
NO_TIMESTAMPS = 50362
FIRST_SPECIAL = END
"""This token and all after it are marks, not text."""
PROMPT = (START, NO_TIMESTAMPS)
"""What a transcription without time stamps begins with."""


def byte_symbols() -> dict[str, int]:
    """The characters that stand for the bytes: themselves where printable, else those from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in set(printable)]
    return symbols | {chr(256 + place): byte for place, byte in enumerate(others)}


class Tokenizer:
    """Tokens to text, from the ``tokenizer.json`` of the package."""

    def __init__(self, content: bytes) -> None:
        model = json.loads(content)["model"]
        self._bytes = byte_symbols()
        self._pieces: dict[int, str] = {token: piece for piece, token in model["vocab"].items()}

    def table(self) -> tuple[bytes, ...]:
        """The bytes of each token of text, by its number."""
        pieces = (self._pieces[token] for token in range(FIRST_SPECIAL))
        return tuple(bytes(self._bytes[symbol] for symbol in piece) for piece in pieces)

    def text(self, tokens: Iterable[int]) -> str:
        """What the tokens say, without marks."""
        pieces = "".join(self._pieces[token] for token in tokens if token < FIRST_SPECIAL)
        return bytes(self._bytes[symbol] for symbol in pieces).decode(errors="replace").strip()
