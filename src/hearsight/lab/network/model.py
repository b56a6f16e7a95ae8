"""The whole audio-visual transducer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.emformer import Emformer
from hearsight.lab.network.fusion import Fusion
from hearsight.lab.network.joiner import Joiner
from hearsight.lab.network.log_mel import LogMelFrontend
from hearsight.lab.network.plain_video import PlainVideoFrontend, shrink_crops, standardise_frames
from hearsight.lab.network.stateless_predictor import StatelessPredictor
from hearsight.lab.network.streaming import State


def audio_frontend(config: ModelConfig) -> nn.Module:
    """The audio front-end that the configuration names."""
    if config.audio_frontend == "log_mel":
        return LogMelFrontend(config.frontend_dim)
    from hearsight.lab.network.waveform import WaveformFrontend

    return WaveformFrontend(config.frontend_dim)


def video_frontend(config: ModelConfig) -> nn.Module:
    """The video front-end that the configuration names."""
    if config.video_frontend == "plain":
        return PlainVideoFrontend(config.video_channels, config.frontend_dim, config.dropout)
    from hearsight.lab.network.resnet_video import LinearVideoFrontend, ResNetVideoFrontend

    if config.video_frontend == "linear":
        return LinearVideoFrontend(config.frontend_dim)
    return ResNetVideoFrontend(config.frontend_dim)


def again_frontend(config: ModelConfig) -> nn.Module:
    """The video front-end that looks at an utterance again."""
    return PlainVideoFrontend(config.again_channels, config.again_dim, config.dropout)


def predictor(config: ModelConfig) -> nn.Module:
    """The predictor that the configuration names."""
    if config.predictor == "stateless":
        return StatelessPredictor(
            config.vocabulary_size, config.predictor_dim, config.joiner_dim, config.blank
        )
    from hearsight.lab.network.lstm_predictor import LSTMPredictor

    return LSTMPredictor(
        config.vocabulary_size, config.predictor_dim, config.predictor_layers, config.joiner_dim, config.blank
    )


class AVTransducer(nn.Module):
    """Front-ends, fusion, Emformer, predictor, joiner; and the heads that help it to learn.

    The heads are used in training alone: framewise word targets (``frame``) are what frees a small corpus
    from the plateau at the grammar's prior; ``acoustic`` and ``language`` are those of the pruned loss.
    """

    video: nn.Module

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.make_senses()
        self.encoder = Emformer(config)
        published = config.encoder_layer == "emformer"
        self.encoder_output = nn.Linear(config.encoder_dim, config.joiner_dim)
        self.encoder_norm = nn.LayerNorm(config.joiner_dim) if published else nn.Identity()
        self.predictor = predictor(config)
        self.joiner = Joiner(config.joiner_dim, config.vocabulary_size, config.joiner_activation)
        self.ctc = nn.Linear(config.encoder_dim, config.vocabulary_size)
        self.frame = nn.Linear(config.encoder_dim, config.vocabulary_size)
        self.acoustic = nn.Linear(config.encoder_dim, config.vocabulary_size)
        self.language = nn.Linear(config.joiner_dim, config.vocabulary_size)
        self.joiner.start_blank(config.blank)
        with torch.no_grad():
            self.ctc.bias[config.blank] = 3.0
            self.acoustic.bias[config.blank] = 3.0

    def make_senses(self) -> None:
        """The front-ends and the fusion; another kind of them overrides this and the three methods below."""
        config = self.config
        self.audio = audio_frontend(config)
        self.video = video_frontend(config)
        self.fusion = Fusion(config.frontend_dim, config.fusion_hidden, config.fusion_dim, config.dropout)

    def fuse(
        self, audio: Tensor, video: Tensor, audio_present: Tensor, video_present: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """Both front-ends and the fusion, streaming.

        Args:
            audio: ``(batch, frames * 640)`` samples in [-1, 1].
            video: ``(batch, frames, 96, 96)`` grey crops, 0..255.
            audio_present: ``(batch, frames)`` bool.
            video_present: ``(batch, frames)`` bool.
            state: from :meth:`initial_frontend_state` or the call before.
        """
        patches = standardise_frames(shrink_crops(video.to(audio.dtype)))
        patches = patches * video_present[..., None, None]
        heard, audio_state = self.audio(audio, split_state(state, "audio_"))
        seen, video_state = self.video(patches, split_state(state, "video_"))
        fused = self.fusion(heard, seen, audio_present, video_present)
        return fused, {**join_state("audio_", audio_state), **join_state("video_", video_state)}

    def initial_frontend_state(self, batch: int) -> State:
        """State for :meth:`fuse` before the first frame."""
        return {
            **join_state("audio_", self.audio.initial_state(batch)),  # type: ignore[operator]
            **join_state("video_", self.video.initial_state(batch)),  # type: ignore[operator]
        }

    def fuse_whole(
        self, audio: Tensor, video: Tensor, audio_present: Tensor, video_present: Tensor
    ) -> Tensor:
        """:meth:`fuse` of whole sequences; rows that have no picture cost nothing."""
        state = self.initial_frontend_state(len(audio))
        heard, _ = self.audio(audio, split_state(state, "audio_"))
        seen = torch.zeros_like(heard)
        rows = video_present.any(1).nonzero().squeeze(1)
        if len(rows):
            patches = standardise_frames(shrink_crops(video[rows].to(audio.dtype)))
            patches = patches * video_present[rows][..., None, None]
            video_state = {name: value[rows] for name, value in split_state(state, "video_").items()}
            features, _ = self.video(patches, video_state)
            seen = seen.index_put((rows,), features.to(seen.dtype))
        fused: Tensor = self.fusion(heard, seen, audio_present, video_present)
        return fused

    def penalty(self) -> Tensor:
        """What training adds to the loss of the last batch; nothing, if a network has nothing of its own."""
        return torch.zeros(())

    def encode(self, fused: Tensor, lengths: Tensor) -> Tensor:
        """Whole sequences: ``(batch, frames, feature_dim)`` to ``(batch, frames, encoder_dim)``."""
        frames = fused.shape[1]
        segment, right_context = self.config.segment, self.config.right_context
        padding = -frames % segment + right_context
        valid = torch.arange(frames + padding, device=fused.device)[None] < lengths[:, None]
        state = self.encoder.initial_state(len(fused))
        encoded, _ = self.encoder(F.pad(fused, (0, 0, 0, padding)), valid, state)
        return encoded[:, :frames]

    def project(self, encoded: Tensor) -> Tensor:
        """Encoder output to the joiner's space."""
        projected: Tensor = self.encoder_norm(self.encoder_output(encoded))
        return projected


def split_state(state: State, prefix: str) -> State:
    """The entries of one part, without its prefix."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def join_state(prefix: str, state: State) -> State:
    """The entries of one part, with its prefix."""
    return {prefix + name: value for name, value in state.items()}
