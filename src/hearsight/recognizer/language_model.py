"""What is likely to be said, and how words are spelled: the language model that weighs in the first pass.

A transducer that was trained on hours of speech spells by ear. An n-gram of its pieces and a list of words,
both made from text, of which there is more, correct that while it searches (shallow fusion, C. Gulcehre et
al., "On using monolingual corpora in neural machine translation", 2015). What the transducer itself has
learnt of its texts is taken off, as what its joiner expects that hears nothing (E. Variani et al., "Hybrid
autoregressive transducer", 2020).
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import BundleError

if TYPE_CHECKING:
    from hearsight.recognizer.pieces import Pieces

STEP = 1 / 16
"""Natural logs are stored as whole multiples of this, from 0 down to 255 of them."""
ORDER = 4
"""Labels of the longest n-gram."""
_REMEMBERED = 4096
"""Rows of each kind that are kept, 2 kB each."""
_UNKNOWN = None
"""The letters so far of a word that is in no list."""


@dataclass(frozen=True, slots=True)
class LanguageModelConfig:
    """How much a language model weighs; natural logs.

    Attributes:
        weight: of the n-gram's log probabilities.
        internal: of what the transducer expects by itself, which is taken off.
        bonus: for each label, since both others make long texts unlikely.
        unknown: cost of a word that is in no list.
    """

    weight: float
    internal: float
    bonus: float
    unknown: float


class NGram:
    """Log probabilities of labels after others, backing off (R. Kneser and H. Ney, 1995).

    An n-gram is a number in base ``vocabulary_size``, its last label the lowest digit; the blank stands for
    the beginning of an utterance.

    Args:
        grams: for each order from 1 on, the sorted numbers of its n-grams.
        scores: likewise their natural logs, in steps of -1/16.
        backoffs: for each order, those of what is left for the labels that never came after each context
            of its n-grams, in the order of the contexts' numbers.
        vocabulary_size: labels.
    """

    def __init__(
        self,
        grams: Sequence[NDArray[np.int64]],
        scores: Sequence[NDArray[np.uint8]],
        backoffs: Sequence[NDArray[np.uint8]],
        vocabulary_size: int,
    ) -> None:
        self._size = vocabulary_size
        self._grams, self._scores = list(grams), [-STEP * each.astype(np.float32) for each in scores]
        self._contexts = [np.unique(each // vocabulary_size) for each in grams]
        self._backoffs = [-STEP * each.astype(np.float32) for each in backoffs]
        sizes = [len(each) for each in grams]
        left = [len(each) for each in self._contexts]
        if sizes != [len(each) for each in scores] or left != [len(each) for each in backoffs]:
            raise ValueError("an n-gram without a score, or one that nothing is left for")
        self.after = lru_cache(_REMEMBERED)(self._after)
        """``(vocabulary,)``: natural log of the probability of each label after the last few."""

    def _after(self, labels: tuple[int, ...]) -> NDArray[np.float32]:
        if len(labels) >= len(self._grams):
            return self.after(labels[1:])
        if labels:
            row = self.after(labels[1:]).copy()
        else:
            row = np.full(self._size, -np.log(self._size), np.float32)
        number = 0
        for label in labels:
            number = number * self._size + label
        if self._back_off(row, len(labels), number):
            grams, scores = self._grams[len(labels)], self._scores[len(labels)]
            start, stop = np.searchsorted(grams, (number * self._size, (number + 1) * self._size))
            row[grams[start:stop] - number * self._size] = scores[start:stop]
        return row

    def _back_off(self, row: NDArray[np.float32], length: int, number: int) -> bool:
        """Make room in the row for what came after a context; whether anything ever did."""
        contexts = self._contexts[length]
        at = int(np.searchsorted(contexts, number))
        if at == len(contexts) or contexts[at] != number:
            return False
        row += self._backoffs[length][at]
        return True


class Lexicon:
    """Words that there are.

    Args:
        words: in small letters, sorted.
        texts: for each label its letters, None if it stands for none.
        begins: for each label whether a word begins with it.
    """

    def __init__(self, words: Sequence[str], texts: Sequence[str | None], begins: Sequence[bool]) -> None:
        self.words, self.texts, self.begins = words, texts, begins
        spelled = [(label, text) for label, text in enumerate(texts) if text is not None]
        self._first = [(label, text) for label, text in spelled if begins[label]]
        self._further = [(label, text) for label, text in spelled if not begins[label]]
        self._at_start = np.zeros(len(texts), np.float32)
        for label, text in self._first:
            self._at_start[label] = not self._is_prefix(text)
        self._after_word = self._at_start.copy()
        self._after_part = self._at_start.copy()
        for label, _ in self._first:
            self._after_part[label] += 1
        self.misspelled = lru_cache(_REMEMBERED)(self._misspelled)
        """``(vocabulary,)``: how many words each label makes unknown, given the letters of the last word."""

    def letters(self, labels: Sequence[int]) -> str | None:
        """Of the word that some labels end in the middle of; None if it is known to be no word."""
        parts: list[str] = []
        for label in reversed(labels):
            parts.append(self.texts[label] or "")
            if self.begins[label]:
                break
        letters = "".join(reversed(parts))
        return letters if not letters or self._is_prefix(letters) else _UNKNOWN

    def is_whole(self, letters: str | None) -> bool:
        """Whether a word may end after its letters; what is known to be none may end anywhere."""
        if letters is _UNKNOWN or not letters:
            return True
        at = bisect_left(self.words, letters)
        return at < len(self.words) and self.words[at] == letters

    def _misspelled(self, letters: str | None) -> NDArray[np.float32]:
        if letters is _UNKNOWN or not letters:
            return self._at_start
        start, stop = self._range(letters)
        row = (self._after_word if self.is_whole(letters) else self._after_part).copy()
        for label, text in self._further:
            longer = letters + text
            at = bisect_left(self.words, longer, start, stop)
            row[label] = at == stop or not self.words[at].startswith(longer)
        return row

    def _range(self, prefix: str) -> tuple[int, int]:
        """The words that begin with some letters: index of the first, and of the first one after them."""
        return bisect_left(self.words, prefix), bisect_left(self.words, prefix + "\U0010ffff")

    def _is_prefix(self, letters: str) -> bool:
        at = bisect_left(self.words, letters)
        return at < len(self.words) and self.words[at].startswith(letters)


class LanguageModel:
    """What is added to the log probability of each label, given those before it.

    Args:
        ngram: how likely labels are.
        lexicon: which words there are.
        config: how much they weigh.
        blank: label of the blank, to which nothing is added.
    """

    def __init__(self, ngram: NGram, lexicon: Lexicon, config: LanguageModelConfig, blank: int) -> None:
        self._ngram, self._lexicon, self._config, self._blank = ngram, lexicon, config, blank
        self.knowing = lru_cache(4)(self._knowing)
        """The same for which some more words, in small letters, are known; made once for each set of them."""

    def _knowing(self, words: frozenset[str]) -> LanguageModel:
        old = self._lexicon
        lexicon = Lexicon(sorted({*old.words, *words}), old.texts, old.begins)
        return LanguageModel(self._ngram, lexicon, self._config, self._blank)

    def end(self, labels: tuple[int, ...]) -> float:
        """What speaks for an end here, in natural log: 0 after a whole word, less within one."""
        return 0.0 if self._lexicon.is_whole(self._lexicon.letters(labels)) else -self._config.unknown

    def outlook(
        self, spelled: Sequence[tuple[int, ...]], internal: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What speaks for each next label, in natural log.

        Args:
            spelled: labels of utterances up to here.
            internal: ``(utterances, vocabulary)`` natural logs of what the transducer expects without
                hearing anything.

        Returns:
            ``(utterances, vocabulary)``, 0 for the blank.
        """
        config, lexicon = self._config, self._lexicon
        expected = np.stack([self._ngram.after((self._blank, *labels)[-(ORDER - 1) :]) for labels in spelled])
        unknown = np.stack([lexicon.misspelled(lexicon.letters(labels)) for labels in spelled])
        own = internal.copy()
        own[:, self._blank] = -np.inf
        own = internal - log_sum(own)
        rows = config.weight * expected - config.internal * own + config.bonus - config.unknown * unknown
        rows[:, self._blank] = 0.0
        return np.asarray(rows, np.float32)


