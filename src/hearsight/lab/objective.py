"""What training minimises: transducer, CTC and framewise losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hearsight.lab.data.batches import Batch
from hearsight.lab.data.pieces import UNKNOWN_FRAME
from hearsight.lab.network.model import AVTransducer
from hearsight.lab.network.pruned_loss import prune_ranges, pruned_loss, simple_loss
from hearsight.lab.network.rnnt_loss import rnnt_loss

RANGE = 5
"""Labels that the pruned loss joins each frame with."""
SIMPLE_WEIGHT = 0.5
"""Of the trivial joiner's loss beside the pruned one, as in k2's recipes."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over the batch: ``transducer`` and ``ctc`` in nats per label, ``frame`` in nats per frame.

    ``spread`` is the deviation of the encoder's output between utterances. Under 0.1 the encoder has
    collapsed to the same output for every input. ``penalty`` is the network's own.
    """

    transducer: Tensor
    ctc: Tensor
    frame: Tensor
    spread: Tensor
    penalty: Tensor

    def total(self, sequence_weight: float, *, frame_weight: float = 1.0, ctc_weight: float = 0.3) -> Tensor:
        """The sum to minimise; ``sequence_weight`` is 0 while framewise targets alone open the eyes."""
        sequence = self.transducer + ctc_weight * self.ctc
        return frame_weight * self.frame + self.penalty + sequence_weight * sequence


def losses(model: AVTransducer, batch: Batch, *, pruned: bool = False) -> Losses:
    """Forward pass and all losses of a batch; the sequence losses are computed in float32."""
    fused = model.fuse_whole(batch.samples, batch.crops, batch.audio_present, batch.video_present)
    encoded = model.encode(fused, batch.frame_lengths)
    labels = batch.label_lengths.clamp(min=1).float()
    transducer = (_pruned if pruned else _full)(model, encoded, batch)
    ctc = F.ctc_loss(
        model.ctc(encoded).float().log_softmax(-1).transpose(0, 1),
        batch.labels,
        batch.frame_lengths,
        batch.label_lengths,
        blank=model.config.blank,
        reduction="none",
        zero_infinity=True,
    )
    return Losses(
        transducer=(transducer / labels).mean(),
        ctc=(ctc / labels).mean(),
        frame=frame_loss(model.frame(encoded).float(), batch.frame_targets),
        spread=encoded.detach().float().std(0).mean(),
        penalty=model.penalty(),
    )


def _full(model: AVTransducer, encoded: Tensor, batch: Batch) -> Tensor:
    """Transducer loss ``(batch,)`` of the joiner on the whole lattice."""
    projected, predicted = model.project(encoded), model.predictor(batch.labels)
    logits = model.joiner(projected.unsqueeze(2), predicted.unsqueeze(1)).float()
    return rnnt_loss(logits, batch.labels, batch.frame_lengths, batch.label_lengths, model.config.blank)


def _pruned(model: AVTransducer, encoded: Tensor, batch: Batch) -> Tensor:
    """The same where the trivial joiner says that alignments pass, and that joiner's own loss."""
    lengths, blank = (batch.frame_lengths, batch.label_lengths), model.config.blank
    predicted = model.predictor(batch.labels)
    acoustic, language = model.acoustic(encoded).float(), model.language(predicted).float()
    with torch.autocast(encoded.device.type, enabled=False):
        simple, cell_use = simple_loss(acoustic, language, batch.labels, *lengths, blank)
    ranges = prune_ranges(cell_use, RANGE, *lengths)

    def join(heard: Tensor, said: Tensor) -> Tensor:
        logits: Tensor = model.joiner(heard, said).float()
        return logits

    projected = model.project(encoded)
    loss = pruned_loss(join, projected, predicted, ranges, RANGE, batch.labels, *lengths, blank)
    return loss + SIMPLE_WEIGHT * simple


def frame_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over the frames whose target is known, 0 where none is."""
    if not (targets != UNKNOWN_FRAME).any():
        return logits.sum() * 0.0
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=UNKNOWN_FRAME)


def sequence_weight(step: int, first: int, ramp: int) -> float:
    """0 before step ``first``, then a ramp to 1."""
    return float(torch.tensor((step - first) / max(1, ramp)).clamp(0, 1))
