"""SentencePiece: training on texts, and words as framewise targets."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from hearsight.errors import HearsightError
from hearsight.types import FRAME_RATE

UNKNOWN_FRAME = -1
"""Framewise target where nothing is known; the loss leaves it out."""


def train_pieces(texts: Iterable[str], vocabulary_size: int) -> bytes:
    """A unigram model over the texts, open to any word of their letters; piece 0 stands for the blank.

    Raises:
        HearsightError: the texts are too few for so many pieces.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=vocabulary_size,
            model_type="unigram",
            character_coverage=1.0,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise HearsightError(
            f"the texts do not yield {vocabulary_size} pieces ({str(error).splitlines()[-1]}): "
            "give more text or a smaller vocabulary"
        ) from error
    return model.getvalue()


def load_pieces(model: bytes) -> sentencepiece.SentencePieceProcessor:
    """The processor of a trained model."""
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def frame_targets(
    words: Iterable[tuple[str, float, float]] | None,
    frames: int,
    pieces: sentencepiece.SentencePieceProcessor,
    delay: int = 2,
) -> NDArray[np.int64]:
    """The pieces of each word, each on the frames of the second part of its share of the word, 0 elsewhere.

    Args:
        words: word, start and end in seconds; None where the times are not known.
        frames: length of the utterance.
        pieces: the vocabulary.
        delay: frames by which targets follow the sound, for what the encoder must see first.
    """
    if words is None:
        return np.full(frames, UNKNOWN_FRAME, np.int64)
    targets = np.zeros(frames, np.int64)
    for word, start, end in words:
        labels = pieces.encode(word)
        share = (end - start) / max(1, len(labels))
        for place, label in enumerate(labels):
            first = max(0, int((start + (place + 0.35) * share) * FRAME_RATE) + delay)
            last = max(0, min(frames, int(np.ceil((start + (place + 1) * share) * FRAME_RATE)) + delay))
            targets[first:last] = label
    return targets
