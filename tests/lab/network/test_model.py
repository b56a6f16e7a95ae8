"""The whole network: sizes, senses, streaming."""

import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import AVTransducer

TINY = ModelConfig(
    name="tiny",
    video_channels=(4, 4, 4, 8, 8),
    frontend_dim=16,
    fusion_hidden=24,
    fusion_dim=16,
    encoder_dim=16,
    encoder_heads=2,
    encoder_feedforward=24,
    encoder_layers=2,
    convolution_kernel=5,
    left_context=8,
    predictor_dim=16,
    joiner_dim=16,
    vocabulary_size=20,
)


def parameters(model: AVTransducer) -> int:
    """Without the heads that are used in training alone."""
    heads = {"ctc", "frame", "acoustic", "language"}
    return sum(p.numel() for name, p in model.named_parameters() if name.split(".")[0] not in heads)


@pytest.mark.parametrize(("size", "millions"), [("small", 5.8), ("device", 24.7), ("recipe", 40.2)])
def test_named_sizes_have_the_published_parameters(size, millions):
    model = AVTransducer(ModelConfig.named(size))
    assert round(parameters(model) / 1e6, 1) == millions


def test_an_unknown_size_is_refused_by_name():
    with pytest.raises(HearsightError, match="small, small-en, device, recipe"):
        ModelConfig.named("huge")


def test_a_configuration_survives_json_and_refuses_unknown_keys():
    assert ModelConfig.from_dict(TINY.to_dict()) == TINY
    with pytest.raises(HearsightError, match="colour"):
        ModelConfig.from_dict({**TINY.to_dict(), "colour": 1})


@torch.no_grad()
def test_front_ends_and_fusion_stream():
    torch.manual_seed(0)
    model = AVTransducer(TINY).eval()
    samples, crops = 0.1 * torch.randn(2, 12 * 640), torch.randint(0, 256, (2, 12, 96, 96), dtype=torch.uint8)
    heard, seen = torch.ones(2, 12, dtype=torch.bool), torch.rand(2, 12) > 0.3
    whole = model.fuse_whole(samples, crops, heard, seen)
    state, parts = model.initial_frontend_state(2), []
    for start in range(0, 12, 4):
        now = slice(start, start + 4)
        part, state = model.fuse(
            samples[:, start * 640 : (start + 4) * 640], crops[:, now], heard[:, now], seen[:, now], state
        )
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_what_an_absent_sense_holds_changes_nothing():
    torch.manual_seed(0)
    model = AVTransducer(TINY).eval()
    samples, crops = 0.1 * torch.randn(1, 8 * 640), torch.randint(0, 256, (1, 8, 96, 96), dtype=torch.uint8)
    present, absent = torch.ones(1, 8, dtype=torch.bool), torch.zeros(1, 8, dtype=torch.bool)
    deaf = model.fuse_whole(samples, crops, absent, present)
    torch.testing.assert_close(deaf, model.fuse_whole(samples * 0, crops, absent, present))
    blind = model.fuse_whole(samples, crops, present, absent)
    torch.testing.assert_close(blind, model.fuse_whole(samples, crops * 0, present, absent))
    assert (deaf - blind).abs().max() > 1e-3
