"""The published video front-ends see the past only, and see the same in any chunking."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hearsight.lab.network.resnet_video import LinearVideoFrontend, ResNetVideoFrontend

FRAMES = 9
Frontend = ResNetVideoFrontend | LinearVideoFrontend


def patches() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, FRAMES, 44, 44, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module", params=[ResNetVideoFrontend, LinearVideoFrontend])
def frontend(request: pytest.FixtureRequest) -> Frontend:
    """In float64, so that equality can be asked for; with batch norms that have seen data."""
    torch.manual_seed(0)
    network: Frontend = request.param(32).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    network(patches(), network.initial_state(2))
    return network.eval()


def in_chunks(network: Frontend, pictures: Tensor, cuts: list[int], forget: bool = False) -> Tensor:
    state, features = network.initial_state(len(pictures)), []
    for begin, end in zip([0, *cuts], [*cuts, FRAMES], strict=True):
        piece, state = network(pictures[:, begin:end], state)
        features.append(piece)
        if forget:
            state = network.initial_state(len(pictures))
    return torch.cat(features, 1)


@settings(max_examples=15, deadline=None)
@given(cuts=st.sets(st.integers(1, FRAMES - 1)).map(sorted))
@torch.no_grad()
def test_any_chunking_gives_the_same_features(frontend: Frontend, cuts: list[int]) -> None:
    whole = in_chunks(frontend, patches(), [])
    assert whole.shape == (2, FRAMES, 32) and whole.std() > 0.1
    torch.testing.assert_close(in_chunks(frontend, patches(), cuts), whole, rtol=0, atol=1e-10)


@torch.no_grad()
def test_a_forgotten_state_shows_for_four_frames() -> None:
    torch.manual_seed(0)
    network = ResNetVideoFrontend(32).double().eval()
    off = in_chunks(network, patches(), [4], forget=True) - in_chunks(network, patches(), [])
    shown = off.abs().amax((0, 2)) > 1e-9
    assert shown.tolist() == [False] * 4 + [True] * 4 + [False]


@torch.no_grad()
def test_a_frame_is_seen_at_once_and_never_before(frontend: Frontend) -> None:
    before = patches()
    after = before.clone()
    after[:, 3] += 1
    changed = (in_chunks(frontend, before, []) - in_chunks(frontend, after, [])).abs().amax((0, 2)) > 0
    memory = 4 if isinstance(frontend, ResNetVideoFrontend) else 0
    assert changed.tolist() == [3 <= frame <= 3 + memory for frame in range(FRAMES)]


@torch.no_grad()
def test_the_stem_is_a_causal_conv3d() -> None:
    network = ResNetVideoFrontend(32).double()
    volume = torch.cat([torch.zeros(2, 4, 44, 44, dtype=torch.float64), patches()], 1).unsqueeze(1)
    expected = nn.functional.conv3d(volume, network.stem.weight.unsqueeze(1), None, (1, 2, 2), (0, 3, 3))
    seen: list[Tensor] = []
    network.stem.register_forward_hook(lambda *call: seen.append(call[2]))
    network(patches(), network.initial_state(2))
    torch.testing.assert_close(seen[0].unflatten(0, (2, FRAMES)).transpose(1, 2), expected)


@pytest.mark.parametrize(
    ("kind", "size"), [(ResNetVideoFrontend, 11_182_784), (LinearVideoFrontend, 991_744)]
)
def test_the_published_sizes(kind: type[Frontend], size: int) -> None:
    assert sum(parameter.numel() for parameter in kind(512).parameters()) == size
