"""Log-mel features follow a stream and forget the gain."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.network.log_mel import HOP, LogMel, LogMelFrontend, mel_filters


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 5), min_size=1, max_size=6), seed=st.integers(0, 99))
@torch.no_grad()
def test_any_chunking_gives_the_same_features(cuts, seed):
    torch.manual_seed(seed)
    frontend = LogMelFrontend(8, 12).eval()
    samples = torch.randn(2, sum(cuts) * 640) * torch.rand(2, 1)
    whole, _ = frontend(samples, frontend.initial_state(2))
    state, parts, start = frontend.initial_state(2), [], 0
    for cut in cuts:
        part, state = frontend(samples[:, start : start + cut * 640], state)
        parts.append(part)
        start += cut * 640
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=1e-4)


def test_gain_is_taken_out_once_the_sound_has_begun():
    torch.manual_seed(0)
    log_mel = LogMel()
    samples = torch.randn(1, 100 * HOP) * 0.1
    quiet, _ = log_mel(samples, log_mel.initial_state(1))
    loud, _ = log_mel(samples * 3, log_mel.initial_state(1))
    torch.testing.assert_close(quiet[:, 5:], loud[:, 5:], atol=1e-3, rtol=1e-3)


def test_silence_stays_at_the_floor():
    log_mel = LogMel()
    silence, _ = log_mel(torch.zeros(1, 50 * HOP), log_mel.initial_state(1))
    noise, _ = log_mel(torch.randn(1, 50 * HOP) * 0.1, log_mel.initial_state(1))
    assert silence.max() < noise.mean() - 1


def test_every_filter_passes_something_and_they_overlap_to_a_flat_response():
    filters = mel_filters()
    assert (filters.sum(0) > 0.5).all()
    torch.testing.assert_close(filters.sum(1)[5:240], torch.ones(235), atol=1e-4, rtol=0)