def read_language_model(
    content: bytes, path: str, config: LanguageModelConfig, pieces: Pieces, blank: int
) -> LanguageModel:
    """Open what :func:`pack_language_model` wrote.

    Raises:
        BundleError: it is something else.
    """
    size = pieces.vocabulary_size
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            grams = [np.cumsum(stored[f"grams{order}"].astype(np.int64)) for order in range(1, ORDER + 1)]
            scores = [stored[f"scores{order}"] for order in range(1, ORDER + 1)]
            backoffs = [stored[f"backoffs{order}"] for order in range(1, ORDER + 1)]
            words = stored["words"].tobytes().decode().split("\n")
        if any(len(each) and not 0 <= each[-1] < size**order for order, each in enumerate(grams, 1)):
            raise ValueError("an n-gram of labels that there are not")
        ngram = NGram(grams, scores, backoffs, size)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BundleError(f"{path} is no language model ({error}): take a fresh copy of the bundle") from None
    texts = [None if pieces.is_silent(label) else pieces.letters(label) for label in range(size)]
    begins = [pieces.starts_word(label) for label in range(size)]
    return LanguageModel(ngram, Lexicon(words, texts, begins), config, blank)


def pack_language_model(
    grams: Sequence[NDArray[np.int64]],
    scores: Sequence[NDArray[np.uint8]],
    backoffs: Sequence[NDArray[np.uint8]],
    words: Iterable[str],
) -> bytes:
    """The bytes of a language model: see :class:`NGram` and :class:`Lexicon` for its parts."""
    arrays = {f"grams{order}": np.diff(each, prepend=0) for order, each in enumerate(grams, 1)}
    arrays |= {f"scores{order}": each for order, each in enumerate(scores, 1)}
    arrays |= {f"backoffs{order}": each for order, each in enumerate(backoffs, 1)}
    arrays["words"] = np.frombuffer("\n".join(sorted(words)).encode(), np.uint8)
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    return packed.getvalue()


def log_sum(values: NDArray[Any]) -> NDArray[Any]:
    """``(n, 1)``: natural log of the sum of what each row ``(n, m)`` holds the natural logs of."""
    highest = values.max(axis=1, keepdims=True)
    total: NDArray[Any] = highest + np.log(np.exp(values - highest).sum(axis=1, keepdims=True))
    return total
