"""Encoded segments to events: the beam of the running utterance, its words and its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from hearsight.recognizer.activity import Activity
from hearsight.recognizer.beam import Beam
from hearsight.recognizer.biasing import ContextGraph
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.endpoint import EndpointRule
from hearsight.recognizer.listening import Listening
from hearsight.recognizer.session import Segment
from hearsight.recognizer.words import stable_words, to_words
from hearsight.types import FRAME_RATE, Event, Sense, Word


class Decoder:
    """Decodes one stream, utterance by utterance.

    At the end of an utterance the beam begins anew, as in training; the encoder, outside, goes on. Where
    nobody speaks the beam is not asked: there can be no word, and the search costs nothing.

    Args:
        bundle: predictor, joiner and pieces.
        beam_width: hypotheses kept; 1 is greedy search.
        endpoint: when an utterance is over.
        listening: knows when somebody speaks.
        commit_s: the best hypothesis is taken at its word as far as it is older than this.
        context: phrases that are likely.
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
        )
        self._heard_s = self._spoken_s = start / FRAME_RATE
        self._begin(start)

    def _begin(self, start: int) -> None:
        """A new utterance, from a tick on."""
        self._beam.reset()
        self._start = start
        self._senses = np.zeros(2, np.bool_)
        self._shown = ("", 0)

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
            yield from self._end(now)
        self._beam.commit(segment.start + len(segment.encoded) - self._commit_ticks)
        event = self._event("partial")
        if self._shown != (event.text, event.stable):
            self._shown = event.text, event.stable
            yield event

    def finish(self) -> Iterator[Event]:
        """End the input: the final of the utterance that was going on, if any word of it was heard."""
        yield from self._final()
        self._begin(round(self._heard_s * FRAME_RATE))

    def _end(self, now: int) -> Iterator[Event]:
        """The final, if the utterance is over at a tick."""
        frames = self._beam.best.frames
        if frames:
            if self._endpoint.reached(frames[0], frames[-1], now, self._listening.rest(now)):
                yield from self._final()
                self._begin(now + 1)
        elif self._beam.is_empty and self._endpoint.idle(self._start, now):
            self._begin(now + 1)

    def _final(self) -> Iterator[Event]:
        event = self._event("final")
        if event.words:
            self._spoken_s = event.words[-1].end
            yield event

    def _event(self, kind: Literal["partial", "final"]) -> Event:
        best = self._beam.best
        words: tuple[Word, ...] = to_words(
            best,
            self._pieces,
            emission_delay_s=self._delay_s,
            earliest_s=self._spoken_s,
            latest_s=self._heard_s,
        )
        names: tuple[Sense, ...] = ("audio", "video")
        senses = tuple(name for name, had in zip(names, self._senses, strict=True) if had)
        stable = len(words) if kind == "final" else stable_words(self._beam.hypotheses, self._pieces)
        on_screen = self._listening.on_screen(best.frames[0], best.frames[-1]) if best.frames else None
        start_s = words[0].start if words else self._start / FRAME_RATE
        return Event(kind, words, start_s, self._heard_s, senses, stable=stable, on_screen=on_screen)
