"""Greedy decoding of features into text, without time stamps and without loops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.decoder import VOCABULARY, Decoder, Memory
from hearsight.lab.ear.pretrained import pretrained_decoder
from hearsight.lab.ear.tokenizer import END, FIRST_SPECIAL, PROMPT, Tokenizer

TOKENS_PER_SECOND = 10.0
"""More than people say; what exceeds it is invented."""
_SPARE_TOKENS = 6
_LOOPS = 3
_LONGEST_LOOP = 12


class Reader:
    """Whisper's decoder with its tokens."""

    def __init__(
        self, decoder: Decoder, tokenizer: Tokenizer, suppressed: tuple[list[int], list[int]]
    ) -> None:
        self.decoder = decoder
        self.tokenizer = tokenizer
        self._never = torch.zeros(VOCABULARY, dtype=torch.bool)
        self._never[[*suppressed[0], *range(FIRST_SPECIAL + 1, VOCABULARY)]] = True
        self._not_first = self._never.clone()
        self._not_first[suppressed[1]] = True

    @classmethod
    def load(cls, assets: EarAssets) -> Reader:
        """The published decoder."""
        return cls(pretrained_decoder(assets), Tokenizer(assets.tokenizer()), assets.suppressed())

    @torch.no_grad()
    def read(self, features: Tensor, seconds: Sequence[float]) -> list[str]:
        """What the features say.

        Args:
            features: ``(batch, 1500, 384)`` of whole windows.
            seconds: how long each utterance is; longer texts than can be said in that time are cut.
        """
        limits = [int(_SPARE_TOKENS + TOKENS_PER_SECOND * length) for length in seconds]
        tokens = self.tokens(features, max(limits))
        return [
            self.tokenizer.text(without_loop(row[:limit])) for row, limit in zip(tokens, limits, strict=True)
        ]

    @torch.no_grad()
    def tokens(self, features: Tensor, limit: int) -> list[list[int]]:
        """The most probable token again and again, to the mark of the end or the limit."""
        memory: list[Memory] = self.decoder.listen(features)
        latest = torch.tensor([PROMPT] * len(features))
        rows: list[list[int]] = [[] for _ in features]
        for step in range(limit):
            scores, memory = self.decoder(latest, memory)
            best = (
                scores[:, -1].float().masked_fill(self._not_first if step == 0 else self._never, -torch.inf)
            )
            latest = best.argmax(1, keepdim=True)
            for row, token in zip(rows, latest[:, 0].tolist(), strict=True):
                if not row or row[-1] != END:
                    row.append(token)
            if all(row[-1] == END or _has_loop(row) for row in rows):
                break
        return [row[: row.index(END)] if END in row else row for row in rows]


def without_loop(tokens: Sequence[int]) -> list[int]:
    """The tokens to the end of the first round of a loop: a decoder that has lost its place goes round.

    A loop is a stretch of one to twelve tokens said at least three times on end and to the end of the text
    (single tokens: six times, as numbers are said digit by digit).
    """
    kept = list(tokens)
    for size in range(1, _LONGEST_LOOP + 1):
        rounds = _rounds(kept, size)
        if rounds >= (2 * _LOOPS if size == 1 else _LOOPS):
            return kept[: len(kept) - size * (rounds - 1)]
    return kept


def _has_loop(tokens: Sequence[int]) -> bool:
    return len(without_loop(tokens)) < len(tokens)


def _rounds(tokens: Sequence[int], size: int) -> int:
    """How often the last so many tokens come on end at the end."""
    rounds, last = 1, list(tokens[-size:])
    while list(tokens[-size * (rounds + 1) : -size * rounds]) == last and last:
        rounds += 1
    return rounds
