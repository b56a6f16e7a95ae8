"""Where an utterance begins, for networks that hear best when they begin with it.

While nobody speaks and no word has been heard, every block of ticks is a beginning: what was heard before is
forgotten. So the block before the first word is one, and an utterance that was cut off while somebody went on
speaking is followed by one as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.listening import FIRST_WORD_TICKS
from hearsight.types import FRAME_RATE

WAIT_TICKS = 3 * FRAME_RATE
"""When there is noise but no word for so long, hearing begins anew all the same."""
LEAD_S = 4.0
"""What belongs to an utterance begins no longer than this before its first label."""


class Beginnings:
    """Says before each block whether it is a beginning.

    Args:
        hold_ticks: so long after somebody spoke a word may still come.
        start: tick of the first block.
    """

    def __init__(self, hold_ticks: int, start: int = 0) -> None:
        self._hold = hold_ticks
        self._spoke_at: int | None = None
        self._cut = False
        self.first = start
        """Tick from which on all belongs to the utterance that goes on or comes next."""

    def end(self, now: int) -> None:
        """An utterance ended with a tick."""
        self.first = now + 1
        self._cut = True

    def at(self, start: int, speech: NDArray[np.bool_], *, open: bool) -> bool:
        """Whether the block from a tick on is a beginning; blocks are asked for in order.

        Args:
            start: its first tick.
            speech: ``(ticks,)`` whether somebody speaks in it.
            open: whether a word of an utterance has been heard.
        """
        if speech.any():
            self._spoke_at = start + int(np.flatnonzero(speech)[-1])
        silent = self._spoke_at is None or start - self._spoke_at > self._hold
        waited = start - self.first >= WAIT_TICKS
        cut, self._cut = self._cut, False
        if not open and (silent or waited):
            self.first = max(self.first, start if silent else start - FIRST_WORD_TICKS)
            return True
        return cut


class Window:
    """The features of the utterance that goes on, tick by tick; at most so many.

    Args:
        longest_ticks: what is older than this is forgotten.
        lead: ``(ticks, feature_dim)`` features that always come first, and count.
    """

    def __init__(self, longest_ticks: int, lead: NDArray[np.float32] | None = None) -> None:
        self._lead = [] if lead is None else list(lead)
        self._longest = longest_ticks - len(self._lead)
        self._start = 0
        self._features: list[NDArray[np.float32]] = []

    def __len__(self) -> int:
        return len(self._features)

    def add(self, tick: int, features: NDArray[np.float32]) -> None:
        """Take the features ``(feature_dim,)`` of the next tick."""
        if not self._features:
            self._start = tick
        self._features.append(features)
        self.forget(tick + 1 - self._longest)

    def forget(self, before: int) -> None:
        """Drop what came before a tick."""
        if before > self._start:
            del self._features[: before - self._start]
            self._start = before

    def taken(self) -> NDArray[np.float32]:
        """``(ticks, feature_dim)``, all of them after the lead."""
        return np.stack([*self._lead, *self._features])
