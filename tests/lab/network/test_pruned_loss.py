"""The pruned loss is the sum over the alignments within its ranges, and the full loss when they cover all."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from hearsight.lab.network.pruned_loss import prune_ranges, pruned_loss, simple_loss
from hearsight.lab.network.rnnt_loss import rnnt_loss

VOCABULARY, DIM = 6, 4


def joiner_of(seed: int, dtype: torch.dtype = torch.float32) -> Callable[[Tensor, Tensor], Tensor]:
    weight = torch.randn(VOCABULARY, DIM, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return lambda encoded, predicted: torch.tanh(encoded + predicted) @ (2 * weight.t())


def batch_of(frames: int, labels: int, seed: int, items: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    encoded = torch.randn(items, frames, DIM, generator=generator)
    predicted = torch.randn(items, labels + 1, DIM, generator=generator)
    return encoded, predicted, torch.randint(1, VOCABULARY, (items, labels), generator=generator)


def brute_force(log_probs: Tensor, targets: list[int], starts: list[int], size: int) -> float:
    """Negative log of the sum over the alignments all of whose cells lie in range; (T, U + 1, V)."""
    frames, labels = log_probs.shape[0], len(targets)
    total = 0.0
    for emission in combinations(range(frames - 1 + labels), labels):
        frame, emitted, path, open_ = 0, 0, 0.0, True
        for move in range(frames + labels):
            open_ &= starts[frame] <= emitted < starts[frame] + size
            if move in emission:
                path += float(log_probs[frame, emitted, targets[emitted]])
                emitted += 1
            else:
                path += float(log_probs[frame, emitted, 0])
                frame += 1
        total += math.exp(path) * open_
    return -math.log(total)


sizes = {"frames": st.integers(1, 5), "labels": st.integers(0, 4), "seed": st.integers(0, 9999)}


@settings(max_examples=40, deadline=None)
@given(**sizes)
def test_simple_loss_is_the_full_loss_of_a_joiner_that_adds(frames: int, labels: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    acoustic = 5 * torch.randn(2, frames, VOCABULARY, generator=generator)
    language = 5 * torch.randn(2, labels + 1, VOCABULARY, generator=generator)
    targets = torch.randint(1, VOCABULARY, (2, labels), generator=generator)
    lengths = torch.full((2,), frames), torch.full((2,), labels)
    loss, cell_use = simple_loss(acoustic, language, targets, *lengths)
    full = rnnt_loss(acoustic.unsqueeze(2) + language.unsqueeze(1), targets, *lengths)
    torch.testing.assert_close(loss, full, rtol=1e-5, atol=1e-4)
    # Every alignment leaves each cell it enters by one arc: T blanks and U labels.
    torch.testing.assert_close(cell_use.sum((1, 2)), torch.full((2,), frames + labels, dtype=torch.float64))


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 12), labels=st.integers(0, 10), size=st.integers(2, 6), seed=st.integers(0, 9999)
)
def test_ranges_leave_a_way_through(frames: int, labels: int, size: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    frame_lengths = torch.randint(1, frames + 1, (3,), generator=generator)
    target_lengths = torch.randint(0, labels + 1, (3,), generator=generator)
    target_lengths = torch.minimum(target_lengths, frame_lengths * (size - 1))
    cell_use = torch.rand(3, frames, labels + 1, generator=generator)
    ranges = prune_ranges(cell_use, size, frame_lengths, target_lengths)
    size = min(size, labels + 1)
    assert (ranges[:, 0] == 0).all()
    assert (ranges >= 0).all() and (ranges + size <= labels + 1).all()
    steps = ranges.diff(dim=1)
    assert (steps >= 0).all() and (steps < max(size, 2)).all()
    last = ranges.gather(1, frame_lengths.unsqueeze(1) - 1).squeeze(1)
    assert (last + size > target_lengths).all()


@settings(max_examples=40, deadline=None)
@given(**sizes)
def test_equals_the_full_loss_when_the_ranges_cover_all_labels(frames: int, labels: int, seed: int) -> None:
    encoded, predicted, targets = batch_of(frames, labels, seed)
    lengths = torch.tensor([frames, max(1, frames - 1)]), torch.tensor([labels, max(0, labels - 1)])
    joiner = joiner_of(seed)
    ranges = torch.zeros(2, frames, dtype=torch.int64)
    pruned = pruned_loss(joiner, encoded, predicted, ranges, labels + 1, targets, *lengths)
    full = rnnt_loss(joiner(encoded.unsqueeze(2), predicted.unsqueeze(1)), targets, *lengths)
    torch.testing.assert_close(pruned, full, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(frames=st.integers(3, 5), labels=st.integers(1, 4), size=st.integers(2, 4), seed=st.integers(0, 9999))
def test_equals_the_sum_over_the_alignments_within_the_ranges(
    frames: int, labels: int, size: int, seed: int
) -> None:
    assume(labels <= frames * (size - 1))
    encoded, predicted, targets = batch_of(frames, labels, seed)
    lengths = torch.full((2,), frames), torch.full((2,), labels)
    joiner = joiner_of(seed)
    cell_use = torch.rand(2, frames, labels + 1, generator=torch.Generator().manual_seed(seed))
    ranges = prune_ranges(cell_use, size, *lengths)
    pruned = pruned_loss(joiner, encoded, predicted, ranges, size, targets, *lengths)
    log_probs = joiner(encoded.unsqueeze(2), predicted.unsqueeze(1)).double().log_softmax(-1)
    for item in range(2):
        starts = ranges[item].tolist()
        expected = brute_force(log_probs[item], targets[item].tolist(), starts, min(size, labels + 1))
        assert float(pruned[item]) == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_gradients_are_the_losses_own() -> None:
    encoded, predicted, targets = (part.double() for part in batch_of(4, 3, seed=3))
    targets = targets.long()
    lengths = torch.tensor([4, 3]), torch.tensor([3, 2])
    joiner = joiner_of(3, torch.float64)
    ranges = torch.tensor([[0, 0, 1, 1], [0, 0, 0, 1]])
    inputs = encoded.requires_grad_(), predicted.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *parts: pruned_loss(joiner, *parts, ranges, 3, targets, *lengths), inputs
    )
    generator = torch.Generator().manual_seed(4)
    logits = [torch.randn(2, n, VOCABULARY, generator=generator, dtype=torch.float64) for n in (4, 4)]
    assert torch.autograd.gradcheck(
        lambda *parts: simple_loss(*parts, targets, *lengths)[0], [part.requires_grad_() for part in logits]
    )


def test_padding_changes_neither_loss_nor_gradient() -> None:
    encoded, predicted, targets = batch_of(6, 5, seed=5, items=1)
    joiner = joiner_of(5)
    results = []
    for frames, labels in ((6, 5), (4, 3)):
        inputs = [part.clone().requires_grad_() for part in (encoded[:, :frames], predicted[:, : labels + 1])]
        lengths = torch.tensor([4]), torch.tensor([3])
        alone = [joiner(part, torch.zeros(1)) for part in inputs]
        simple, cell_use = simple_loss(*alone, targets[:, :labels], *lengths)
        ranges = prune_ranges(cell_use, 3, *lengths)
        pruned = pruned_loss(joiner, *inputs, ranges, 3, targets[:, :labels], *lengths)
        gradients = torch.autograd.grad((simple + pruned).sum(), inputs)
        results.append((simple, pruned, *(gradient[:, :4] for gradient in gradients)))
        assert not gradients[0][:, 4:].any() and not gradients[1][:, 4:].any()
    for padded, cut in zip(*results, strict=True):
        torch.testing.assert_close(padded, cut)
