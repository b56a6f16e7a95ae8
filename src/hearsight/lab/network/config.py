"""One description of every size of network."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from hearsight.errors import HearsightError


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of the whole transducer; lengths are in frames of 40 ms.

    Attributes:
        audio_frontend: ``log_mel``, ``waveform`` (ResNet1D-18 of the TorchAudio tutorial), or ``ear``
            (a streaming Whisper encoder into which the lips are fused; 1536 features a frame and the lips').
        video_frontend: ``plain`` (small 2-D convolutions over five stacked frames), ``resnet``
            (Conv3d + ResNet18) or ``linear`` (one matrix on 44x44 pixels).
        video_channels: width of the ``plain`` stem and of its four stages.
        frontend_dim: features per frame and sense.
        lips_window: frames of lips by which the eyes of an ``ear`` judge, all but one from the past.
        again_dim: features of a frame's lips for hearing an utterance again, from a video front-end of its
            own; 0 without such.
        again_channels: as ``video_channels``, of that front-end.
        encoder_layer: ``emformer``, or ``conv_emformer`` (a convolution and a second feed-forward
            half around the same attention).
        segment, right_context, left_context: what one encoder step sees.
        predictor: ``stateless`` (two labels of context) or ``lstm``.
        vocabulary_size: pieces including the blank, which is index ``blank``.
    """

    name: str = "small"
    audio_frontend: Literal["log_mel", "waveform", "ear"] = "log_mel"
    video_frontend: Literal["plain", "resnet", "linear"] = "plain"
    video_channels: tuple[int, ...] = (16, 24, 48, 96, 160)
    frontend_dim: int = 192
    lips_window: int = 1
    again_dim: int = 0
    again_channels: tuple[int, ...] = (24, 32, 64, 96, 128)
    fusion_hidden: int = 384
    fusion_dim: int = 192
    encoder_layer: Literal["emformer", "conv_emformer"] = "conv_emformer"
    encoder_input_linear: bool = False
    encoder_dim: int = 192
    encoder_heads: int = 4
    encoder_feedforward: int = 640
    encoder_layers: int = 6
    convolution_kernel: int = 15
    segment: int = 8
    right_context: int = 4
    left_context: int = 32
    predictor: Literal["stateless", "lstm"] = "stateless"
    predictor_dim: int = 192
    predictor_layers: int = 1
    joiner_dim: int = 192
    joiner_activation: Literal["tanh", "relu"] = "tanh"
    vocabulary_size: int = 256
    blank: int = 0
    dropout: float = 0.1

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """The inverse of :meth:`to_dict`.

        Raises:
            HearsightError: a key is unknown.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise HearsightError(f"model configuration has unknown keys {', '.join(unknown)}: remove them")
        channels = [name for name in ("video_channels", "again_channels") if name in values]
        return cls(**(values | {name: tuple(values[name]) for name in channels}))

    @property
    def feature_dim(self) -> int:
        """What the front-end passes on of each frame: what the encoder takes, and lips for hearing again."""
        return self.fusion_dim + self.again_dim

    @classmethod
    def named(cls, name: str) -> ModelConfig:
        """One of the named sizes: ``small``, ``small-en``, ``device``, ``recipe``.

        ``device`` and ``recipe`` are the published shapes: the TorchAudio tutorial's
        ``device_avsr_model`` and its training recipe (pytorch/audio ``examples/avsr``).

        Raises:
            HearsightError: there is no such size.
        """
        if name not in NAMED_SIZES:
            raise HearsightError(f"no model size is called {name!r}: choose one of {', '.join(NAMED_SIZES)}")
        return NAMED_SIZES[name]


_PUBLISHED = ModelConfig(
    audio_frontend="waveform",
    frontend_dim=512,
    fusion_dim=512,
    encoder_layer="emformer",
    encoder_input_linear=True,
    predictor="lstm",
    predictor_dim=512,
    predictor_layers=3,
    joiner_dim=1024,
    joiner_activation="relu",
    vocabulary_size=1024,
    blank=1023,
)

NAMED_SIZES: dict[str, ModelConfig] = {
    "small": ModelConfig(),
    "small-en": ModelConfig(
        name="small-en",
        audio_frontend="ear",
        lips_window=5,
        again_dim=64,
        fusion_hidden=512,
        fusion_dim=1728,
        encoder_input_linear=True,
        encoder_dim=256,
        encoder_feedforward=768,
        encoder_layers=4,
        right_context=0,
        predictor_dim=256,
        joiner_dim=256,
        vocabulary_size=500,
    ),
    "device": dataclasses.replace(
        _PUBLISHED,
        name="device",
        video_frontend="linear",
        fusion_hidden=1024,
        encoder_dim=256,
        encoder_feedforward=1024,
        encoder_layers=12,
        segment=32,
        right_context=4,
        left_context=30,
    ),
    "recipe": dataclasses.replace(
        _PUBLISHED,
        name="recipe",
        video_frontend="resnet",
        fusion_hidden=3072,
        encoder_dim=128,
        encoder_feedforward=2048,
        encoder_layers=20,
        segment=64,
        right_context=0,
        left_context=30,
    ),
}
"""The sizes that :meth:`ModelConfig.named` knows."""
