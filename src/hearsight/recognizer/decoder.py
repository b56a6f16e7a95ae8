"""Encoded segments to events: the beam of the running utterance, its words and its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from hearsight.recognizer.beam import Beam
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.endpoint import EndpointRule
from hearsight.recognizer.session import Segment
from hearsight.recognizer.words import to_words
from hearsight.types import FRAME_RATE, Event, Sense, Word


class Decoder:
    """Decodes one stream, utterance by utterance.

    At the end of an utterance the beam begins anew, as in training; the encoder, outside, goes on.

    Args:
        bundle: predictor, joiner and pieces.
        beam_width: hypotheses kept; 1 is greedy search.
        endpoint: when an utterance is over.
        start_s: time of the input's first tick, in seconds.
    """

    def __init__(self, bundle: Bundle, beam_width: int, endpoint: EndpointRule, start_s: float = 0.0) -> None:
        config = bundle.config
        self._pieces, self._delay_s = bundle.pieces, config.emission_delay_s
        self._endpoint = endpoint
        self._beam = Beam(
            bundle.predictor,
            bundle.joiner,
            config.initial_state("predictor"),
            blank=config.blank,
            width=beam_width,
        )
        self._heard_s = start_s
        self._spoken_s = start_s
        self._begin(start_s)

    def _begin(self, start_s: float) -> None:
        """A new utterance."""
        self._beam.reset()
        self._start_s = start_s
        self._senses = np.zeros(2, np.bool_)
        self._text = ""

    @property
    def beam_width(self) -> int:
        """Hypotheses kept; another width holds from the next segment on."""
        return self._beam.width

    @beam_width.setter
    def beam_width(self, width: int) -> None:
        self._beam.width = width

    def push(self, segment: Segment) -> Iterator[Event]:
        """Decode one segment: a final for each utterance that ends in it, a partial if the text changed."""
        self._heard_s = segment.heard / FRAME_RATE
        present = np.stack([segment.audio_present, segment.video_present], axis=1)
        for index, encoded in enumerate(segment.encoded):
            now = segment.start + index
            self._beam.advance(encoded, now)
            self._senses |= present[index]
            if (frames := self._beam.best.frames) and self._endpoint.reached(frames[0], frames[-1], now):
                yield from self._final()
                self._begin((now + 1) / FRAME_RATE)
        event = self._event("partial")
        if event.text != self._text:
            self._text = event.text
            yield event

    def finish(self) -> Iterator[Event]:
        """End the input: the final of the utterance that was going on, if any word of it was heard."""
        yield from self._final()
        self._begin(self._heard_s)

    def _final(self) -> Iterator[Event]:
        event = self._event("final")
        if event.words:
            self._spoken_s = event.words[-1].end
            yield event

    def _event(self, kind: Literal["partial", "final"]) -> Event:
        words: tuple[Word, ...] = to_words(
            self._beam.best,
            self._pieces,
            emission_delay_s=self._delay_s,
            earliest_s=self._spoken_s,
            latest_s=self._heard_s,
        )
        names: tuple[Sense, ...] = ("audio", "video")
        senses = tuple(name for name, had in zip(names, self._senses, strict=True) if had)
        start_s = words[0].start if words else self._start_s
        stable = len(words) if kind == "final" else 0
        return Event(kind, words, start_s, self._heard_s, senses, stable=stable)
