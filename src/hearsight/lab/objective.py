"""What training minimises: transducer, CTC and framewise losses."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hearsight.lab.data.batches import Batch
from hearsight.lab.data.pieces import UNKNOWN_FRAME
from hearsight.lab.network.model import AVTransducer
from hearsight.lab.network.rnnt_loss import rnnt_loss


@dataclass(frozen=True, slots=True)
class Losses:
    """Means over the batch: ``transducer`` and ``ctc`` in nats per label, ``frame`` in nats per frame.

    ``spread`` is the deviation of the encoder's output between utterances. Under 0.1 the encoder has
    collapsed to the same output for every input.
    """

    transducer: Tensor
    ctc: Tensor
    frame: Tensor
    spread: Tensor

    def total(self, sequence_weight: float, ctc_weight: float = 0.3) -> Tensor:
        """The sum to minimise; ``sequence_weight`` is 0 while framewise targets alone open the eyes."""
        return self.frame + sequence_weight * (self.transducer + ctc_weight * self.ctc)


def losses(model: AVTransducer, batch: Batch) -> Losses:
    """Forward pass and all losses of a batch; the sequence losses are computed in float32."""
    fused = model.fuse_whole(batch.samples, batch.crops, batch.audio_present, batch.video_present)
    encoded = model.encode(fused, batch.frame_lengths)
    projected, predicted = model.project(encoded), model.predictor(batch.labels)
    logits = model.joiner(projected.unsqueeze(2), predicted.unsqueeze(1)).float()
    labels = batch.label_lengths.clamp(min=1).float()
    transducer = rnnt_loss(logits, batch.labels, batch.frame_lengths, batch.label_lengths, model.config.blank)
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
    )


def frame_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over the frames whose target is known, 0 where none is."""
    if not (targets != UNKNOWN_FRAME).any():
        return logits.sum() * 0.0
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=UNKNOWN_FRAME)


def sequence_weight(step: int, first: int, ramp: int) -> float:
    """0 before step ``first``, then a ramp to 1."""
    return float(torch.tensor((step - first) / max(1, ramp)).clamp(0, 1))
