"""The transducer of ``small-en``: its senses are a pretrained ear that streams, with eyes."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hearsight.errors import HearsightError
from hearsight.lab.ear.encoder import DIM, Attention, Chunking, Encoder
from hearsight.lab.ear.eyes import FRAMES_PER_TICK, Eyes, EyesAgain
from hearsight.lab.ear.log_mel import HOP, WINDOW, LogMel, relative_to_reference
from hearsight.lab.ear.senses import SENSES
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import (
    AVTransducer,
    again_frontend,
    join_state,
    split_state,
    video_frontend,
)
from hearsight.lab.network.plain_video import shrink_crops, standardise_frames
from hearsight.lab.network.streaming import State
from hearsight.types import SAMPLES_PER_FRAME

LAG = SAMPLES_PER_FRAME
"""Samples by which the features lag behind: the convolutions look 22.5 ms ahead."""
_HISTORY = LAG + WINDOW // 2
RESTARTED = "ear_heard"
"""The state that counts what was heard: set to 0, it makes the ear forget all before."""


def transducer(config: ModelConfig) -> AVTransducer:
    """The network that a configuration describes."""
    return EarTransducer(config) if config.audio_frontend == "ear" else AVTransducer(config)


@dataclass(frozen=True, slots=True)
class Senses:
    """Sound and lips before any attention.

    Attributes:
        frames: ``(batch, 2 * ticks, 384)`` convolved sound, with what the lips add to it.
        seen: ``(batch, ticks, frontend_dim)`` features of the lips, normalised; 0 where there are none.
        seen_again: ``(batch, ticks, again_dim)`` those for hearing again; alike.
    """

    frames: Tensor
    seen: Tensor
    seen_again: Tensor


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the senses make of clips: ``streamed`` are features like the frames, heard chunk by chunk."""

    streamed: Tensor
    senses: Senses

    def by_tick(self) -> Tensor:
        """``(batch, ticks, feature_dim)``: streamed features, convolved frames, both kinds of lips."""
        sounds = [self.streamed, self.senses.frames]
        heard = [part.unflatten(1, (-1, FRAMES_PER_TICK)).flatten(2) for part in sounds]
        lips = [part.to(heard[0].dtype) for part in (self.senses.seen, self.senses.seen_again)]
        return torch.cat([*heard, *lips], 2)


