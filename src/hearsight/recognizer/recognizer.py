"""The recognizer: one loaded model, any number of inputs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hearsight.assets import DEFAULT_MODEL
from hearsight.errors import HearsightError, MediaError
from hearsight.recognizer.activity import ActivityRule
from hearsight.recognizer.biasing import ContextGraph, Hotword
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.config import BEAM_WIDTH
from hearsight.recognizer.endpoint import PATIENT, EndpointRule
from hearsight.recognizer.pictures import PictureRule
from hearsight.recognizer.second_pass import Finals, check_finals
from hearsight.recognizer.stream import COMMIT_S, Stream
from hearsight.types import FRAME_RATE, Chunk, Event, Modality, check_modality

if TYPE_CHECKING:
    from hearsight.recognizer.live import LiveCaptions


@dataclass(frozen=True)
class Recognizer:
    """Turns inputs into events. Streams share its graphs and keep their own state.

    Attributes:
        bundle: the model.
        modality: the senses used unless a call says otherwise.
        beam_width: hypotheses kept by the beam search; 1 is greedy search.
        endpoint: when an utterance is over.
        activity: when somebody is held to speak; elsewhere no word is heard.
        pictures: which pictures are not worth looking at.
        commit_s: words older than this are no longer open to second thoughts.
        context: phrases that are likely.
        finals: who writes them; None is a second pass if the model has one.
    """

    bundle: Bundle
    modality: Modality = "av"
    beam_width: int = BEAM_WIDTH
    endpoint: EndpointRule = field(default_factory=EndpointRule)
    activity: ActivityRule = field(default_factory=ActivityRule)
    pictures: PictureRule = field(default_factory=PictureRule)
    commit_s: float = COMMIT_S
    context: ContextGraph | None = None
    finals: Finals | None = None

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        beam_width: int | None = None,
        modality: Modality = "av",
        endpoint: EndpointRule | None = None,
        activity: ActivityRule | None = None,
        pictures: PictureRule | None = None,
        hotwords: Iterable[str | Hotword] | None = None,
        finals: Finals | None = None,
    ) -> Recognizer:
        """Open a model: a bundle's name, or its folder.

        Args:
            model: which.
            beam_width: hypotheses kept by the beam search; 1 is greedy search, None as many as are worth it.
            modality: the senses used unless a call says otherwise.
            endpoint: when an utterance is over.
            activity: when somebody is held to speak.
            pictures: which pictures are not worth looking at.
            hotwords: phrases that are likely to be said: names, terms. A string may end in a tab and a boost.
            finals: ``one-pass`` are the last of the partials; for ``two-pass`` a larger network reads each
                utterance once more when it is over. By default two passes if the model has the second.

        Raises:
            BundleError: there is no such bundle, or it is damaged, or it is something else, or it has no
                second pass and is asked for one.
            HearsightError: a phrase cannot be spelled by the model, is none, or would not reach the finals.
            ValueError: the modality is not one of ``av``, ``audio``, ``video``, or finals is neither.
        """
        bundle = Bundle.load(model).open()
        finals = None if finals is None else check_finals(finals)
        context = _context(hotwords, bundle)
        writer = bundle.writer(finals)
        if writer is not None and context is not None:
            raise HearsightError(
                f"context phrases weigh in the first pass, and finals of the model {bundle.config.name} are "
                "written by its second: ask for one-pass finals (--finals one-pass)"
            )
        return cls(
            bundle,
            check_modality(modality),
            bundle.config.beam_width if beam_width is None else beam_width,
            endpoint or (EndpointRule() if writer is None else PATIENT),
            activity or ActivityRule(),
            pictures or PictureRule(),
            context=context,
            finals=finals,
        )

    def stream(self, modality: Modality | None = None, *, start: int = 0) -> Stream:
        """Open a stream to push sound and pictures into.

        Args:
            modality: other senses than the recognizer's own.
            start: tick of the first frame; event times count from tick 0.
        """
        return Stream(
            self.bundle,
            modality=check_modality(modality or self.modality),
            beam_width=self.beam_width,
            endpoint=self.endpoint,
            activity=self.activity,
            pictures=self.pictures,
            commit_s=self.commit_s,
            context=self.context,
            finals=self.finals,
            start=start,
        )

    def transcribe(
        self, source: str | Path, *, modality: Modality | None = None, realtime: bool = False
    ) -> Iterator[Event]:
        """Recognise a file or address.

        Args:
            source: anything PyAV opens.
            modality: other senses than the recognizer's own.
            realtime: deliver the input no faster than the clock, as a camera would, and stamp each event
                with the seconds since the input began.

        Yields:
            A partial whenever the text or its stable part has changed, a final at the end of each
            utterance. An input in which nothing is said has no events.

        Raises:
            MediaError: the input cannot be read, or has none of the senses asked for.
        """
        # Imported here: pushing one's own data needs no media library.
        from hearsight.capture.files import read_chunks

        chosen = check_modality(modality or self.modality)
        if Path(source).is_file():
            _check_file(source, chosen)
        chunks = read_chunks(source, ticks=self.bundle.config.block)
        began = time.perf_counter()
        if realtime:
            chunks = _paced(chunks, began)
        usable = False
        stream = self.stream(chosen)
        for chunk in chunks:
            usable = usable or _is_usable(chunk, chosen)
            for event in stream.push_chunk(chunk):
                yield replace(event, emitted=time.perf_counter() - began) if realtime else event
        if not usable:
            raise _nothing_to_use(source, chosen)
        for event in stream.finish():
            yield replace(event, emitted=time.perf_counter() - began) if realtime else event

    def live(
        self,
        *,
        camera: str | None = "default",
        microphone: str | None = "default",
        input: str | None = None,
        format: str | None = None,
        modality: Modality | None = None,
        noise: NDArray[np.float32] | None = None,
        snr_db: float | None = None,
        record: str | Path | None = None,
        duration_s: float | None = None,
    ) -> LiveCaptions:
        """Recognise what is said before a camera and a microphone, while it is said.

        Args:
            camera: its id as ``hearsight devices`` lists it, ``default``, or None for no pictures.
            microphone: likewise, for sound.
            input: instead of both, anything that FFmpeg opens; a file is played at its own pace.
            format: FFmpeg's name of the format of ``input``, where it cannot guess it.
            modality: senses to begin with; may be changed while captions run.
            noise: ``(samples,)`` at 16 kHz to add to the sound, goes round when it ends.
            snr_db: power of the speech heard in the last seconds over that of the noise, in decibels.
            record: file to record into what is recognised, noise included.
            duration_s: end after so many seconds; None goes on until stopped.

        Returns:
            A context manager whose iteration yields events: :class:`hearsight.recognizer.live.LiveCaptions`.

        Raises:
            HearsightError: noise without a level, or a level without noise; neither camera nor microphone.
        """
        from hearsight.recognizer.live import open_captions
        from hearsight.recognizer.mixing import NoiseMixer

        if (noise is None) != (snr_db is None):
            raise HearsightError(
                "noise and its level go together: give both the noise and the SNR in decibels"
            )
        return open_captions(
            self,
            camera=camera,
            microphone=microphone,
            input=input,
            format=format,
            modality=check_modality(modality or self.modality),
            mixer=None if noise is None or snr_db is None else NoiseMixer(noise, snr_db),
            record=None if record is None else Path(record),
            duration_s=duration_s,
        )


def _context(hotwords: Iterable[str | Hotword] | None, bundle: Bundle) -> ContextGraph | None:
    """The automaton of the context phrases, if there are any."""
    if isinstance(hotwords, str):
        raise TypeError("hotwords is a string: give a list of phrases")
    phrases = [Hotword.parse(each) if isinstance(each, str) else each for each in hotwords or ()]
    if not phrases:
        return None
    return ContextGraph.of(phrases, bundle.pieces)


def _check_file(path: str | Path, modality: Modality) -> None:
    """Say before reading it all that a file lacks the one sense asked for.

    What is no file may be readable only once, so there it is said at the end.
    """
    if modality == "av":
        return
    from hearsight.capture.files import probe

    found = probe(path)
    if not (found.has_audio if modality == "audio" else found.has_video):
        raise _nothing_to_use(path, modality)


def _is_usable(chunk: Chunk, modality: Modality) -> bool:
    """Whether the chunk has sound or pictures that the modality lets through."""
    seen = modality != "audio" and any(frame is not None for frame in chunk.frames)
    return seen or (modality != "video" and bool(chunk.audio_present.any()))


def _nothing_to_use(source: str | Path, modality: Modality) -> MediaError:
    lacking = {"av": "sound or pictures", "audio": "sound", "video": "pictures"}[modality]
    other = "give another recording" if modality == "av" else "choose the modality av, or another recording"
    return MediaError(f"{source} has no {lacking} to recognise by: {other}")


def _paced(chunks: Iterator[Chunk], began: float) -> Iterator[Chunk]:
    """Each chunk when its last frame would have come from a camera."""
    first: int | None = None
    for chunk in chunks:
        first = chunk.start if first is None else first
        due = began + (chunk.start + len(chunk) - first) / FRAME_RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        yield chunk
