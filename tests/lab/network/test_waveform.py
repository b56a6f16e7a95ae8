"""The waveform front-end hears the past only, and hears the same in any chunking."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hearsight.lab.network.streaming import State
from hearsight.lab.network.waveform import WaveformFrontend

FRAMES = 12


@pytest.fixture(scope="module")
def frontend() -> WaveformFrontend:
    """In float64, so that equality can be asked for; with batch norms that have seen data."""
    torch.manual_seed(0)
    network = WaveformFrontend(32).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
    network(sound(), in_double(network.initial_state(2)))
    return network.eval()


def sound(scale: float = 0.3) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    envelope = torch.rand(2, FRAMES, generator=generator, dtype=torch.float64).repeat_interleave(640, 1)
    return scale * envelope * torch.randn(2, FRAMES * 640, generator=generator, dtype=torch.float64)


def in_double(state: State) -> State:
    return {name: value.double() for name, value in state.items()}


def in_chunks(
    network: WaveformFrontend, samples: Tensor, cuts: list[int], forget: str | None = None
) -> Tensor:
    """Features of a sound given in pieces that end at ``cuts`` frames; one state can be forgotten."""
    start = in_double(network.initial_state(len(samples)))
    state, features = start, []
    for begin, end in zip([0, *cuts], [*cuts, FRAMES], strict=True):
        piece, state = network(samples[:, begin * 640 : end * 640], state)
        features.append(piece)
        if forget is not None:
            state[forget] = start[forget]
    return torch.cat(features, 1)


chunkings = st.sets(st.integers(1, FRAMES - 1)).map(sorted)


@settings(max_examples=15, deadline=None)
@given(cuts=chunkings)
@torch.no_grad()
def test_any_chunking_gives_the_same_features(frontend: WaveformFrontend, cuts: list[int]) -> None:
    whole = in_chunks(frontend, sound(), [])
    assert whole.shape == (2, FRAMES, 32) and whole.std() > 0.1
    torch.testing.assert_close(in_chunks(frontend, sound(), cuts), whole, rtol=0, atol=1e-10)


@torch.no_grad()
def test_each_part_of_the_state_matters(frontend: WaveformFrontend) -> None:
    whole = in_chunks(frontend, sound(), [])
    names = list(frontend.initial_state(1))
    assert len(names) == 1 + 1 + 2 * 8
    for name in names:
        assert (in_chunks(frontend, sound(), [4, 8], forget=name) - whole).abs().max() > 1e-4, name


@torch.no_grad()
def test_the_future_is_not_heard_and_the_present_is(frontend: WaveformFrontend) -> None:
    before = sound()
    after = before.clone()
    after[:, 7 * 640] += 0.5
    changed = (in_chunks(frontend, before, []) - in_chunks(frontend, after, [])).abs().amax((0, 2)) > 0
    assert not changed[:7].any() and changed[7]


@pytest.mark.parametrize("gain", [0.2, 20.0])
@torch.no_grad()
def test_a_gain_is_forgotten_once_sound_has_come(frontend: WaveformFrontend, gain: float) -> None:
    # The peak leaves its initial value within the first frames, and the convolutions remember 30 ms.
    features = in_chunks(frontend, sound(), []), in_chunks(frontend, gain * sound(), [])
    torch.testing.assert_close(features[0][:, 4:], features[1][:, 4:], rtol=0, atol=1e-6)


def test_the_published_size() -> None:
    assert sum(parameter.numel() for parameter in WaveformFrontend(512).parameters()) == 3_848_576
