"""The vocabulary of a new model, from the texts of the shards it will be trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hearsight.errors import HearsightError
from hearsight.lab.data.pieces import train_pieces
from hearsight.lab.data.shards import find_shards, read_texts


def vocabulary_for(sources: Sequence[str], out: Path, *, size: int, extra_texts: Path | None = None) -> bytes:
    """The SentencePiece model of a training in ``out``, trained at the first call and kept there.

    Args:
        sources: folders of shards.
        out: folder of the training; holds ``tokens.model`` afterwards.
        size: pieces, the blank included.
        extra_texts: a file of further texts, one a line, so that the pieces are open to other words.

    Raises:
        HearsightError: a file cannot be read, or the texts do not yield so many pieces.
    """
    path = out / "tokens.model"
    if not path.is_file():
        texts = _texts(sources, extra_texts)
        out.mkdir(parents=True, exist_ok=True)
        path.write_bytes(train_pieces(texts, size))
    return path.read_bytes()


def _texts(sources: Sequence[str], extra_texts: Path | None) -> Iterable[str]:
    for folder in sources:
        yield from read_texts(find_shards(folder))
    if extra_texts is not None:
        try:
            yield from filter(None, map(str.strip, extra_texts.read_text(encoding="utf-8").splitlines()))
        except OSError as error:
            raise HearsightError(
                f"{extra_texts} cannot be read ({error.strerror}): check the path"
            ) from error
