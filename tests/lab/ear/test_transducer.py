"""The network of ``small-en``: an ear that streams, with eyes that never harm it."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.errors import HearsightError
from hearsight.lab.ear.senses import SENSES
from hearsight.lab.ear.transducer import RESTARTED, EarTransducer, Roughening, transducer
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import AVTransducer

SMALL_EN = dataclasses.replace(
    ModelConfig.named("small-en"),
    video_channels=(4, 4, 4, 8, 8),
    again_dim=8,
    again_channels=(4, 4, 4, 8, 8),
    frontend_dim=16,
    fusion_hidden=24,
    fusion_dim=1536 + 16,
    encoder_dim=16,
    encoder_heads=2,
    encoder_feedforward=24,
    encoder_layers=1,
    convolution_kernel=5,
    vocabulary_size=20,
)
TICKS = 32


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = transducer(SMALL_EN).eval()
    assert isinstance(model, EarTransducer)
    for eyes in (model.eyes, model.eyes_again):
        torch.nn.init.normal_(eyes.mlp[-1].weight, std=0.05)
    return model


def inputs(seed: int, present: float = 0.7):
    torch.manual_seed(seed)
    samples = 0.1 * torch.randn(2, TICKS * 640)
    crops = torch.randint(0, 256, (2, TICKS, 96, 96), dtype=torch.uint8)
    return samples, crops, torch.ones(2, TICKS, dtype=torch.bool), torch.rand(2, TICKS) < present


@torch.no_grad()
def streamed(model, samples, crops, heard, seen, state=None):
    state, parts = state or model.initial_frontend_state(2), []
    for start in range(0, samples.shape[1] // 640, 8):
        now = slice(start, start + 8)
        sound = samples[:, start * 640 : (start + 8) * 640]
        features, state = model.fuse(sound, crops[:, now], heard[:, now], seen[:, now], state)
        parts.append(features)
    return torch.cat(parts, 1), state


@torch.no_grad()
def test_a_stream_hears_and_sees_what_the_whole_clip_does(model):
    given_ = inputs(1)
    parts, _ = streamed(model, *given_)
    whole = model.fuse_whole(*given_)
    assert whole.shape == (2, TICKS, SMALL_EN.feature_dim)
    torch.testing.assert_close(parts[:, : TICKS - 8], whole[:, : TICKS - 8], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_an_utterance_is_heard_again_from_what_the_stream_passed_on(model):
    samples, crops, heard, seen = inputs(7)
    features, _ = streamed(model, samples, crops, heard, seen)
    hear_again, told = model.hearing_again(), TICKS - 8
    senses = model.sense(samples, crops, seen)
    looked = model.eyes_again(senses.frames[:, : 2 * told], senses.seen_again[:, :told])
    torch.testing.assert_close(
        hear_again(features[:, :told]),
        model.whole.attend(looked),
        atol=1e-4,
        rtol=1e-4,
    )
    changed = features.clone()
    changed[:, -1] += 1
    assert not torch.equal(hear_again(changed)[:, 0], hear_again(features)[:, 0]), "it hears what comes later"


@torch.no_grad()
def test_what_looks_again_looks_ahead_and_adds_nothing_where_there_are_no_lips(model):
    samples, crops, _, seen = inputs(8)
    senses = model.sense(samples, crops, seen)
    looked = model.eyes_again(senses.frames, senses.seen_again)
    added = (looked - senses.frames).unflatten(1, (TICKS, 2)).abs().sum((2, 3))
    assert torch.equal(added > 0, seen)
    later = senses.seen_again.clone()
    later[:, 20] += 1.0
    changed = model.eyes_again(senses.frames, later).unflatten(1, (TICKS, 2)) != looked.unflatten(
        1, (TICKS, 2)
    )
    ticks = set(changed.any(0).any(1).any(1).nonzero().squeeze(1).tolist())
    assert 16 in ticks and ticks <= set(range(16, 25))


@torch.no_grad()
def test_the_first_pass_does_not_see_what_is_for_hearing_again(model):
    features = model.fuse_whole(*inputs(9))
    lengths = torch.tensor([TICKS, TICKS])
    other = features.clone()
    other[..., -SMALL_EN.again_dim :] += 1.0
    assert torch.equal(model.encode(features, lengths), model.encode(other, lengths))


@torch.no_grad()
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_without_lips_the_eyes_add_nothing(model, seed):
    samples, crops, heard, seen = inputs(seed, present=0.0)
    blind, _ = streamed(model, samples, torch.zeros_like(crops), heard, seen)
    parts, _ = streamed(model, samples, crops, heard, seen)
    assert torch.equal(parts, blind)


@torch.no_grad()
def test_new_eyes_leave_the_ear_as_it_was():
    fresh = transducer(SMALL_EN).eval()
    samples, crops, heard, _ = inputs(2)
    sees = fresh.fuse_whole(samples, crops, heard, heard)
    blind = fresh.fuse_whole(samples, crops, heard, ~heard)
    torch.testing.assert_close(sees[..., :1536], blind[..., :1536])
    assert not blind[..., 1536:].any() and sees[..., 1536:].any()


@torch.no_grad()
def test_once_restarted_the_ear_has_forgotten_all_but_the_last_frames(model):
    given_ = inputs(3)
    _, state = streamed(model, *inputs(4))
    _, other = streamed(model, *inputs(5))
    for name in state:
        if not name.startswith(("ear_keys", "ear_values")):
            other[name] = state[name]
    for each in (state, other):
        each[RESTARTED] = torch.zeros_like(each[RESTARTED])
    assert torch.equal(streamed(model, *given_, state)[0], streamed(model, *given_, other)[0])


def test_frozen_senses_learn_nothing_and_drop_nothing():
    model = transducer(SMALL_EN)
    assert isinstance(model, EarTransducer)
    model.freeze_senses()
    model.train()
    assert model.encoder.training
    assert not model.video.training
    samples, crops, heard, seen = inputs(6)
    model.encode(model.fuse_whole(samples, crops, heard, seen), torch.tensor([TICKS, TICKS])).sum().backward()
    learned = {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None}
    assert "encoder" in learned
    assert not learned & set(SENSES)


def test_training_alone_hears_roughly():
    torch.manual_seed(0)
    roughen, features = Roughening(noise=0.5, masks=1, longest=4), torch.randn(64, 50, 8)
    rough = roughen(features)
    silenced = (rough == 0).all(2)
    assert 0 < silenced.sum(1).float().mean() < 4
    missed = (rough - features)[~silenced].square().mean() / features.var()
    assert 0.02 < missed < 0.25
    assert torch.equal(roughen.eval()(features), features)


def test_an_ear_is_taken_with_its_eyes_or_refused():
    source, target = transducer(SMALL_EN), transducer(SMALL_EN)
    assert isinstance(target, EarTransducer)
    weights = {
        name: value for name, value in source.state_dict().items() if name.split(".")[0] in ("ear", "eyes")
    }
    target.take_senses(weights)
    assert torch.equal(target.ear.conv1.weight, weights["ear.conv1.weight"])
    with pytest.raises(HearsightError, match="distil one"):
        target.take_senses({"eyes.norm_seen.weight": torch.ones(16)})
    with pytest.raises(HearsightError, match="distil one"):
        target.take_senses({"ear.conv1.weight": torch.ones(3)})


@torch.no_grad()
def test_eyes_that_judged_by_one_frame_judge_alike_by_a_window():
    torch.manual_seed(7)
    narrow = transducer(dataclasses.replace(SMALL_EN, lips_window=1)).eval()
    torch.nn.init.normal_(narrow.eyes.mlp[-1].weight, std=0.05)
    wide = transducer(SMALL_EN).eval()
    wide.load_state_dict(narrow.state_dict())
    given_ = inputs(8)
    torch.testing.assert_close(wide.fuse_whole(*given_), narrow.fuse_whole(*given_))


@torch.no_grad()
def test_eyes_judge_by_the_frames_before(model):
    samples, crops, _, seen = inputs(9, present=1.0)
    other = crops.clone()
    other[:, : TICKS // 2] = 255 - other[:, : TICKS // 2].flip(-1)
    frames = [model.sense(samples, each, seen).frames for each in (crops, other)]
    strayed = (frames[0] - frames[1]).abs().amax((0, 2)).unflatten(0, (TICKS, 2)).amax(1)
    # The front-end sees four frames of the past, and the eyes four of its own frames.
    first_alike = TICKS // 2 + 8
    assert strayed[first_alike - 1] > 1e-4
    assert strayed[first_alike:].max() < 1e-5


def test_other_sizes_are_the_plain_network():
    assert type(transducer(dataclasses.replace(SMALL_EN, audio_frontend="log_mel"))) is AVTransducer


def test_lips_that_learn_for_the_transducer_leave_what_the_ear_hears_as_it_was(model):
    learning = copy.deepcopy(model)
    learning.freeze_senses()
    learning.free_lips()
    learning.train()
    learning.roughen.noise, learning.roughen.masks = 0.0, 0
    samples, crops, heard, seen = inputs(4)
    optimiser = torch.optim.SGD([value for value in learning.video.parameters() if value.requires_grad], 0.1)
    before = learning.fuse_whole(samples, crops, heard, seen)
    assert float(learning.penalty()) == 0.0
    before[..., 1536:].square().sum().backward()
    assert all(value.grad is None for value in learning.ear.parameters())
    optimiser.step()
    after = learning.fuse_whole(samples, crops, heard, seen)
    assert torch.equal(after[..., :1536], before[..., :1536])
    assert not torch.allclose(after[..., 1536:], before[..., 1536:], atol=1e-3)
    assert float(learning.penalty()) > 0.0
    learning.fuse_whole(samples, crops, heard, torch.zeros_like(seen))
    assert float(learning.penalty()) == 0.0
