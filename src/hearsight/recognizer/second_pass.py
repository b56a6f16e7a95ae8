"""The second pass: a decoder reads the features of an utterance that is over, and writes its text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import BundleError
from hearsight.recognizer.config import LISTEN, READ, TOKENS, BundleConfig, SecondPassConfig
from hearsight.recognizer.reading import ReadWord, has_loop, to_read_words, token_limit
from hearsight.types import FRAME_RATE

Finals = Literal["one-pass", "two-pass"]
"""Who writes the finals: the search that wrote the partials, or the second pass."""

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
        self, token: int, memory: NDArray[np.float32], heard: Heard
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A token and the memory before it to log probabilities of the next, and the memory with it.

        The probabilities are ``(vocabulary,)``, the memory is ``(1, 2 * layers, heads, tokens, head_dim)``.
        """


class SecondPass:
    """Reads utterances. It keeps nothing between them, so that streams may share it.

    Args:
        decoder: its networks.
        tokens: bytes of each token of text, by number.
        config: prompt, marks and limits.
    """

    def __init__(self, decoder: Decoder, tokens: Sequence[bytes], config: SecondPassConfig) -> None:
        self._decoder, self._tokens, self._config = decoder, tokens, config
        never = np.zeros(config.vocabulary_size, np.float32)
        never[len(tokens) :] = -np.inf
        never[config.end] = 0.0
        never[list(config.suppressed)] = -np.inf
        self._never, self._not_first = never, never.copy()
        self._not_first[list(config.suppressed_first)] = -np.inf

    @classmethod
    def open(cls, contents: Mapping[str, bytes], folder: Path, config: BundleConfig) -> SecondPass:
        """From the files of a bundle that has one.

        Raises:
            BundleError: a file is not what the configuration says.
        """
        # Imported here: reading a configuration needs no onnxruntime.
        from hearsight.recognizer.second_pass_graphs import DecoderGraphs

        assert config.second_pass is not None
        graphs = {name: contents[f"{name}.onnx"] for name in (LISTEN, READ)}
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
        if has_loop(tokens):
            return []
        return to_read_words([self._tokens[token] for token in tokens], log_probabilities)

    def tokens(self, features: NDArray[np.float32]) -> tuple[list[int], list[float]]:
        """The likeliest token again and again, to the end of the text, a loop, or all the time allows.

        Returns:
            The tokens, and the natural log of each one's probability.
        """
        config = self._config
        limit = min(token_limit(len(features) / FRAME_RATE), config.context - len(config.prompt))
        heard = self._decoder.listen(features)
        memory = np.zeros((1, 2 * config.layers, config.heads, 0, config.head_dim), np.float32)
        for token in config.prompt[:-1]:
            _, memory = self._decoder.read(token, memory, heard)
        latest, forbidden = config.prompt[-1], self._not_first
        tokens: list[int] = []
        log_probabilities: list[float] = []
        while len(tokens) < limit and not has_loop(tokens):
            scores, memory = self._decoder.read(latest, memory, heard)
            latest, forbidden = int((scores + forbidden).argmax()), self._never
            if latest == config.end:
                break
            tokens.append(latest)
            log_probabilities.append(float(scores[latest]))
        return tokens, log_probabilities


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
