"""How far a reader of the student's features is from a reader of the teacher's.

The squared error of features weighs all of their directions alike; the decoder, which stays as it was
published, heeds some of them. The divergence of its next-token distributions weighs them as it does (Hinton,
Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.evaluate import silent_window
from hearsight.lab.ear.pretrained import pretrained_decoder, pretrained_encoder
from hearsight.lab.ear.tokenizer import END, PROMPT, Tokenizer

REST_FRAMES = 100
"""Features of silence after the clip, in frames of 20 ms: the decoder needs some to see the end."""
_IGNORED = -1


class Heeding:
    """The published decoder, reading what was said from two sets of features."""

    def __init__(self, assets: EarAssets) -> None:
        self.decoder = pretrained_decoder(assets).requires_grad_(False)
        self.silence = silent_window(pretrained_encoder(assets))
        self._tokenizer = Tokenizer(assets.tokenizer())

    def divergence(self, wanted: Tensor, features: Tensor, texts: Sequence[str]) -> Tensor:
        """Kullback-Leibler divergence in nats per token, given the tokens before it.

        Args:
            wanted: ``(batch, frames, 384)`` the teacher's.
            features: the student's, alike.
            texts: what is said.
        """
        tokens, following = self._tokens(texts)
        with torch.no_grad():
            expected = self._read(wanted, tokens)
        read = self._read(features, tokens)
        known = following != _IGNORED
        return F.kl_div(read[known], expected[known], log_target=True, reduction="sum") / known.sum()

    def _read(self, features: Tensor, tokens: Tensor) -> Tensor:
        frames = features.shape[1]
        rest = self.silence[frames : frames + REST_FRAMES].to(features.dtype)
        heard = torch.cat([features, rest.expand(len(features), -1, -1)], 1)
        scores, _ = self.decoder(tokens, self.decoder.listen(heard))
        return scores.float().log_softmax(-1)

    def _tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """The tokens to read after, and which token follows each, -1 where that does not count."""
        lines = [self._tokenizer.tokens(_written(text)) for text in texts]
        longest = max(map(len, lines)) + len(PROMPT)
        tokens = torch.full((len(lines), longest), END)
        following = torch.full((len(lines), longest), _IGNORED)
        for row, line in enumerate(lines):
            before = [*PROMPT, *line]
            tokens[row, : len(before)] = torch.tensor(before)
            following[row, len(PROMPT) - 1 : len(before)] = torch.tensor([*line, END])
        return tokens, following


def _written(text: str) -> str:
    """As Whisper writes sentences: a blank, a capital, a full stop."""
    return f" {text[:1].upper()}{text[1:]}." if text else ""
