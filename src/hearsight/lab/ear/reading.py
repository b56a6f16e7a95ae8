"""Greedy decoding of features into text, without time stamps and without loops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.decoder import VOCABULARY, Decoder, Memory
from hearsight.lab.ear.pretrained import pretrained_decoder
from hearsight.lab.ear.tokenizer import END, FIRST_SPECIAL, PROMPT, Tokenizer
from hearsight.recognizer.reading import has_loop, token_limit, without_loop


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
        limits = [token_limit(length) for length in seconds]
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
            if all(row[-1] == END or has_loop(row) for row in rows):
                break
        return [row[: row.index(END)] if END in row else row for row in rows]
