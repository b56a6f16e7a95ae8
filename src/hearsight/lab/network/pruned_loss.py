"""The pruned transducer loss: the joiner runs only where the alignment is likely to pass.

Kuang, Guo, Kang, Lin, Luo, Yao, Povey, "Pruned RNN-T for fast, memory-efficient ASR training", Interspeech
2022 (the idea of k2). A trivial joiner, which adds two vectors of logits, is cheap on the whole lattice.
Its arc probabilities tell for each frame which few labels matter, and the real joiner is evaluated there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from hearsight.lab.network.rnnt_loss import lattice

_CLOSED = -1e5
"""Log probability of an arc outside the range: finite, so that sums of many stay numbers."""


def simple_loss(
    acoustic: Tensor,
    language: Tensor,
    targets: Tensor,
    frame_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = 0,
) -> tuple[Tensor, Tensor]:
    """Transducer loss of the trivial joiner ``acoustic[t] + language[u]``.

    Args:
        acoustic: ``(B, T, V)`` logits of the encoder alone.
        language: ``(B, U + 1, V)`` logits of the predictor alone.
        targets: ``(B, U)`` int64, any valid index in the padding.
        frame_lengths: ``(B,)`` int64, at least 1.
        target_lengths: ``(B,)`` int64.
        blank: index of the blank.

    Returns:
        ``(B,)`` loss in nats, and ``(B, T, U + 1)`` the probability of being in a cell, for `prune_ranges`.
    """
    acoustic_top, language_top = acoustic.amax(2, keepdim=True), language.amax(2, keepdim=True)
    # log sum_v exp(a + l) for all pairs is one product of matrices of exponentials.
    product = (acoustic - acoustic_top).exp() @ (language - language_top).exp().transpose(1, 2)
    smallest = torch.finfo(product.dtype).tiny
    total = product.clamp(min=smallest).log() + acoustic_top + language_top.transpose(1, 2)
    log_blank = acoustic[:, :, blank].unsqueeze(2) + language[:, :, blank].unsqueeze(1) - total
    heard = acoustic.gather(2, targets.unsqueeze(1).expand(-1, acoustic.shape[1], -1))
    expected = language[:, :-1].gather(2, targets.unsqueeze(2)).squeeze(2)
    log_label = heard + expected.unsqueeze(1) - total[:, :, :-1]
    loss: Tensor
    loss, cell_use = _LatticeLoss.apply(log_blank, log_label, frame_lengths, target_lengths)
    return loss, cell_use


def prune_ranges(cell_use: Tensor, size: int, frame_lengths: Tensor, target_lengths: Tensor) -> Tensor:
    """First label of the range in which each frame is joined.

    Each frame's range is the one most probably passed; then the starts are made to begin at 0, to never
    fall, to rise by less than ``size`` from frame to frame, so that neighbouring ranges overlap, and to end
    with the last label, so that a path leads through. A sequence with more labels than ``size - 1`` times its
    frames has no such path; its pruned loss is some 1e5 per missing arc.

    Args:
        cell_use: ``(B, T, U + 1)`` from `simple_loss`.
        size: labels in a range, S.
        frame_lengths: ``(B,)``.
        target_lengths: ``(B,)``.

    Returns:
        ``(B, T)`` int64.
    """
    frames, positions = cell_use.shape[1:]
    size = min(size, positions)
    within = F.pad(cell_use.cumsum(2), (1, 0))
    start = (within[:, :, size:] - within[:, :, :-size]).argmax(2)
    last_start = (target_lengths + 1 - size).clamp(min=0).unsqueeze(1)
    step = torch.arange(frames, device=cell_use.device) * max(size - 1, 1)
    is_over = torch.arange(frames, device=cell_use.device) >= frame_lengths.unsqueeze(1) - 1
    start = torch.minimum(start, last_start).masked_fill(is_over, 0) + last_start * is_over
    start = start.flip(1).cummin(1).values.flip(1)
    start = (start - step).flip(1).cummax(1).values.flip(1) + step
    return torch.minimum(start, step)


def pruned_loss(
    joiner: Callable[[Tensor, Tensor], Tensor],
    encoded: Tensor,
    predicted: Tensor,
    ranges: Tensor,
    size: int,
    targets: Tensor,
    frame_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = 0,
) -> Tensor:
    """Transducer loss with the joiner evaluated in the ranges only.

    Args:
        joiner: ``(…, D)`` encoded and ``(…, D)`` predicted to logits ``(…, V)``, broadcasting.
        encoded: ``(B, T, D)``.
        predicted: ``(B, U + 1, D)``.
        ranges: ``(B, T)`` from `prune_ranges`.
        size: labels in a range, as given there.
        targets: ``(B, U)`` int64, any valid index in the padding.
        frame_lengths: ``(B,)`` int64.
        target_lengths: ``(B,)`` int64.
        blank: index of the blank.

    Returns:
        ``(B,)`` loss in nats: that of the alignments within the ranges, so never below the full loss.
    """
    batch, frames = ranges.shape
    positions = predicted.shape[1]
    size = min(size, positions)
    where = ranges.unsqueeze(2) + torch.arange(size, device=ranges.device)  # (B, T, S)
    item = torch.arange(batch, device=ranges.device)[:, None, None]
    logits = joiner(encoded.unsqueeze(2), predicted[item, where])
    total = logits.logsumexp(3)
    label = F.pad(targets, (0, 1))[item, where].unsqueeze(3)
    shape = batch, frames, positions
    log_blank = logits.new_full(shape, _CLOSED).scatter(2, where, logits[..., blank] - total)
    # A label arc leads to the next position, which the range's last cell has not.
    inner = logits[:, :, :-1].gather(3, label[:, :, :-1]).squeeze(3) - total[:, :, :-1]
    log_label = logits.new_full(shape, _CLOSED).scatter(2, where[:, :, :-1], inner)[:, :, :-1]
    loss: Tensor
    loss, _ = _LatticeLoss.apply(log_blank, log_label, frame_lengths, target_lengths)
    return loss


class _LatticeLoss(torch.autograd.Function):
    """Negative log likelihood of a lattice; the gradient by an arc is the probability of using it."""

    @staticmethod
    def forward(
        ctx: Any, log_blank: Tensor, log_label: Tensor, frame_lengths: Tensor, target_lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        log_likelihood, blank_use, label_use = lattice(log_blank, log_label, frame_lengths, target_lengths)
        ctx.save_for_backward(blank_use, label_use)
        ctx.dtype = log_blank.dtype
        cell_use = blank_use + F.pad(label_use, (0, 1))
        ctx.mark_non_differentiable(cell_use)
        return -log_likelihood.to(log_blank.dtype), cell_use

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, None, None]:
        scale = -grad_outputs[0].view(-1, 1, 1)
        blank_gradient, label_gradient = ((use * scale).to(ctx.dtype) for use in ctx.saved_tensors)
        return blank_gradient, label_gradient, None, None
