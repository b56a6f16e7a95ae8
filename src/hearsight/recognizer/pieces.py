"""Labels of the network, and the SentencePiece pieces they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import sentencepiece

from hearsight.errors import BundleError
from hearsight.recognizer.config import BundleConfig

WORD_START = "\u2581"
"""How SentencePiece writes the space before a word."""


class Pieces:
    """Turns labels into text.

    The blank either has a place among the pieces (the model has as many pieces as the network has
    labels) or lies beside them (one piece fewer, and labels above the blank stand one place higher).

    Raises:
        BundleError: the bytes are no SentencePiece model, or it has another number of pieces.
    """

    def __init__(self, model: bytes, path: str, config: BundleConfig) -> None:
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
        except RuntimeError:
            raise BundleError(f"{path} is not a SentencePiece model: export the bundle again") from None
        size = self._processor.GetPieceSize()
        if size not in (config.vocabulary_size, config.vocabulary_size - 1):
            raise BundleError(
                f"{path} has {size} pieces, and its bundle's network {config.vocabulary_size} labels: "
                "export the bundle again"
            )
        blank_beside = size < config.vocabulary_size
        self._piece_ids = [
            label - (blank_beside and label > config.blank) for label in range(config.vocabulary_size)
        ]
        self._silent = {config.blank}
        self._word_starts: set[int] = set()
        for label, piece in enumerate(self._piece_ids):
            if label == config.blank:
                continue
            if self._processor.IsControl(piece) or self._processor.IsUnknown(piece):
                self._silent.add(label)
            elif self._processor.IdToPiece(piece).startswith(WORD_START):
                self._word_starts.add(label)
        self._labels = {
            piece: label for label, piece in enumerate(self._piece_ids) if not self.is_silent(label)
        }

    @property
    def vocabulary_size(self) -> int:
        """Number of labels, the blank among them."""
        return len(self._piece_ids)

    def labels(self, text: str) -> tuple[int, ...] | None:
        """The labels that spell words; None where there is nothing to spell, or no piece for a character."""
        pieces = self._processor.EncodeAsIds(text)
        if not pieces or not all(piece in self._labels for piece in pieces):
            return None
        return tuple(self._labels[piece] for piece in pieces)

    def is_silent(self, label: int) -> bool:
        """Whether the label stands for no text: the blank, a control piece, the unknown piece."""
        return label in self._silent

    def starts_word(self, label: int) -> bool:
        """Whether a word begins with this label."""
        return label in self._word_starts

    def letters(self, label: int) -> str:
        """What the label stands for, without the space before a word."""
        return str(self._processor.IdToPiece(self._piece_ids[label])).removeprefix(WORD_START)

    def text(self, labels: Sequence[int]) -> str:
        """The text of consecutive labels, without spaces around it."""
        return str(self._processor.DecodeIds([self._piece_ids[label] for label in labels])).strip()
