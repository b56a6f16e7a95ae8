"""The encoder sees what it should and nothing else, in any chunking."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.emformer import Emformer

TINY = ModelConfig(
    fusion_dim=16,
    encoder_dim=16,
    encoder_heads=2,
    encoder_feedforward=24,
    encoder_layers=2,
    convolution_kernel=5,
    segment=4,
    right_context=2,
    left_context=6,
)
LAYERS = ("emformer", "conv_emformer")


def encoder(**changes) -> Emformer:
    torch.manual_seed(0)
    return Emformer(dataclasses.replace(TINY, **changes)).eval()


def stream(model: Emformer, features: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    segment, width = model.config.segment, model.config.segment + model.config.right_context
    state, outputs = model.initial_state(len(features)), []
    for start in range(0, features.shape[1] - width + 1, segment):
        output, state = model(features[:, start : start + width], valid[:, start : start + width], state)
        outputs.append(output)
    return torch.cat(outputs, 1)


@pytest.mark.parametrize("layer", LAYERS)
@settings(max_examples=15, deadline=None)
@given(
    segment=st.integers(1, 6),
    right_context=st.integers(0, 4),
    left_context=st.integers(1, 9),
    segments=st.integers(1, 6),
    padding=st.integers(0, 5),
)
@torch.no_grad()
def test_streaming_equals_the_whole_sequence(layer, segment, right_context, left_context, segments, padding):
    model = encoder(
        encoder_layer=layer, segment=segment, right_context=right_context, left_context=left_context
    )
    frames = segments * segment + right_context
    features = torch.randn(2, frames, 16)
    valid = torch.arange(frames)[None] < torch.tensor([[frames], [max(1, frames - padding)]])
    whole, _ = model(features, valid, model.initial_state(2))
    torch.testing.assert_close(stream(model, features, valid), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
@torch.no_grad()
def test_a_forgotten_state_would_show(layer):
    model = encoder(encoder_layer=layer)
    features, valid = torch.randn(1, 14, 16), torch.ones(1, 14, dtype=torch.bool)
    whole, _ = model(features, valid, model.initial_state(1))
    alone, _ = model(features[:, 4:10], valid[:, 4:10], model.initial_state(1))
    assert (alone - whole[:, 4:8]).abs().max() > 1e-2


@pytest.mark.parametrize("layer", LAYERS)
@torch.no_grad()
def test_nothing_is_seen_beyond_the_right_context(layer):
    model = encoder(encoder_layer=layer)
    features, valid = torch.randn(1, 14, 16), torch.ones(1, 14, dtype=torch.bool)
    changed = features.clone()
    changed[:, 8] = torch.randn(16)  # the second segment is 4..8 with right context 8 and 9
    before, _ = model(features, valid, model.initial_state(1))
    after, _ = model(changed, valid, model.initial_state(1))
    difference = (after - before).abs().amax((0, 2))
    assert difference[:4].max() == 0
    assert difference[4:8].min() > 1e-6


@torch.no_grad()
def test_frames_that_are_not_valid_change_nothing():
    model = encoder()
    features = torch.randn(1, 10, 16)
    valid = torch.arange(10)[None] < 7
    filled = features.clone()
    filled[:, 7:] = 99.0
    first, _ = model(features, valid, model.initial_state(1))
    second, _ = model(filled, valid, model.initial_state(1))
    torch.testing.assert_close(first[:, :7], second[:, :7])


@torch.no_grad()
def test_latency_can_be_changed_without_other_weights():
    model = encoder()
    other = encoder(segment=2, right_context=1)
    other.load_state_dict(model.state_dict())
    assert (
        other(torch.randn(1, 9, 16), torch.ones(1, 9, dtype=torch.bool), other.initial_state(1))[0]
        .isfinite()
        .all()
    )
