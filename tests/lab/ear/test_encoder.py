from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.ear.encoder import Chunking, Encoder, chunk_mask


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return Encoder(Chunking(chunk=4, left_chunks=2)).eval()


@torch.no_grad()
def streamed(encoder, log_mel, chunks):
    state, parts = encoder.initial_state(len(log_mel)), []
    for number in range(chunks):
        features, state = encoder.step(log_mel[:, 8 * number : 8 * number + 9], state)
        parts.append(features)
    return torch.cat(parts, 1), state


@torch.no_grad()
def test_streamed_features_equal_those_of_the_whole_clip(encoder):
    log_mel = torch.randn(2, 81, 80)
    whole = encoder(log_mel)
    parts, _ = streamed(encoder, log_mel, 10)
    torch.testing.assert_close(parts, whole[:, :40], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_an_offset_is_a_place_later_in_the_window(encoder):
    log_mel = torch.randn(1, 33, 80)
    state = encoder.initial_state(1)
    _, after = encoder.step(torch.zeros(1, 9, 80), state)
    assert int(after["heard"]) == 4
    moved = encoder(log_mel, torch.tensor([1498]))
    assert not torch.allclose(moved, encoder(log_mel))
    torch.testing.assert_close(moved, encoder(log_mel, torch.tensor([1498 + 1500])))


@torch.no_grad()
def test_nothing_that_comes_after_the_next_mel_frame_changes_a_chunk(encoder):
    log_mel = torch.randn(1, 64, 80)
    changed = log_mel.clone()
    changed[:, 33:] += 1
    assert torch.equal(encoder(log_mel)[:, :16], encoder(changed)[:, :16])
    assert not torch.equal(encoder(log_mel)[:, 16:], encoder(changed)[:, 16:])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 5))
def test_every_frame_sees_its_chunk_and_the_chunks_before_it(frames, chunk, left):
    mask = chunk_mask(frames, Chunking(chunk, left))
    for row in range(frames):
        first = max(0, row // chunk - left) * chunk
        last = min(frames, (row // chunk + 1) * chunk)
        assert mask[row].nonzero().flatten().tolist() == list(range(first, last))
