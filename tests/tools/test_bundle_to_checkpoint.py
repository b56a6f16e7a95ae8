"""A bundle gives back the layers that hear an utterance again."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from hearsight.lab.ear.decoder import Decoder, DecoderSize  # noqa: E402
from hearsight.lab.ear.encoder import DIM, Attention  # noqa: E402
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
    attention = Attention().eval()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    decoder = Decoder(DecoderSize(vocabulary=40, dim=DIM, heads=2, layers=1, context=8)).eval()
    step = ListenStep(decoder, WholeHearing(attention), torch.randn(60, DIM), 20)
    path = tmp_path / "listen.onnx"
    path.write_bytes(_listen(step, 4 * DIM, 20, int8=True))
    weights = tool.hearing_again(path)
    known = {f"whole.{name}": value for name, value in attention.named_parameters()}
    assert weights.keys() == known.keys()
    for name, value in known.items():
        step_size = value.abs().max() / 64 if value.ndim == 2 else 1e-7
        assert (weights[name] - value).abs().max() <= step_size
