"""The parts of a trained network as they are exported: one streaming step each, with explicit state."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hearsight.lab.network.model import AVTransducer
from hearsight.lab.network.streaming import State
from hearsight.types import CROP_SIZE, SAMPLES_PER_FRAME


class FrontendStep(nn.Module):
    """Both front-ends and the fusion on the next frames."""

    def __init__(self, model: AVTransducer) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(model.initial_frontend_state(1))

    def forward(
        self, crops: Tensor, samples: Tensor, video_present: Tensor, audio_present: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Features and the next state; see :meth:`AVTransducer.fuse`."""
        named = dict(zip(self.names, state, strict=True))
        fused, after = self.model.fuse(samples, crops.to(samples.dtype), audio_present, video_present, named)
        return fused, *(after[name] for name in self.names)


class EncoderStep(nn.Module):
    """One segment with its right context through the Emformer and into the joiner's space."""

    def __init__(self, model: AVTransducer) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(model.encoder.initial_state(1))

    def forward(self, features: Tensor, valid: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Encoded frames and the next state; see :class:`~hearsight.lab.network.emformer.Emformer`."""
        encoded, after = self.model.encoder(features, valid, dict(zip(self.names, state, strict=True)))
        return self.model.project(encoded), *(after[name] for name in self.names)


class PredictorStep(nn.Module):
    """One label."""

    def __init__(self, model: AVTransducer) -> None:
        super().__init__()
        self.predictor = model.predictor
        self.names = tuple(self.predictor.initial_state(1))  # type: ignore[operator]

    def forward(self, token: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Predicted vector and the next state."""
        named = dict(zip(self.names, state, strict=True))
        predicted, after = self.predictor.step(token, named)  # type: ignore[operator]
        return predicted, *(after[name] for name in self.names)


class JoinerStep(nn.Module):
    """One encoded frame against one hypothesis each."""

    def __init__(self, model: AVTransducer) -> None:
        super().__init__()
        self.joiner = model.joiner

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        """Log probabilities ``(batch, vocabulary_size)``."""
        return self.joiner(encoded, predicted).log_softmax(-1)


@dataclass(frozen=True)
class Graph:
    """A step with the names and examples of its inputs and outputs."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    output: str
    state: State

    @property
    def input_names(self) -> list[str]:
        """Inputs and states, in order."""
        return [*self.inputs, *self.state]

    @property
    def output_names(self) -> list[str]:
        """The output and the next states, in order."""
        return [self.output, *(f"next_{name}" for name in self.state)]


def graphs(model: AVTransducer, block: int, batch: int = 2) -> list[Graph]:
    """The four graphs of a bundle with example inputs of ``batch`` items."""
    config = model.config
    frames = config.segment + config.right_context
    crops = torch.randint(0, 256, (batch, block, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    present = torch.ones(batch, block, dtype=torch.bool)
    vector = torch.randn(batch, config.joiner_dim)
    return [
        Graph(
            "frontend",
            FrontendStep(model),
            {
                "crops": crops,
                "samples": 0.1 * torch.randn(batch, block * SAMPLES_PER_FRAME),
                "video_present": present,
                "audio_present": present.clone(),
            },
            "features",
            model.initial_frontend_state(batch),
        ),
        Graph(
            "encoder",
            EncoderStep(model),
            {
                "features": torch.randn(batch, frames, config.feature_dim),
                "valid": torch.ones(batch, frames, dtype=torch.bool),
            },
            "encoded",
            model.encoder.initial_state(batch),
        ),
        Graph(
            "predictor",
            PredictorStep(model),
            {"token": torch.full((batch,), config.blank)},
            "predicted",
            model.predictor.initial_state(batch),  # type: ignore[operator]
        ),
        Graph(
            "joiner", JoinerStep(model), {"encoded": vector, "predicted": -vector}, "log_probabilities", {}
        ),
    ]
