"""The second pass: a decoder reads the features of an utterance that is over, and writes its text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import BundleError
from hearsight.recognizer.config import LISTEN, READ, TOKENS, BundleConfig, SecondPassConfig
from hearsight.recognizer.reading import ReadWord, folded, has_loop, to_read_words, token_limit
from hearsight.types import FRAME_RATE

Finals = Literal["one-pass", "two-pass"]
"""Who writes the finals: the search that wrote the partials, or the second pass."""

WIDTH = 4
_MARGIN = 6.0
"""Texts less probable than the best by more than this (natural log) are dropped. With 8 the longest prompt
takes a third longer and no word is better; with 5 eight of 518 words more are wrong."""

_LENGTH_PENALTY = 0.6
"""Measured: between 0.4 and 0.7 as good; from 0.8 on short sentences are read twice."""

Heard = Mapping[str, NDArray[Any]]
"""Keys and values of an utterance, by their names."""


def check_finals(finals: str) -> Finals:
    """Who writes the finals, if it is one of those who can.

    Raises:
        ValueError: it is not.
    """
    for known in get_args(Finals):
        if finals == known:
            return known
    raise ValueError(f"finals {finals!r} is not one of {', '.join(get_args(Finals))}")


class Decoder(Protocol):
    """The two networks of a second pass."""

    def listen(self, features: NDArray[np.float32]) -> Heard:
        """Features ``(ticks, feature_dim)`` of an utterance to what reading needs of them."""

    def read(
        self, tokens: Sequence[int], memory: NDArray[np.float32], heard: Heard
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One token more of each text: log probabilities ``(texts, vocabulary)`` of the next, and the memory.

        The memory is ``(texts, 2 * layers, heads, tokens, head_dim)``.
        """


@dataclass(frozen=True, slots=True)
class _Text:
    """A text so far."""

    tokens: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()

    def with_token(self, token: int, log_probability: float) -> _Text:
        return _Text((*self.tokens, token), (*self.log_probabilities, log_probability))

    @property
    def score(self) -> float:
        return sum(self.log_probabilities)

    @property
    def worth(self) -> float:
        """By which texts of any length compare: by the score alone, those that end too soon would win.

        Source of the form: Y. Wu et al., "Google's neural machine translation system", 2016.
        """
        return self.score / ((5 + len(self.log_probabilities)) / 6) ** _LENGTH_PENALTY


class SecondPass:
    """Reads utterances. It keeps nothing between them, so that streams may share it.

    Args:
        decoder: its networks.
        tokens: bytes of each token of text, by number.
        config: prompt, marks and limits.
        width: texts that are followed at a time; 1 takes the likeliest token again and again.
    """

    def __init__(
        self, decoder: Decoder, tokens: Sequence[bytes], config: SecondPassConfig, width: int = WIDTH
    ) -> None:
        self._decoder, self._tokens, self._config, self._width = decoder, tokens, config, width
        self._folded = folded(tokens)
        never = np.zeros(config.vocabulary_size, np.float32)
        never[len(tokens) :] = -np.inf
        never[config.end] = 0.0
        never[list(config.suppressed)] = -np.inf
        self._never, self._not_first = never, never.copy()
        self._not_first[list(config.suppressed_first)] = -np.inf

    @classmethod
    def open(cls, contents: dict[str, bytes], folder: Path, config: BundleConfig) -> SecondPass:
        """From the files of a bundle that has one; its graphs are taken out of ``contents``.

        Raises:
            BundleError: a file is not what the configuration says.
        """
        # Imported here: reading a configuration needs no onnxruntime.
        from hearsight.recognizer.second_pass_graphs import DecoderGraphs

        assert config.second_pass is not None
        graphs = {name: contents.pop(f"{name}.onnx") for name in (LISTEN, READ)}
        decoder = DecoderGraphs(graphs, folder, config.feature_dim, config.second_pass)
        return cls(
            decoder, read_tokens(contents[TOKENS], folder / TOKENS, config.second_pass), config.second_pass
        )

    @property
    def longest_s(self) -> float:
        """As much as it can read at a time, in seconds."""
        return self._config.longest_s

    def __call__(self, features: NDArray[np.float32]) -> list[ReadWord]:
        """What the features ``(ticks, feature_dim)`` of an utterance say; nothing if it loses its place."""
        tokens, log_probabilities = self.tokens(features)
        return to_read_words([self._tokens[token] for token in tokens], log_probabilities)

    def glance(self, features: NDArray[np.float32]) -> list[ReadWord]:
        """The same at a fraction of the cost: the likeliest token again and again."""
        tokens, log_probabilities = self.tokens(features, 1)
        return to_read_words([self._tokens[token] for token in tokens], log_probabilities)

    def tokens(
        self, features: NDArray[np.float32], width: int | None = None
    ) -> tuple[list[int], list[float]]:
        """The likeliest text of a beam of a few, each to its end.

        Args:
            features: ``(ticks, feature_dim)``.
            width: texts that are followed at a time, if not as many as usual.

        Returns:
            The tokens, and the natural log of each one's probability; none if no text ends without a loop
            and within what can be said in the time.
        """
        config, width = self._config, width or self._width
        limit = min(token_limit(len(features) / FRAME_RATE), config.context - len(config.prompt))
        heard = self._decoder.listen(features)
        memory = np.zeros((1, 2 * config.layers, config.heads, 0, config.head_dim), np.float32)
        for token in config.prompt:
            scores, memory = self._decoder.read([token], memory, heard)
        alive, ended, forbidden = [_Text()], list[_Text](), self._not_first
        for _ in range(limit):
            alive, sources = self._extended(alive, scores + forbidden, ended, width)
            if not alive or len(ended) >= width:
                break
            latest = [text.tokens[-1] for text in alive]
            scores, memory = self._decoder.read(latest, memory[sources], heard)
            forbidden = self._never
        best = max(ended, key=lambda text: text.worth, default=_Text())
        return list(best.tokens[:-1]), list(best.log_probabilities[:-1])

    def _extended(
        self, texts: Sequence[_Text], scores: NDArray[np.float32], ended: list[_Text], width: int
    ) -> tuple[list[_Text], list[int]]:
        """The likeliest continuations that go on and their sources; those that end are added to ``ended``."""
        worth = scores + np.array([[text.score] for text in texts], np.float32)
        rows, tokens = (worth >= worth.max() - _MARGIN).nonzero()
        order = np.argsort(-worth[rows, tokens], kind="stable")
        alive, sources = list[_Text](), list[int]()
        for row, token in zip(rows[order].tolist(), tokens[order].tolist(), strict=True):
            if len(alive) == width:
                break
            text = texts[row].with_token(token, float(scores[row, token]))
            if token == self._config.end:
                ended.append(text)
            elif not has_loop([self._folded[token] for token in text.tokens]):
                alive.append(text)
                sources.append(row)
        return alive, sources


def read_tokens(content: bytes, path: Path, config: SecondPassConfig) -> list[bytes]:
    """The bytes of each token: a JSON list of strings whose characters are the bytes' numbers.

    Raises:
        BundleError: it is something else.
    """
    try:
        tokens = [text.encode("latin-1") for text in json.loads(content)]
    except (ValueError, TypeError, AttributeError):
        tokens = []
    if not 0 < len(tokens) <= config.vocabulary_size:
        raise BundleError(f"{path} is no list of the second pass's tokens: export the bundle again")
    return tokens
