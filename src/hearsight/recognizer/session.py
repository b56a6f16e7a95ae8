"""The streaming session: ticks in, encoded frames out, the same whatever the chunking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.bundle import Bundle
from hearsight.types import CROP_SIZE, SAMPLES_PER_FRAME

Inputs = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Ticks:
    """What the network takes, tick by tick.

    Attributes:
        crops: ``(ticks, 96, 96)`` uint8, zeros where ``video_present`` is False.
        samples: ``(ticks * 640,)`` float32, zeros where ``audio_present`` is False.
        video_present: ``(ticks,)`` bool.
        audio_present: ``(ticks,)`` bool.
    """

    crops: NDArray[np.uint8]
    samples: NDArray[np.float32]
    video_present: NDArray[np.bool_]
    audio_present: NDArray[np.bool_]

    @classmethod
    def empty(cls, ticks: int = 0) -> Ticks:
        """Ticks without sound or picture."""
        return cls(
            np.zeros((ticks, CROP_SIZE, CROP_SIZE), np.uint8),
            np.zeros(ticks * SAMPLES_PER_FRAME, np.float32),
            np.zeros(ticks, np.bool_),
            np.zeros(ticks, np.bool_),
        )

    def __len__(self) -> int:
        return len(self.crops)

    def __add__(self, other: Ticks) -> Ticks:
        return Ticks(
            np.concatenate([self.crops, other.crops]),
            np.concatenate([self.samples, other.samples]),
            np.concatenate([self.video_present, other.video_present]),
            np.concatenate([self.audio_present, other.audio_present]),
        )

    def part(self, start: int, stop: int | None = None) -> Ticks:
        """The ticks from ``start`` to before ``stop``."""
        samples = slice(start * SAMPLES_PER_FRAME, None if stop is None else stop * SAMPLES_PER_FRAME)
        ticks = slice(start, stop)
        return Ticks(
            self.crops[ticks], self.samples[samples], self.video_present[ticks], self.audio_present[ticks]
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """Encoded frames of one encoder call.

    Attributes:
        start: tick of the first frame.
        heard: tick up to which the encoder had seen the input, right context included.
        encoded: ``(frames, joiner_dim)`` float32.
        video_present: ``(frames,)`` bool.
        audio_present: ``(frames,)`` bool.
        features: ``(frames, feature_dim)`` float32, the front-end's.
    """

    start: int
    heard: int
    encoded: NDArray[np.float32]
    video_present: NDArray[np.bool_]
    audio_present: NDArray[np.bool_]
    features: NDArray[np.float32]


Restarts = Callable[[int, int], bool]
"""Whether the block of so many ticks from a tick on is a beginning."""


class EncoderSession:
    """Front-end and encoder of one stream, with their state.

    Both graphs are only ever called on the same stretches of the input, whole blocks and whole segments
    with their right context, so that results do not depend on how the input was cut into pushes. What is
    kept is bounded: less than a block of ticks, less than a segment and its right context of features.
    Where there is a second pass, the front-end hears a block of silence before the input and, as far as the
    states go that the bundle names, before each restart: what begins in the middle of a word is read better.

    Args:
        bundle: where the graphs are.
        start: tick of the first frame that will be pushed.
    """

    def __init__(self, bundle: Bundle, start: int = 0) -> None:
        self._bundle = bundle
        second_pass = bundle.config.second_pass
        self._config = bundle.config
        self._start = start
        self._ticks = Ticks.empty()
        self._features = np.zeros((0, self._config.feature_dim), np.float32)
        self._present = np.zeros((0, 2), np.bool_)
        self._heard_last = True
        self._beyond = self.lead = self._features
        self._frontend_state = self._config.initial_state("frontend")
        self._encoder_state = self._config.initial_state("encoder")
        if second_pass is not None:
            self.lead = self.tail()
            """Features ``(ticks, feature_dim)`` of the silence before the input, if it has one."""
            self._silent_state = {name: self._frontend_state[name] for name in second_pass.restart}

    def push(self, ticks: Ticks, restarts: Restarts | None = None) -> Iterator[Segment]:
        """Take the next ticks; yield every segment they complete.

        Args:
            ticks: of the input.
            restarts: asked with the first tick of each block, and how many of its ticks are input, whether
                the states that the bundle names are to be as if nothing but silence came before. It is asked
                when all segments that were complete before have been taken, so that it may go by them.
        """
        self._ticks += ticks
        block = self._config.block
        while len(self._ticks) >= block:
            self._begin(block, restarts)
            self._extract_features(self._ticks.part(0, block), block)
            self._ticks = self._ticks.part(block)
            if len(self._features) >= self._config.segment + self._config.right_context:
                yield self._encode()

    def finish(self, restarts: Restarts | None = None) -> Iterator[Segment]:
        """End the input: yield the segments of what is left, padded and masked."""
        if left := len(self._ticks):
            self._begin(left, restarts)
            self._extract_features(self._ticks + self._padding(self._config.block - left), left)
            self._ticks = Ticks.empty()
        while len(self._features):
            yield self._encode()

    def tail(self) -> NDArray[np.float32]:
        """Features ``(ticks, feature_dim)`` of silence after the input's end, for a second pass.

        Front-ends look ahead, so the input's last moments are only heard with what comes after them.
        """
        before = self._beyond
        self._extract_features(self._padding(self._config.block), 0)
        return np.concatenate([before, self._beyond])

    def _padding(self, ticks: int) -> Ticks:
        """Nothing; what a second pass is to read ends with silence instead, if there was sound at the end."""
        nothing = Ticks.empty(ticks)
        if self._config.second_pass is None:
            return nothing
        return replace(nothing, audio_present=np.full(ticks, self._heard_last))

    def _extract_features(self, block: Ticks, real: int) -> None:
        """Run the front-end on one block, of which the first ``real`` ticks are input."""
        inputs: Inputs = {
            "crops": block.crops[None],
            "samples": block.samples[None],
            "video_present": block.video_present[None],
            "audio_present": block.audio_present[None],
        }
        features, self._frontend_state = self._bundle.frontend(inputs, self._frontend_state)
        self._beyond = features[0, real:]
        if real:
            self._heard_last = bool(block.audio_present[real - 1])
        present = np.stack([block.video_present, block.audio_present], axis=1)
        self._features = np.concatenate([self._features, features[0, :real]])
        self._present = np.concatenate([self._present, present[:real]])

    def _begin(self, real: int, restarts: Restarts | None) -> None:
        """Let the states that the bundle names forget all before the next block, if they are to."""
        start = self._start + len(self._features)
        if restarts is not None and self._config.second_pass is not None and restarts(start, real):
            self._frontend_state = self._frontend_state | self._silent_state

    def _encode(self) -> Segment:
        """Run the encoder on the next segment and its right context, padded at the end of the input."""
        segment, window = self._config.segment, self._config.segment + self._config.right_context
        real = min(len(self._features), window)
        features = np.zeros((1, window, self._config.feature_dim), np.float32)
        features[0, :real] = self._features[:real]
        inputs: Inputs = {"features": features, "valid": np.arange(window)[None] < real}
        encoded, self._encoder_state = self._bundle.encoder(inputs, self._encoder_state)
        frames = min(real, segment)
        video_present, audio_present = self._present[:frames].T
        result = Segment(
            self._start,
            self._start + real,
            encoded[0, :frames],
            video_present,
            audio_present,
            self._features[:frames],
        )
        self._start += frames
        self._features, self._present = self._features[segment:], self._present[segment:]
        return result
