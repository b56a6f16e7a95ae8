"""Encoded segments to events: the beam of the running utterance, its words and its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.activity import Activity
from hearsight.recognizer.beam import Beam
from hearsight.recognizer.biasing import ContextGraph
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.endpoint import EndpointRule
from hearsight.recognizer.language_model import LanguageModel
from hearsight.recognizer.listening import Listening
from hearsight.recognizer.reading import is_trusted, sureness
from hearsight.recognizer.rereading import Rereading
from hearsight.recognizer.retiming import retime
from hearsight.recognizer.second_pass import SecondPass
from hearsight.recognizer.session import Segment
from hearsight.recognizer.utterance import Beginnings, Window
from hearsight.recognizer.words import stable_words, to_words
from hearsight.types import FRAME_RATE, Event, Sense, Word

_SURE, _CERTAIN = 0.9, 0.985
"""Of the words of the first pass: when it is sure nothing is read along, which would take more time than all
else; when it is certain they are the final, since a reading would say the same. Measured with `small-en`:
GRID and prompts are as right as before, at three quarters of the cost for GRID. From 0.97 on a first pass
that had left words out of an everyday sentence was held to be certain."""
_GUESS = 0.6
"""By lips alone, words that are less sure than this are a guess, and nothing is read again. Measured with
`small-en`: of 100 drawn people, most of whom say everyday sentences, 15 get words instead of 49, and GRID's
recordings are as right as before; at 0.65 the first of those say nothing."""


class Decoder:
    """Decodes one stream, utterance by utterance.

    At the end of an utterance the beam begins anew, as in training; the encoder, outside, goes on. Where
    nobody speaks the beam is not asked: there can be no word, and the search costs nothing. With a second
    pass the finals are its words, with times by the beam's, unless the beam is surer of its own. Partials
    have its words too, as far as it is sure of them; not while the search is greedy, which is to save time.

    Args:
        bundle: predictor, joiner and pieces.
        beam_width: hypotheses kept; 1 is greedy search.
        endpoint: when an utterance is over.
        listening: knows when somebody speaks.
        commit_s: the best hypothesis is taken at its word as far as it is older than this.
        context: phrases that are likely.
        second_pass: reads the features of an utterance once it is over.
        lead: ``(ticks, feature_dim)`` features of silence, with which each reading begins.
        start: tick of the input's first frame.
    """

    def __init__(
        self,
        bundle: Bundle,
        beam_width: int,
        endpoint: EndpointRule,
        listening: Listening,
        *,
        commit_s: float,
        context: ContextGraph | None = None,
        second_pass: SecondPass | None = None,
        lead: NDArray[np.float32] | None = None,
        start: int = 0,
    ) -> None:
        config = bundle.config
        self._pieces, self._delay_s = bundle.pieces, config.emission_delay_s
        self._endpoint, self._listening = endpoint, listening
        self._commit_ticks = round(commit_s * FRAME_RATE)
        self._beam = Beam(
            bundle.predictor,
            bundle.joiner,
            config.initial_state("predictor"),
            blank=config.blank,
            width=beam_width,
            context=context,
            language=_language(bundle, context),
        )
        self._second_pass = second_pass
        self._rereading = None if second_pass is None else Rereading(second_pass)
        self.reads_along = True
        """Whether partials have words of the second pass; that takes more time than all else."""
        longest_ticks = round(second_pass.longest_s * FRAME_RATE) if second_pass is not None else 0
        self._window = Window(longest_ticks, lead)
        self._beginnings = Beginnings(listening.hold, start)
        self._heard_s = self._spoken_s = start / FRAME_RATE
        self._begin(start)

    def _begin(self, start: int) -> None:
        """A new utterance, from a tick on."""
        self._beam.reset()
        self._start = start
        self._senses = np.zeros(2, np.bool_)
        self._shown = ("", 0)
        if self._rereading is not None:
            self._rereading.begin()

    def restarts(self, start: int, speech: NDArray[np.bool_]) -> bool:
        """Whether the networks that hear best from the beginning of an utterance begin anew with a block.

        Args:
            start: first tick of the block that the front-end is to hear next.
            speech: ``(ticks,)`` whether somebody speaks in it.
        """
        return self._beginnings.at(start, speech, open=not self._beam.is_empty)

    @property
    def beam_width(self) -> int:
        """Hypotheses kept; another width holds from the next segment on."""
        return self._beam.width

    @beam_width.setter
    def beam_width(self, width: int) -> None:
        self._beam.width = width

    def push(self, segment: Segment, activity: Activity) -> Iterator[Event]:
        """Decode one segment.

        Args:
            segment: of the encoder.
            activity: who spoke, from the segment's first tick to the last that the encoder had heard.

        Yields:
            A final for each utterance that ends in it, a partial if the text or its stable part changed.
        """
        self._heard_s = segment.heard / FRAME_RATE
        self._listening.hear(segment.start, activity)
        present = np.stack([segment.audio_present, segment.video_present], axis=1)
        for index, encoded in enumerate(segment.encoded):
            now = segment.start + index
            if self._listening.at(now):
                self._beam.advance(encoded, now)
            self._senses |= present[index]
            self._remember(now, segment.features[index])
            yield from self._end(now)
        self._beam.commit(segment.start + len(segment.encoded) - self._commit_ticks)
        self._reread(segment.start + len(segment.encoded))
        event = self._event("partial")
        if self._shown != (event.text, event.stable):
            self._shown = event.text, event.stable
            yield event

    def finish(self, tail: NDArray[np.float32] | None = None) -> Iterator[Event]:
        """End the input: the final of the utterance that was going on, if any word of it was heard.

        Args:
            tail: ``(ticks, feature_dim)`` features of the silence after it, for the second pass.
        """
        end = round(self._heard_s * FRAME_RATE)
        for index, features in enumerate(() if tail is None else tail):
            self._remember(end + index, features)
        yield from self._final()
        self._begin(round(self._heard_s * FRAME_RATE))

    def _end(self, now: int) -> Iterator[Event]:
        """The final, if the utterance is over at a tick."""
        frames = self._beam.best.frames
        if frames:
            if self._endpoint.reached(frames[0], frames[-1], now, self._listening.rest(now)):
                yield from self._final()
                self._beginnings.end(now)
                self._begin(now + 1)
        elif self._beam.is_empty and self._endpoint.idle(self._start, now):
            self._begin(now + 1)

    def _final(self) -> Iterator[Event]:
        self._beam.end()
        event = self._event("final")
        if event.words:
            event = self._read_again(event)
            self._spoken_s = event.words[-1].end
            yield event
        elif self._shown[0]:  # it has turned out to be a guess
            yield replace(event, kind="partial")

    def _remember(self, now: int, features: NDArray[np.float32]) -> None:
        """Keep the features of a tick for the second pass."""
        if self._second_pass is not None:
            self._window.add(now, features)
            self._window.forget(self._beginnings.first)

    def _reread(self, now: int) -> None:
        """Let the second pass look at what has been said up to a tick, if it is time."""
        rereading = self._rereading
        spares = not self.reads_along or self._beam.width == 1
        if rereading is None or spares or self._beam.is_empty or not len(self._window) or self._is_mute():
            return
        if rereading.is_due(now) and not self._is_sure():
            rereading.read(self._window.taken(), now)

    def _is_sure(self) -> bool:
        """Whether the beam's own words will hardly be replaced by what is read."""
        words = self._words()
        return bool(words) and sureness(words) >= _SURE

    def _read_again(self, event: Event) -> Event:
        """The final with the words of the second pass, if they are to be trusted."""
        if self._second_pass is None or not len(self._window) or self._is_mute():
            return event
        if sureness(event.words) >= _CERTAIN:
            return event
        read = self._second_pass(self._window.taken())
        if not is_trusted(read, event.words):
            return event
        words = retime(read, event.words, earliest_s=self._spoken_s, latest_s=self._heard_s)
        return replace(event, words=words, start=words[0].start, stable=len(words))

    def _is_mute(self) -> bool:
        """Whether the utterance that goes on is known by lips alone."""
        return not self._senses[0]

    def _words(self) -> tuple[Word, ...]:
        return to_words(
            self._beam.best,
            self._pieces,
            emission_delay_s=self._delay_s,
            earliest_s=self._spoken_s,
            latest_s=self._heard_s,
        )

    def _event(self, kind: Literal["partial", "final"]) -> Event:
        best, words = self._beam.best, self._words()
        if kind == "partial" and self._rereading is not None:
            words = self._rereading.words(words, earliest_s=self._spoken_s, latest_s=self._heard_s)
        if self._second_pass is not None and self._is_mute() and words and sureness(words) < _GUESS:
            words = ()
        names: tuple[Sense, ...] = ("audio", "video")
        senses = tuple(name for name, had in zip(names, self._senses, strict=True) if had)
        stable = len(words) if kind == "final" else self._stable()
        on_screen = self._listening.on_screen(best.frames[0], best.frames[-1]) if best.frames else None
        start_s = words[0].start if words else self._start / FRAME_RATE
        return Event(kind, words, start_s, self._heard_s, senses, stable=stable, on_screen=on_screen)

    def _stable(self) -> int:
        """Words of a partial that stay; what is read again may all become others."""
        return 0 if self._second_pass is not None else stable_words(self._beam.hypotheses, self._pieces)


def _language(bundle: Bundle, context: ContextGraph | None) -> LanguageModel | None:
    """The bundle's language model, which knows the words of the context phrases too."""
    language = bundle.language_model
    return language if language is None or context is None else language.knowing(context.words)
