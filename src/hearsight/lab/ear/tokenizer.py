"""Whisper's tokens as text: byte pairs of GPT-2."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable

END = 50256
START = 50257
NO_TIMESTAMPS = 50362
FIRST_SPECIAL = END
"""This token and all after it are marks, not text."""
PROMPT = (START, NO_TIMESTAMPS)
"""What a transcription without time stamps begins with."""

_STRETCHES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
"""Contractions, words, figures and marks, each with the blank before it."""


def byte_symbols() -> dict[str, int]:
    """The characters that stand for the bytes: themselves where printable, else those from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in set(printable)]
    return symbols | {chr(256 + place): byte for place, byte in enumerate(others)}


class Tokenizer:
    """Tokens to text and back, from the ``tokenizer.json`` of the package."""

    def __init__(self, content: bytes) -> None:
        model = json.loads(content)["model"]
        self._bytes = byte_symbols()
        self._numbers: dict[str, int] = model["vocab"]
        self._pieces: dict[int, str] = {token: piece for piece, token in self._numbers.items()}
        merges = model.get("merges", [])
        pairs = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in merges]
        self._ranks: dict[tuple[str, ...], int] = {pair: rank for rank, pair in enumerate(pairs)}

    def table(self) -> tuple[bytes, ...]:
        """The bytes of each token of text, by its number."""
        pieces = (self._pieces[token] for token in range(FIRST_SPECIAL))
        return tuple(bytes(self._bytes[symbol] for symbol in piece) for piece in pieces)

    def text(self, tokens: Iterable[int]) -> str:
        """What the tokens say, without marks."""
        pieces = "".join(self._pieces[token] for token in tokens if token < FIRST_SPECIAL)
        return bytes(self._bytes[symbol] for symbol in pieces).decode(errors="replace").strip()

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, as Whisper writes texts.

        Source: R. Sennrich, B. Haddow, A. Birch, "Neural machine translation of rare words with subword
        units", 2016, on bytes, within the stretches that GPT-2 keeps apart.
        """
        symbols = {byte: symbol for symbol, byte in self._bytes.items()}
        found: list[int] = []
        for stretch in _STRETCHES.findall(text):
            pieces = self._merged([symbols[byte] for byte in stretch.encode()])
            found += [self._numbers[piece] for piece in pieces]
        return found

    def _merged(self, pieces: list[str]) -> list[str]:
        """The pieces, joined pair by pair, the most frequent pair of the training first."""
        while len(pieces) > 1:
            pairs = list(itertools.pairwise(pieces))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            place = pairs.index(best)
            pieces = [*pieces[:place], "".join(best), *pieces[place + 2 :]]
        return pieces
