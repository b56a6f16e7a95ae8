"""The transducer (RNN-T) loss in plain PyTorch.

Graves, "Sequence Transduction with Recurrent Neural Networks", 2012. Where the original walks the lattice
cell by cell, here a step handles one label for all frames at once: the probability of staying on a label
from one frame to another is a difference of cumulative sums, so the sum over all frames at which the label
may have begun is a ``logcumsumexp`` over time. There are U steps instead of T + U or T * U.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_NEVER = float("-inf")


def rnnt_loss(
    logits: Tensor, targets: Tensor, frame_lengths: Tensor, target_lengths: Tensor, blank: int = 0
) -> Tensor:
    """Negative log likelihood of each target sequence, summed over all its alignments.

    Args:
        logits: ``(B, T, U + 1, V)`` float32 (float64 is kept), unnormalised, finite also in the padding.
        targets: ``(B, U)`` int64, any valid index in the padding.
        frame_lengths: ``(B,)`` int64, at least 1 and at most T.
        target_lengths: ``(B,)`` int64, at least 0 and at most U.
        blank: index of the blank in the vocabulary.

    Returns:
        ``(B,)`` loss in nats. What lies beyond the lengths has no influence on it and gets no gradient.
    """
    loss: Tensor = _TransducerLoss.apply(logits, targets, frame_lengths, target_lengths, blank)
    return loss


def lattice(
    log_blank: Tensor, log_label: Tensor, frame_lengths: Tensor, target_lengths: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Forward-backward over the alignment lattice, in float64.

    Args:
        log_blank: ``(B, T, U + 1)`` log probability of going to the next frame; finite.
        log_label: ``(B, T, U)`` log probability of emitting the next label.
        frame_lengths: ``(B,)``.
        target_lengths: ``(B,)``.

    Returns:
        The log likelihood ``(B,)`` and its derivatives by the two inputs: the probabilities
        ``(B, T, U + 1)`` and ``(B, T, U)`` that an alignment uses the arc.
    """
    frames, labels = log_blank.shape[1], log_label.shape[2]
    device = log_blank.device
    heard = torch.arange(frames, device=device) < frame_lengths.unsqueeze(1)
    wanted = torch.arange(labels, device=device) < target_lengths.unsqueeze(1)
    # Labels first: every step below then reads and writes whole (B, T) blocks. Blanks in the padding are
    # free, so that the last real frame leads to the end of the block.
    blank = log_blank.double().masked_fill(~heard.unsqueeze(2), 0.0).movedim(2, 0)
    label = log_label.double().masked_fill(~(heard.unsqueeze(2) & wanted.unsqueeze(1)), _NEVER).movedim(2, 0)
    staying = F.pad(blank.cumsum(2), (1, 0))  # (U + 1, B, T + 1), from frame 0 up to a frame
    before = _forward(label, staying)
    after = _backward(label, staying, target_lengths)
    log_likelihood = after[0, :, 0]
    total = log_likelihood.unsqueeze(1)
    blank_use = (before + blank + after[:, :, 1:] - total).exp().masked_fill(~heard, 0.0)
    label_use = (before[:-1] + label + after[1:, :, :-1] - total).exp()
    return log_likelihood, blank_use.movedim(0, 2), label_use.movedim(0, 2)


def _forward(label: Tensor, staying: Tensor) -> Tensor:
    """Log probability ``(U + 1, B, T)`` of having emitted u labels on arrival in frame t or within it."""
    staying = staying[:, :, :-1]
    rows = [staying[0]]
    for arc, stay in zip(label, staying[1:], strict=True):
        rows.append(torch.logcumsumexp(rows[-1] + arc - stay, 1) + stay)
    return torch.stack(rows)


def _backward(label: Tensor, staying: Tensor, target_lengths: Tensor) -> Tensor:
    """Log probability ``(U + 1, B, T + 1)`` of ending rightly, given u labels emitted and frame t reached."""
    count = label.shape[0]
    is_last = torch.arange(count + 1, device=label.device).unsqueeze(1) == target_lengths
    to_the_end = (staying[:, :, -1:] - staying).masked_fill(~is_last.unsqueeze(2), _NEVER)
    rows = [to_the_end[count]]
    for u in range(count - 1, -1, -1):
        emitted = F.pad(label[u] + rows[-1][:, :-1], (0, 1), value=_NEVER) + staying[u]
        later = torch.logcumsumexp(emitted.flip(1), 1).flip(1) - staying[u]
        rows.append(torch.where(is_last[u].unsqueeze(1), to_the_end[u], later))
    return torch.stack(rows[::-1])


class _TransducerLoss(torch.autograd.Function):
    """Keeps one tensor of the size of the logits, their exponentials, and none for the log softmax.

    The gradient by a logit is the softmax times the probability of being in the cell, less the
    probability of taking the logit's own arc.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, frame_lengths: Tensor, target_lengths: Tensor, blank: int
    ) -> Tensor:
        index = targets[:, None, :, None].expand(-1, logits.shape[1], -1, 1)
        top = logits.amax(3, keepdim=True)
        exponentials = (logits - top).exp_()
        total = exponentials.sum(3)
        log_total = total.log() + top.squeeze(3)
        log_blank = logits[..., blank] - log_total
        log_label = logits[:, :, :-1].gather(3, index).squeeze(3) - log_total[:, :, :-1]
        log_likelihood, blank_use, label_use = lattice(log_blank, log_label, frame_lengths, target_lengths)
        ctx.save_for_backward(exponentials, total, blank_use, label_use, index)
        ctx.blank = blank
        return -log_likelihood.to(logits.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:
        exponentials, total, blank_use, label_use, index = ctx.saved_tensors
        scale = grad_outputs[0].view(-1, 1, 1)
        blank_use, label_use = ((use * scale).to(exponentials.dtype) for use in (blank_use, label_use))
        cell_use = blank_use + F.pad(label_use, (0, 1))
        gradient = exponentials * (cell_use / total).unsqueeze(3)
        gradient[..., ctx.blank] -= blank_use
        gradient[:, :, :-1].scatter_add_(3, index, -label_use.unsqueeze(3))
        return gradient, None, None, None, None
