"""Greedy reading with an autoregressive decoder: when it ends, what it may not say, how it goes wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hearsight.types import Word

TOKENS_PER_SECOND = 10.0
"""More than people say; what exceeds it is invented."""
SPARE_TOKENS = 6
_LOOPS = 3
_LONG, _LONGEST_LOOP = 8, 60
_STRETCH, _FEW = 24, 5
_SURER = 0.2
"""Measured with `small-en`: at 0.2 telephone prompts are read as well as if always (4.1 % wrong), and GRID
sentences as well as they are heard (0.3 %, read 66 %); at 0.1 prompts 5.8 %, at 0.3 GRID 5.7 %."""
_MANY_WORDS, _LEAST_SHARE = 6, 0.5
"""A decoder that has read less than this share of many words has stopped too early, such as after the first
of two sentences, sure of it. On telephone prompts the share was never under 0.57."""
_MARKS = frozenset(".,!?;:…-–—\"'“”‘’()")


def token_limit(seconds: float) -> int:
    """Tokens that can be said in that time."""
    return int(SPARE_TOKENS + TOKENS_PER_SECOND * seconds)


def without_loop(tokens: Sequence[int]) -> list[int]:
    """The tokens to the end of the first round of a loop: a decoder that has lost its place goes round.

    A loop is a stretch of tokens said at least three times on end and to the end of the text (single tokens:
    six times, as numbers are said digit by digit; sentences of eight and more: twice).
    """
    kept = list(tokens)
    for size in range(1, min(_LONGEST_LOOP, len(kept) // 2) + 1):
        rounds = _rounds(kept, size)
        if rounds >= (2 * _LOOPS if size == 1 else _LOOPS if size < _LONG else 2):
            return kept[: len(kept) - size * (rounds - 1)]
    return kept


def has_loop(tokens: Sequence[int]) -> bool:
    """Whether the tokens end in a loop, or in a long stretch of very few: nobody says so many letters."""
    latest = tokens[-_STRETCH:]
    few = len(latest) == _STRETCH and len(set(latest)) <= _FEW
    return few or len(without_loop(tokens)) < len(tokens)


def _rounds(tokens: Sequence[int], size: int) -> int:
    """How often the last so many tokens come on end at the end."""
    rounds, last = 1, list(tokens[-size:])
    while list(tokens[-size * (rounds + 1) : -size * rounds]) == last and last:
        rounds += 1
    return rounds


def folded(content: Sequence[bytes]) -> list[int]:
    """A number for each token, the same for tokens that differ by case and surrounding space alone.

    A sentence that is read twice begins once with a capital and without a space, and then with one.
    """
    numbers: dict[bytes, int] = {}
    return [numbers.setdefault(token.strip().lower(), len(numbers)) for token in content]


@dataclass(frozen=True, slots=True)
class ReadWord:
    """A word as it was read: with case and punctuation, and its confidence in [0, 1] as a natural log."""

    text: str
    log_probability: float


def is_trusted(read: Sequence[ReadWord], heard: Sequence[Word]) -> bool:
    """Whether what was read is taken: the first pass's words stay where it is surer of them, by a margin.

    A second pass knows more words, the first one the sentences it was trained on ("lay white by k four");
    each is unsure where the other is at home. What counts is the geometric mean of the words' confidences,
    and that no sentence is missing.

    Args:
        read: of the second pass; if there are none, nothing is taken.
        heard: of the first pass, at least one.
    """
    stopped = len(heard) >= _MANY_WORDS and len(read) < _LEAST_SHARE * len(heard)
    if not read or stopped:
        return False
    surely = math.exp(sum(word.log_probability for word in read) / len(read))
    return sureness(heard) - surely <= _SURER


def sureness(heard: Sequence[Word]) -> float:
    """Geometric mean of the confidences of the first pass's words, of which there is at least one."""
    return math.exp(sum(math.log(max(word.confidence, 1e-3)) for word in heard) / len(heard))


def to_read_words(tokens: Sequence[bytes], log_probabilities: Sequence[float]) -> list[ReadWord]:
    """Tokens, joined and parted at spaces; a word's probability is the geometric mean of its tokens'.

    What consists of punctuation alone is no word.
    """
    words = []
    for content, logs in _parted(tokens, log_probabilities):
        text = content.decode(errors="replace")
        if set(text) - _MARKS:
            words.append(ReadWord(text, sum(logs) / len(logs)))
    return words


def _parted(
    tokens: Sequence[bytes], log_probabilities: Sequence[float]
) -> Iterator[tuple[bytes, list[float]]]:
    content, logs = b"", list[float]()
    for token, log_probability in zip(tokens, log_probabilities, strict=True):
        first, *others = token.replace(b"\n", b" ").split(b" ")
        for index, part in enumerate([first, *others]):
            if index and content:
                yield content, logs
                content, logs = b"", []
            if part:
                content += part
                logs.append(log_probability)
    if content:
        yield content, logs
