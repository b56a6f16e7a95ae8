"""A bundle gives back what it was exported from."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hearsight.lab.data.pieces import train_pieces  # noqa: E402
from hearsight.lab.ear.decoder import Decoder, DecoderSize  # noqa: E402
from hearsight.lab.ear.encoder import DIM, Attention  # noqa: E402
from hearsight.lab.ear.eyes import EyesAgain  # noqa: E402
from hearsight.lab.ear.second_pass import ListenStep, _listen  # noqa: E402
from hearsight.lab.ear.transducer import WholeHearing  # noqa: E402

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    yield importlib.import_module("bundle_to_checkpoint")
    sys.modules.pop("bundle_to_checkpoint", None)


def test_layers_that_hear_again_come_back_as_rounded_as_they_were_stored(tool, tmp_path):
    torch.manual_seed(0)
    attention, eyes = Attention().eval(), EyesAgain(8, 24, 0.1).eval()
    for parameter in (*attention.parameters(), *eyes.parameters()):
        torch.nn.init.normal_(parameter, std=0.02)
    decoder = Decoder(DecoderSize(vocabulary=40, dim=DIM, heads=2, layers=1, context=8)).eval()
    step = ListenStep(decoder, WholeHearing(attention, eyes), torch.randn(60, DIM), 20)
    path = tmp_path / "listen.onnx"
    path.write_bytes(_listen(step, 4 * DIM + 8, 20, int8=True))
    weights = tool.hearing_again(path)
    known = {f"whole.{name}": value for name, value in attention.named_parameters()}
    known |= {f"eyes_again.{name}": value for name, value in eyes.named_parameters()}
    assert weights.keys() == known.keys()
    for name, value in known.items():
        step_size = value.abs().max() / 64 if value.ndim == 2 else 1e-7
        assert (weights[name] - value).abs().max() <= step_size


def test_matrices_are_known_by_the_order_of_their_use(tool):
    matrix, vector = np.zeros((2, 3), np.float32), np.zeros(3, np.float32)
    names = ("val_9_half", "val_101", "val_20_Transposed_quantized", "val_3_quantized", "model.eyes.weight")
    arrays = {**dict.fromkeys(names, matrix), "val_20_scale": vector, "val_7": vector}
    assert tool._numbered_matrices(arrays) == ["val_3", "val_9", "val_20", "val_101"]


def test_the_eyes_are_the_bundles_own(tool, tmp_path):
    (tmp_path / "tokens.model").write_bytes(train_pieces(["the quick brown fox jumps over the lazy dog"], 28))
    for state, window, again in (({}, 1, 0), ({"eyes_lips": {"shape": [4, 192]}}, 5, 64)):
        told = {"states": {"frontend": state}, "feature_dim": 1728 + again}
        (tmp_path / "config.json").write_text(json.dumps(told))
        config = tool.configuration(tmp_path, "small-en")
        assert (config.lips_window, config.again_dim, config.vocabulary_size) == (window, again, 28)
