from __future__ import annotations

import pytest
import torch

from hearsight.lab.ear.heeding import Heeding
from hearsight.lab.ear.tokenizer import Tokenizer

SENTENCES = [
    " The birch canoe slid on the smooth planks.",
    " It's $5.40 at 10:30, isn't it?",
    " Café naïve — yes.",
]


@pytest.mark.parametrize("text", SENTENCES)
def test_a_text_comes_back_from_its_tokens(ear_assets, text):
    tokenizer = Tokenizer(ear_assets.tokenizer())
    assert tokenizer.text(tokenizer.tokens(text)) == text.strip()


def test_common_words_are_one_token_and_contractions_are_split_as_whisper_splits_them(ear_assets):
    tokens = Tokenizer(ear_assets.tokenizer()).tokens(" Remind me to close it at seven o'clock.")
    assert tokens == [3982, 521, 502, 284, 1969, 340, 379, 3598, 267, 6, 15750, 13]


def test_the_divergence_is_none_for_the_same_features_and_grows_with_the_difference(ear_assets):
    torch.manual_seed(0)
    heeding = Heeding(ear_assets)
    wanted = torch.randn(3, 40, 384)
    texts = ["place red by f two now", "", "lay green"]
    assert float(heeding.divergence(wanted, wanted.clone(), texts)) == pytest.approx(0, abs=1e-4)
    noise = torch.randn_like(wanted)
    near, far = (float(heeding.divergence(wanted, wanted + level * noise, texts)) for level in (0.1, 1.0))
    assert 0 < near < far


def test_only_the_features_learn(ear_assets):
    heeding = Heeding(ear_assets)
    features = torch.randn(1, 20, 384, requires_grad=True)
    heeding.divergence(torch.randn(1, 20, 384), features, ["lay green"]).backward()
    assert features.grad is not None and features.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in heeding.decoder.parameters())
