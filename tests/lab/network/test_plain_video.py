"""The small video front-end looks at the past only and does not mind the light."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.lab.network.plain_video import PATCH, PlainVideoFrontend, shrink_crops, standardise_frames


def frontend() -> PlainVideoFrontend:
    torch.manual_seed(0)
    model = PlainVideoFrontend((4, 4, 8, 8, 12), 16, 0.0)
    model(torch.randn(2, 8, PATCH, PATCH), model.initial_state(2))  # moves the batch statistics
    return model.eval()


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 7), min_size=1, max_size=4))
@torch.no_grad()
def test_any_chunking_gives_the_same_features(cuts):
    model = frontend()
    patches = torch.randn(1, sum(cuts), PATCH, PATCH)
    whole, _ = model(patches, model.initial_state(1))
    state, parts, start = model.initial_state(1), [], 0
    for cut in cuts:
        part, state = model(patches[:, start : start + cut], state)
        parts.append(part)
        start += cut
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_frame_is_seen_by_itself_and_the_next_four():
    model = frontend()
    patches = torch.randn(1, 12, PATCH, PATCH)
    changed = patches.clone()
    changed[:, 3] += torch.randn(PATCH, PATCH)
    before, _ = model(patches, model.initial_state(1))
    after, _ = model(changed, model.initial_state(1))
    moved = (after - before).abs().amax((0, 2)) > 1e-6
    assert moved.nonzero().flatten().tolist() == [3, 4, 5, 6, 7]


@given(gain=st.floats(0.5, 1.5), offset=st.floats(-20, 20))
@settings(max_examples=20, deadline=None)
def test_gain_and_offset_of_the_light_are_taken_out(gain, offset):
    torch.manual_seed(1)
    patches = 100 + 40 * torch.randn(1, 2, PATCH, PATCH)
    changed = standardise_frames(patches * gain + offset)
    assert (changed - standardise_frames(patches)).abs().mean() < 0.15


def test_crops_shrink_by_means_of_two_by_two_inside_a_margin_of_four():
    crops = torch.zeros(1, 1, 96, 96)
    crops[0, 0, 4:6, 4:6] = torch.tensor([[0.0, 4.0], [8.0, 12.0]])
    patches = shrink_crops(crops)
    assert patches.shape == (1, 1, 44, 44)
    assert patches[0, 0, 0, 0] == 6
    assert patches.sum() == 6