class WholeHearing(nn.Module):
    """Hears an utterance that is over once more, all at once, and looks again: for a second pass.

    Args:
        attention: the layers that hear again.
        eyes: those that look again, if there are any.
    """

    frames_per_tick = FRAMES_PER_TICK

    def __init__(self, attention: Attention, eyes: EyesAgain | None = None) -> None:
        super().__init__()
        self.attention, self.eyes = attention, eyes

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(batch, ticks, …)`` of the front-end to ``(batch, 2 * ticks, 384)``."""
        width = FRAMES_PER_TICK * DIM
        frames = features[..., width : 2 * width].unflatten(2, (FRAMES_PER_TICK, DIM)).flatten(1, 2)
        if self.eyes is not None:
            frames = self.eyes(frames, features[..., -self.eyes.seen_dim :])
        return self.attention.attend(frames)


class Roughening(nn.Module):
    """What training does to the features of an ear that does not learn.

    An ear that was distilled on few voices misses more of the features of others: that is like noise, of
    which each utterance gets up to so much of the features' deviation. Stretches of silence are as in
    SpecAugment (D. S. Park et al., 2019).
    """

    def __init__(self, noise: float = 0.45, masks: int = 2, longest: int = 10) -> None:
        super().__init__()
        self.noise, self.masks, self.longest = noise, masks, longest

    def forward(self, features: Tensor) -> Tensor:
        """``(batch, ticks, dim)`` to the same shape; as they are in evaluation."""
        if not self.training:
            return features
        batch, ticks = features.shape[:2]
        spread = features.detach().float().std((0, 1)).to(features.dtype)
        amount = self.noise * torch.rand(batch, 1, 1, device=features.device)
        rough = features + torch.randn_like(features) * (amount.to(features.dtype) * spread)
        tick = torch.arange(ticks, device=features.device)
        for _ in range(self.masks):
            start = torch.randint(ticks, (batch, 1), device=features.device)
            stop = start + torch.randint(self.longest + 1, (batch, 1), device=features.device)
            rough = rough.masked_fill(((tick >= start) & (tick < stop)).unsqueeze(2), 0.0)
        return rough


class EarTransducer(AVTransducer):
    """Log-mel, Whisper's encoder in chunks with the lips fused into its input, Emformer, transducer.

    What the lips add comes before the encoder's attention, so that its features stay of the kind that the
    pretrained decoder reads. A second set of the attention's layers hears an utterance all at once when it
    is over (A. Narayanan et al., "Cascaded encoders for unifying streaming and non-streaming ASR", 2021); it
    needs the convolved sound, which the front-end passes on beside the features of the stream. The Emformer
    gets all of these and the lips' own features. What is heard lags one frame behind, for the look-ahead of
    the convolutions.
    """

    def make_senses(self) -> None:
        """See the base class."""
        config = self.config
        self._frozen = False
        self._before: tuple[nn.Module, Eyes] | None = None
        self._strayed = torch.zeros(())
        self.log_mel = LogMel()
        self.ear = Encoder(Chunking(chunk=FRAMES_PER_TICK * config.segment))
        self.video = video_frontend(config)
        self.eyes = Eyes(config.frontend_dim, config.lips_window, config.fusion_hidden, config.dropout)
        self.whole = Attention()
        self.video_again: nn.Module | None = None
        self.eyes_again: EyesAgain | None = None
        if config.again_dim:
            self.video_again = again_frontend(config)
            self.eyes_again = EyesAgain(config.again_dim, config.fusion_hidden, config.dropout)
        self.roughen = Roughening()

    def take_senses(self, weights: dict[str, Tensor]) -> None:
        """Take the weights of the ear, and of the eyes where there are any, from elsewhere.

        Args:
            weights: by name, ``ear.…``, ``eyes.…`` and ``video.…``.

        Raises:
            HearsightError: they are of another shape, or no ear is among them.
        """
        taken = {name: value for name, value in weights.items() if name.split(".")[0] in SENSES}
        refusal = "these are not the weights of an ear of this size: distil one, and name it"
        if not any(name.startswith("ear.") for name in taken):
            raise HearsightError(refusal)
        try:
            self.load_state_dict({**self.state_dict(), **taken})
        except RuntimeError as error:
            raise HearsightError(refusal) from error

    def freeze_senses(self) -> None:
        """From now on ear, eyes and video front-end learn nothing, nor do they drop anything out."""
        self._frozen = True
        for part in self._senses():
            part.requires_grad_(False).eval()

    def free_lips(self) -> None:
        """Frozen senses but for the lips: their own features learn, for the transducer.

        What they add to the sound is kept as it is now: that is what ear and second pass know.
        """
        self._before = copy.deepcopy(self.video), copy.deepcopy(self.eyes)
        for part in (self.video, self.eyes):
            part.requires_grad_(True)

    def penalty(self) -> Tensor:
        """How far what the lips add to the sound has strayed in the last batch, as a share of its power."""
        return self._strayed

    def train(self, mode: bool = True) -> EarTransducer:
        """As in torch, but what is frozen stays as it is."""
        super().train(mode)
        if self._frozen:
            for part in self._senses():
                part.eval()
        return self

    def _senses(self) -> list[nn.Module]:
        return [part for name in SENSES if (part := getattr(self, name)) is not None]

    def hearing_again(self) -> WholeHearing:
        """What hears, and looks, again."""
        return WholeHearing(self.whole, self.eyes_again)

    def fuse(
        self, audio: Tensor, video: Tensor, audio_present: Tensor, video_present: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """As the base class has it, for exactly one segment of frames: ``(batch, segment, fusion_dim)``."""
        delayed = torch.cat([state["sound"], audio], 1)
        length = audio.shape[1] + WINDOW  # the segment's windows and the first one after it
        log_mel = relative_to_reference(self.log_mel(delayed[:, :length]))
        patches = standardise_frames(shrink_crops(video.to(audio.dtype))) * video_present[..., None, None]
        seen, video_state = self.video(patches, split_state(state, "video_"))
        again = self._seen_again(patches, video_present, split_state(state, "video_"))
        ear_state = split_state(state, "ear_")
        frames, convolved = self.ear.convolve_step(log_mel, ear_state)
        lips = self.eyes.normalise(seen, video_present)
        frames, looked = self.eyes(frames, lips, video_present, split_state(state, "eyes_"))
        streamed, attended = self.ear.attend_step(frames, ear_state)
        after = {
            "sound": delayed[:, -_HISTORY:],
            **join_state("ear_", {**convolved, **attended}),
            **join_state("video_", video_state),
            **join_state("eyes_", looked),
        }
        return Hearing(streamed, Senses(frames, lips, again)).by_tick(), after

    def _seen_again(self, patches: Tensor, video_present: Tensor, state: State) -> Tensor:
        """Lips for hearing again: their front-end remembers the same frames as the other."""
        if self.video_again is None:
            return patches.new_zeros(*video_present.shape, 0)
        seen, _ = self.video_again(patches, state)
        return torch.where(video_present.unsqueeze(-1), seen, 0.0)

    def initial_frontend_state(self, batch: int) -> State:
        """See the base class."""
        return {
            "sound": torch.zeros(batch, _HISTORY),
            **join_state("ear_", self.ear.initial_state(batch)),
            **join_state("video_", self.video.initial_state(batch)),  # type: ignore[operator]
            **join_state("eyes_", self.eyes.initial_state(batch)),
        }

    def fuse_whole(
        self, audio: Tensor, video: Tensor, audio_present: Tensor, video_present: Tensor
    ) -> Tensor:
        """See the base class; the same as :meth:`fuse` segment by segment, but for training's roughness."""
        features: Tensor = self.roughen(self.hear_whole(audio, video, video_present).by_tick())
        return features

    def hear_whole(
        self, audio: Tensor, video: Tensor, video_present: Tensor, offset: Tensor | None = None
    ) -> Hearing:
        """What whole clips sound like, one frame late.

        Args:
            audio: ``(batch, frames * 640)``.
            video: ``(batch, frames, 96, 96)``.
            video_present: ``(batch, frames)`` bool.
            offset: ``(batch,)`` place of the first feature in Whisper's window.
        """
        senses = self.sense(audio, video, video_present)
        return Hearing(self.ear.attend(senses.frames, offset, self.ear.chunking), senses)

    def sense(self, audio: Tensor, video: Tensor, video_present: Tensor) -> Senses:
        """Sound and lips of whole clips, before any attention; see :meth:`hear_whole`."""
        with torch.no_grad():
            late = F.pad(audio, (_HISTORY, 0))[:, : audio.shape[1] + WINDOW - HOP]
            log_mel = relative_to_reference(self.log_mel(late))
        frames = self.ear.convolve(log_mel)
        self._strayed = frames.new_zeros(())
        rows = video_present.any(1).nonzero().squeeze(1)
        lips = frames.new_zeros(*video_present.shape, self.config.frontend_dim)
        again = frames.new_zeros(*video_present.shape, self.config.again_dim)
        if len(rows):
            present = video_present[rows]
            patches = standardise_frames(shrink_crops(video[rows].to(audio.dtype)))
            patches = patches * present[..., None, None]
            looked, seen = self._looked(self.video, self.eyes, frames[rows], patches, present)
            if self._before is not None and self.training:
                looked = self._kept(looked, frames[rows], patches, present)
            first = self.video.initial_state(len(rows))  # type: ignore[operator]
            seen_again = self._seen_again(patches, present, first)
            frames = frames.index_put((rows,), looked.to(frames.dtype))
            lips = lips.index_put((rows,), seen.to(lips.dtype))
            again = again.index_put((rows,), seen_again.to(again.dtype))
        return Senses(frames, lips, again)

    @staticmethod
    def _looked(
        video: nn.Module, eyes: Eyes, frames: Tensor, patches: Tensor, video_present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Sound with what the lips add, and the lips, normalised."""
        seen, _ = video(patches, video.initial_state(len(patches)))  # type: ignore[operator]
        lips = eyes.normalise(seen, video_present)
        looked, _ = eyes(frames, lips, video_present, eyes.initial_state(len(patches)))
        return looked, lips

    def _kept(self, looked: Tensor, frames: Tensor, patches: Tensor, video_present: Tensor) -> Tensor:
        """Sound with what the lips added before they learned; notes how far they have strayed."""
        assert self._before is not None
        with torch.no_grad():
            kept, _ = self._looked(*self._before, frames, patches, video_present)
        added = (kept - frames).float().square().sum()
        self._strayed = (looked - kept).float().square().sum() / added.clamp(min=1e-6)
        return kept
