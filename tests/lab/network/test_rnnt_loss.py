"""The transducer loss is the sum over all alignments, and its gradient is the loss's own."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hearsight.lab.network.rnnt_loss import rnnt_loss


def brute_force(logits: Tensor, targets: list[int], blank: int) -> float:
    """Negative log of the sum over every way to place the labels in the frames; logits (T, U + 1, V)."""
    frames = logits.shape[0]
    log_probs = logits.double().log_softmax(-1)
    moves = frames - 1 + len(targets)
    paths = []
    for label_moves in combinations(range(moves), len(targets)):
        frame, emitted, path = 0, 0, 0.0
        for move in range(moves):
            if move in label_moves:
                path += float(log_probs[frame, emitted, targets[emitted]])
                emitted += 1
            else:
                path += float(log_probs[frame, emitted, blank])
                frame += 1
        paths.append(path + float(log_probs[frame, emitted, blank]))
    top = max(paths)
    return -(top + math.log(sum(math.exp(path - top) for path in paths)))


def one(logits: Tensor, targets: list[int], blank: int = 0) -> Tensor:
    return rnnt_loss(
        logits.unsqueeze(0),
        torch.tensor([targets], dtype=torch.int64),
        torch.tensor([logits.shape[0]]),
        torch.tensor([len(targets)]),
        blank,
    )[0]


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 5),
    targets=st.lists(st.integers(0, 3), max_size=4),
    blank=st.integers(0, 4),
    seed=st.integers(0, 10_000),
    spread=st.sampled_from([0.1, 1.0, 10.0]),
)
def test_equals_the_sum_over_all_alignments(
    frames: int, targets: list[int], blank: int, seed: int, spread: float
) -> None:
    targets = [label + (label >= blank) for label in targets]
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(frames, len(targets) + 1, 5, generator=generator)
    expected = brute_force(logits, targets, blank)
    assert float(one(logits, targets, blank)) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=4),
    seed=st.integers(0, 10_000),
)
def test_padding_changes_neither_loss_nor_gradient(sizes: list[tuple[int, int]], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    batch = 100 * torch.randn(len(sizes), 7, 6, 4, generator=generator)
    targets = torch.randint(0, 4, (len(sizes), 5), generator=generator)
    for item, (frames, labels) in enumerate(sizes):
        batch[item, :frames, : labels + 1] /= 100
        targets[item, :labels] = torch.randint(1, 4, (labels,), generator=generator)
    batch.requires_grad_()
    frame_lengths, target_lengths = (torch.tensor(lengths) for lengths in zip(*sizes, strict=True))
    losses = rnnt_loss(batch, targets, frame_lengths, target_lengths)
    (gradient,) = torch.autograd.grad(losses.sum(), batch)
    for item, (frames, labels) in enumerate(sizes):
        alone = batch[item, :frames, : labels + 1].detach().requires_grad_()
        loss = one(alone, targets[item, :labels].tolist())
        (own,) = torch.autograd.grad(loss, alone)
        torch.testing.assert_close(losses[item], loss)
        torch.testing.assert_close(gradient[item, :frames, : labels + 1], own)
        assert not gradient[item, frames:].any() and not gradient[item, :, labels + 1 :].any()


@pytest.mark.parametrize("blank", [0, 3])
def test_gradient_is_the_loss_s_own(blank: int) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(3, 4, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(0, 3, (3, 3), generator=generator) + (blank == 0)
    lengths = torch.tensor([4, 2, 1]), torch.tensor([3, 0, 2])
    assert torch.autograd.gradcheck(lambda x: rnnt_loss(x, targets, *lengths, blank), (logits,))


def test_long_and_unlikely_sequences_stay_finite() -> None:
    generator = torch.Generator().manual_seed(2)
    logits = (20 * torch.randn(1, 1500, 41, 8, generator=generator)).requires_grad_()
    targets = torch.randint(1, 8, (1, 40), generator=generator)
    loss = rnnt_loss(logits, targets, torch.tensor([1500]), torch.tensor([40])).sum()
    loss.backward()
    assert loss.isfinite() and logits.grad is not None and logits.grad.isfinite().all()
    # One blank per frame and one label each: the gradients of a softmax sum to nothing over the vocabulary.
    assert float(logits.grad.sum(3).abs().max()) < 1e-4
