"""One stream of sound and pictures that the caller pushes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.activity import ActivityRule
from hearsight.recognizer.attention import Attention
from hearsight.recognizer.biasing import ContextGraph
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.config import BEAM_WIDTH
from hearsight.recognizer.decoder import Decoder
from hearsight.recognizer.endpoint import EndpointRule
from hearsight.recognizer.listening import Listening
from hearsight.recognizer.pictures import PictureRule, without_frozen
from hearsight.recognizer.second_pass import Finals
from hearsight.recognizer.session import EncoderSession, Segment, Ticks
from hearsight.recognizer.utterance import LEAD_S
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk, Crops, Event, Modality

if TYPE_CHECKING:
    from hearsight.face import FacePath

COMMIT_S = 2.0
"""Words older than this are no longer open to second thoughts, unless a stream is told otherwise."""


class Stream:
    """Recognises what is pushed, in any chunking: the same input gives the same finals.

    Made by :meth:`hearsight.Recognizer.stream`. One thread at a time may use it; any number of streams
    share one recognizer.

    Args:
        bundle: the model.
        modality: ``audio`` ignores pictures and never runs the face path, ``video`` ignores sound.
        beam_width: hypotheses kept; 1 is greedy search.
        endpoint: when an utterance is over.
        activity: when somebody is held to speak; elsewhere no word is heard.
        pictures: which pictures are not worth looking at.
        commit_s: words older than this are no longer open to second thoughts.
        context: phrases that are likely.
        finals: who writes them; by default a second pass, if the bundle has one.
        start: tick of the first frame pushed; event times count from tick 0.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        modality: Modality = "av",
        beam_width: int = BEAM_WIDTH,
        endpoint: EndpointRule | None = None,
        activity: ActivityRule | None = None,
        pictures: PictureRule | None = None,
        commit_s: float = COMMIT_S,
        context: ContextGraph | None = None,
        finals: Finals | None = None,
        start: int = 0,
    ) -> None:
        self._modality = modality
        self._tick = start
        self._session = EncoderSession(bundle, start)
        activity, endpoint = activity or ActivityRule(), endpoint or EndpointRule()
        second_pass = bundle.writer(finals)
        if second_pass is not None:
            endpoint = endpoint.within(second_pass.longest_s - LEAD_S)
        self._attention = Attention(activity, pictures or PictureRule(), start)
        listening = Listening(activity, round(endpoint.longest_s * FRAME_RATE))
        self._decoder = Decoder(
            bundle,
            beam_width,
            endpoint,
            listening,
            commit_s=commit_s,
            context=context,
            second_pass=second_pass,
            lead=self._session.lead,
            start=start,
        )
        self._reads_again = second_pass is not None
        self._face: FacePath | None = None
        self._rest = np.zeros(0, np.float32)
        self._finished = False
        self.decoded = start
        """Tick up to which the input has been decoded."""

    @property
    def beam_width(self) -> int:
        """Hypotheses kept by the search; may be changed between pushes, when there is no time for many."""
        return self._decoder.beam_width

    @beam_width.setter
    def beam_width(self, width: int) -> None:
        self._decoder.beam_width = width

    @property
    def reads_along(self) -> bool:
        """Whether partials have words of a second pass; may be changed between pushes, to save time."""
        return self._decoder.reads_along

    @reads_along.setter
    def reads_along(self, along: bool) -> None:
        self._decoder.reads_along = along

    def push(
        self, frames: Sequence[NDArray[np.uint8] | None] | None, samples: NDArray[np.float32] | None
    ) -> list[Event]:
        """Push pictures and sound in step.

        Args:
            frames: one RGB picture ``(height, width, 3)`` uint8 per 40 ms, None where there is none; or
                None if the stream has no pictures.
            samples: ``(len(frames) * 640,)`` float32 in [-1, 1] at 16 kHz, or None if there is no sound
                now. Without ``frames`` any number of samples may be pushed.

        Returns:
            What has become known: finals, and at most one partial per segment.

        Raises:
            ValueError: frames and samples are not in step, or the stream is finished.
        """
        if frames is None:
            frames, samples = self._without_frames(samples)
        elif len(self._rest):
            raise ValueError(
                f"{len(self._rest)} samples pushed before do not fill a tick: push the rest first"
            )
        present = np.full(len(frames), samples is not None)
        if samples is None:
            samples = np.zeros(len(frames) * SAMPLES_PER_FRAME, np.float32)
        return self.push_chunk(Chunk(self._tick, list(frames), samples, present))

    def push_chunk(self, chunk: Chunk) -> list[Event]:
        """Push a chunk as :func:`hearsight.capture.files.read_chunks` yields it."""
        unseen = self._face is None and all(frame is None for frame in chunk.frames)
        if self._modality == "audio" or unseen:
            crops = _no_crops(chunk.start, len(chunk))
        else:
            face = self._face_path()
            crops = face.process(chunk)
            heard = chunk.audio_present & (self._modality == "av")
            crops = without_frozen(crops, face.frozen, heard)
        return self.push_crops(crops, chunk.samples, chunk.audio_present)

    def push_crops(
        self, crops: Crops, samples: NDArray[np.float32], audio_present: NDArray[np.bool_]
    ) -> list[Event]:
        """Push mouth crops instead of pictures.

        Args:
            crops: from :class:`hearsight.face.FacePath` or from a data set.
            samples: ``(len(crops) * 640,)`` float32 in [-1, 1].
            audio_present: ``(len(crops),)`` bool.

        Raises:
            ValueError: crops and samples are not in step, samples are not floats, or the stream is finished.
        """
        if self._finished:
            raise ValueError("the stream is finished: open another")
        if len(samples) != len(crops) * SAMPLES_PER_FRAME or len(audio_present) != len(crops):
            raise ValueError(
                f"{len(crops)} frames go with {len(crops) * SAMPLES_PER_FRAME} samples, not {len(samples)}: "
                "push sound and pictures in step"
            )
        if samples.dtype.kind != "f":
            raise ValueError(f"samples are {samples.dtype}: push float32 in [-1, 1]")
        self._tick += len(crops)
        ticks = self._attention.watch(self._chosen(crops, samples, audio_present))
        return self._decode(self._session.push(ticks, self._restarts))

    def finish(self) -> list[Event]:
        """End the input.

        Returns:
            The events of what was still on the way, with the last final.
        """
        events: list[Event] = []
        if self._finished:
            return events
        if len(self._rest):
            missing = SAMPLES_PER_FRAME - len(self._rest)
            events += self.push(None, np.zeros(missing, np.float32))
        self._finished = True
        events += self._decode(self._session.finish(self._restarts))
        return [*events, *self._decoder.finish(self._session.tail() if self._reads_again else None)]

    def _decode(self, segments: Iterable[Segment]) -> list[Event]:
        events: list[Event] = []
        for segment in segments:
            activity = self._attention.during(segment.start, segment.heard)
            events += self._decoder.push(segment, activity)
            self.decoded = segment.start + len(segment.encoded)
        return events

    def _restarts(self, start: int, ticks: int) -> bool:
        return self._decoder.restarts(start, self._attention.of(start, start + ticks).speech)

    def _without_frames(
        self, samples: NDArray[np.float32] | None
    ) -> tuple[list[NDArray[np.uint8] | None], NDArray[np.float32]]:
        """Whole ticks of sound alone; what is left over waits for the next push."""
        if samples is None:
            raise ValueError("push frames, samples, or both")
        self._rest = np.concatenate([self._rest, samples])
        ticks = len(self._rest) // SAMPLES_PER_FRAME
        whole, self._rest = np.split(self._rest, [ticks * SAMPLES_PER_FRAME])
        return [None] * ticks, whole

    def _chosen(self, crops: Crops, samples: NDArray[np.float32], audio_present: NDArray[np.bool_]) -> Ticks:
        """What the modality lets through; absent senses are zeros, as in training."""
        nothing = Ticks.empty(len(crops))
        pixels, video_present = crops.pixels, crops.video_present
        if self._modality == "audio":
            pixels, video_present = nothing.crops, nothing.video_present
        if self._modality == "video":
            samples, audio_present = nothing.samples, nothing.audio_present
        # One sample that is not a number would stay in the network's state to the end of the stream.
        samples = np.clip(np.nan_to_num(np.asarray(samples, np.float32)), -1.0, 1.0)
        return Ticks(pixels, samples, video_present, audio_present)

    def _face_path(self) -> FacePath:
        """The face path, loaded when the first picture comes."""
        if self._face is None:
            from hearsight.face import FacePath

            self._face = FacePath.load()
        return self._face


def _no_crops(start: int, ticks: int) -> Crops:
    nothing = Ticks.empty(ticks)
    return Crops(start, nothing.crops, nothing.video_present)
