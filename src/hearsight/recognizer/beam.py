"""Beam search for transducers that emit at most one label per frame, carried across chunks.

The search is the "modified beam search" of icefall (Kang et al., "Fast and parallel decoding for
transducer", 2022): every hypothesis advances by one frame at a time with a label or the blank, so that
all are scored by one call of the joiner and those with a new label by one call of the predictor.
Hypotheses that spell the same labels are merged by adding their probabilities, before pruning.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.biasing import NO_CONTEXT, ContextGraph, ContextState
from hearsight.recognizer.config import State
from hearsight.recognizer.language_model import LanguageModel, log_sum

LOWEST = float(np.finfo(np.float64).min)
"""No score is lower, except minus infinity."""


class Step(Protocol):
    """A network: named inputs and states, batch first, to one output and the next states."""

    def __call__(self, inputs: Mapping[str, NDArray[Any]], state: State) -> tuple[NDArray[Any], State]:
        """Run once."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to spell what was heard.

    Attributes:
        labels: what was emitted, without blanks.
        frames: the frame at which each label was emitted, in the likeliest of the merged alignments.
        log_probabilities: natural log of each label's probability at that frame, given that a label and
            not the blank is emitted there: when a label comes says little about whether it is right.
        score: natural log of the summed probability of all alignments in the beam.
        context: how far the labels have come in the context phrases, if there are any.
    """

    labels: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    score: float = 0.0
    context: ContextState = NO_CONTEXT


class Beam:
    """The hypotheses of one utterance.

    Args:
        predictor: ``token (batch,)`` to ``predicted (batch, joiner_dim)``, with states.
        joiner: ``encoded, predicted (batch, joiner_dim)`` to ``log_probabilities (batch, vocabulary)``.
        predictor_state: the predictor's state before the first label, batch 1.
        blank: label of the blank, which also starts an utterance.
        width: hypotheses kept; 1 is greedy search.
        context: phrases that are likely. A hypothesis is ranked by its score and what the phrases in it are
            worth. As many again are kept for being in the middle of a phrase, without being ranked higher.
        language: what is likely to be said, and how it is spelled; weighs in the scores.
        margin: hypotheses less probable than the best by more than this (natural log) are dropped. Where
            the network is sure, mostly of blanks, one is left and the predictor has nothing to do.
    """

    def __init__(
        self,
        predictor: Step,
        joiner: Step,
        predictor_state: State,
        *,
        blank: int = 0,
        width: int = 4,
        context: ContextGraph | None = None,
        language: LanguageModel | None = None,
        margin: float = 8.0,
    ) -> None:
        if width < 1:
            raise ValueError("a beam has at least one hypothesis")
        self._predictor, self._joiner = predictor, joiner
        self._blank, self._width, self._margin = blank, width, margin
        self._context, self._language = context, language
        self._first = predictor({"token": np.array([blank], np.int64)}, predictor_state)
        self.reset()

    def reset(self) -> None:
        """Begin a new utterance."""
        self._hypotheses = [Hypothesis()]
        self._predicted, self._state = self._first
        self._expected: NDArray[np.float32] = np.zeros((1, 1), np.float32)
        self._fresh = [0]

    @property
    def width(self) -> int:
        """Hypotheses kept; another width holds from the next frame on."""
        return self._width

    @width.setter
    def width(self, width: int) -> None:
        if width < 1:
            raise ValueError("a beam has at least one hypothesis")
        self._width = width

    @property
    def best(self) -> Hypothesis:
        """The likeliest hypothesis, with what its context phrases are worth."""
        return self._hypotheses[0]

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """All hypotheses, the likeliest first."""
        return tuple(self._hypotheses)

    @property
    def is_empty(self) -> bool:
        """Whether no hypothesis has any label."""
        return not any(hypothesis.labels for hypothesis in self._hypotheses)

    def commit(self, frame: int) -> None:
        """Take the best hypothesis at its word before a frame: drop those that spell otherwise there."""
        settled = bisect_left(self.best.frames, frame)
        prefix = self.best.labels[:settled]
        kept = [index for index, one in enumerate(self._hypotheses) if one.labels[:settled] == prefix]
        if len(kept) < len(self._hypotheses):
            self._hypotheses = [self._hypotheses[index] for index in kept]
            self._carry(kept)

    def end(self) -> None:
        """The utterance is over: a last word that breaks off costs a hypothesis as one that is none."""
        if self._language is None:
            return
        context = self._context
        worth = [
            one.score
            + self._language.end(one.labels)
            + (context.lasting(one.context) if context is not None else 0.0)
            for one in self._hypotheses
        ]
        order = sorted(range(len(worth)), key=worth.__getitem__, reverse=True)
        self._hypotheses = [self._hypotheses[index] for index in order]
        self._carry(order)

    def advance(self, encoded: NDArray[np.float32], frame: int) -> None:
        """Extend all hypotheses by one frame.

        Args:
            encoded: ``(joiner_dim,)``, the encoder's output.
            frame: its number, kept as the time of the labels emitted at it.
        """
        local = self._join(encoded)
        scores = np.array([hypothesis.score for hypothesis in self._hypotheses])
        totals: NDArray[np.float64] = scores[:, None] + local + self._expected
        through_parent = self._merge(totals)
        sources, labels = self._select(totals)
        among_labels = local - self._of_any_label(local)
        self._hypotheses = [
            self._extend(source, label, float(totals[source, label]), among_labels, frame, through_parent)
            for source, label in zip(sources, labels, strict=True)
        ]
        self._predict(sources, labels)

    def _join(self, encoded: NDArray[np.float32]) -> NDArray[Any]:
        """``(hypotheses, vocabulary)`` log probabilities of the next label; also renews what is expected.

        What the transducer expects by itself is what the joiner makes of hearing nothing, in the same call.
        """
        count = len(self._hypotheses)
        fresh = [] if self._language is None else self._fresh
        heard = np.repeat(encoded[None], count + len(fresh), axis=0)
        heard[count:] = 0.0
        predicted = np.concatenate([self._predicted, self._predicted[fresh]]) if fresh else self._predicted
        local, _ = self._joiner({"encoded": heard, "predicted": predicted}, {})
        if self._language is not None and fresh:
            rows = self._language.outlook([self._hypotheses[index].labels for index in fresh], local[count:])
            before = np.broadcast_to(self._expected, (count, rows.shape[1]))
            self._expected, self._fresh = _replaced(before, fresh, rows), []
        return local[:count]

    def _merge(self, totals: NDArray[np.float64]) -> dict[int, int]:
        """Move into each hypothesis's blank what its parent's next label adds to the same spelling.

        Returns:
            The parent of each hypothesis for which the way through the parent is the likelier one.
        """
        by_labels = {hypothesis.labels: index for index, hypothesis in enumerate(self._hypotheses)}
        through_parent: dict[int, int] = {}
        for child, hypothesis in enumerate(self._hypotheses):
            parent = by_labels.get(hypothesis.labels[:-1]) if hypothesis.labels else None
            if parent is None:
                continue
            label = hypothesis.labels[-1]
            if totals[parent, label] > totals[child, self._blank]:
                through_parent[child] = parent
            merged = np.logaddexp(totals[child, self._blank], totals[parent, label])
            totals[child, self._blank], totals[parent, label] = merged, -math.inf
        return through_parent

    def _select(self, totals: NDArray[np.float64]) -> tuple[list[int], list[int]]:
        """The best continuations: indices of hypotheses and labels, the likeliest first."""
        worth = totals.ravel()
        if self._context is None:
            kept = self._likeliest(worth)
        else:
            lasting, lent = self._worth(self._context)
            worth = worth + lasting.ravel()
            # Beside the others, not in their place: what begins like a phrase costs nobody's.
            kept = np.union1d(self._likeliest(worth), self._likeliest(worth + lent.ravel()))
            kept = kept[np.argsort(-worth[kept], kind="stable")]
        sources, labels = np.divmod(kept, totals.shape[1])
        return sources.tolist(), labels.tolist()

    def _likeliest(self, worth: NDArray[np.float64]) -> NDArray[np.intp]:
        """As many as the beam is wide, within its margin, the likeliest first."""
        # What has been merged away is minus infinity, which an infinite margin would let in again.
        (kept,) = (worth >= max(worth.max() - self._margin, LOWEST)).nonzero()
        # Stable, so that equal scores do not depend on how the array is laid out in memory.
        return kept[np.argsort(-worth[kept], kind="stable")[: self._width]]

    def _worth(self, context: ContextGraph) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``(hypotheses, vocabulary)``: what context phrases add to each continuation, and what they lend."""
        states = [one.context for one in self._hypotheses]
        lasting, lent = np.stack([context.outlook(state) for state in states], axis=1)
        lasting[:, self._blank] = [context.lasting(state) for state in states]
        lent[:, self._blank] = [context.lent(state) for state in states]
        return lasting, lent

    def _extend(
        self,
        source: int,
        label: int,
        score: float,
        among_labels: NDArray[Any],
        frame: int,
        through_parent: dict[int, int],
    ) -> Hypothesis:
        """The hypothesis after this frame; of two merged, the likelier one's label times are kept."""
        if label != self._blank:
            parent = source
        elif source in through_parent:
            parent, label = through_parent[source], self._hypotheses[source].labels[-1]
        else:
            old = self._hypotheses[source]
            return Hypothesis(old.labels, old.frames, old.log_probabilities, score, old.context)
        old = self._hypotheses[parent]
        return Hypothesis(
            (*old.labels, label),
            (*old.frames, frame),
            (*old.log_probabilities, float(among_labels[parent, label])),
            score,
            old.context if self._context is None else self._context.step(old.context, label),
        )

    def _of_any_label(self, local: NDArray[Any]) -> NDArray[Any]:
        """``(hypotheses, 1)``: log probability that a label comes, whichever, and not the blank."""
        labels = local.copy()
        labels[:, self._blank] = -math.inf
        return log_sum(labels)

    def _predict(self, sources: list[int], labels: list[int]) -> None:
        """Carry the predictor's outputs along; run it for the hypotheses with a new label only."""
        if sources != list(range(len(self._predicted))):
            self._carry(sources)
        emitted = [index for index, label in enumerate(labels) if label != self._blank]
        self._fresh = emitted
        if not emitted:
            return
        before = {name: value[emitted] for name, value in self._state.items()}
        tokens = np.array([labels[index] for index in emitted], np.int64)
        predicted, after = self._predictor({"token": tokens}, before)
        if len(emitted) == len(labels):
            self._predicted, self._state = predicted, after
            return
        self._predicted = _replaced(self._predicted, emitted, predicted)
        self._state = {name: _replaced(self._state[name], emitted, after[name]) for name in after}

    def _carry(self, sources: list[int]) -> None:
        """Let the predictor's outputs follow the hypotheses: row by row, those of ``sources``."""
        self._predicted = self._predicted[sources]
        if self._language is not None:
            self._expected = self._expected[sources]
            self._fresh = [place for place, source in enumerate(sources) if source in self._fresh]
        self._state = {name: value[sources] for name, value in self._state.items()}


def _replaced(rows: NDArray[Any], index: list[int], new: NDArray[Any]) -> NDArray[Any]:
    """A copy with some rows changed: the old array may be the state of the utterance's start."""
    rows = rows.copy()
    rows[index] = new
    return rows
