"""What the decoder makes of voices and lips: when to listen, since when nobody speaks, and who it is."""

from __future__ import annotations

from collections import deque

import numpy as np

from hearsight.recognizer.activity import Activity, ActivityRule
from hearsight.types import FRAME_RATE

FIRST_WORD_TICKS = 12
"""The first label of an utterance comes so long after its word began, at most."""
MOVED_TICKS = 10
"""Lips that moved so short a time ago have not come to rest."""
WITNESSES = 10
"""Ticks with a voice and a face that it takes to say whether they belong together."""


class Listening:
    """Follows who speaks in one stream, tick by tick.

    Args:
        rule: how long before and after activity the decoder listens.
        longest_ticks: how far back an utterance can reach.
    """

    def __init__(self, rule: ActivityRule, longest_ticks: int) -> None:
        self._lead, self.hold = round(rule.lead_s * FRAME_RATE), round(rule.hold_s * FRAME_RATE)
        self._active = deque[int]()
        self._active_at: int | None = None
        self._speech = deque[int]()
        self._spoke_at: int | None = None
        self._moved_at: int | None = None
        self._next: int | None = None
        self._witnesses: deque[tuple[int, bool]] = deque(maxlen=longest_ticks + FIRST_WORD_TICKS)

    def hear(self, start: int, activity: Activity) -> None:
        """Take the activity of the ticks from ``start`` on; of those taken before nothing changes."""
        first = start if self._next is None else self._next
        for tick in range(first, start + len(activity)):
            index = tick - start
            voice, lips, face = activity.voice[index], activity.lips[index], activity.face[index]
            if lips:
                self._moved_at = tick
            if voice or lips:
                self._active.append(tick)
            if activity.speech[index]:
                self._speech.append(tick)
            if voice and face:
                rests = self._moved_at is None or tick - self._moved_at > MOVED_TICKS
                self._witnesses.append((tick, not rests))
        self._next = max(first, start + len(activity))

    def at(self, now: int) -> bool:
        """Whether to listen at a tick; ticks are asked for in order."""
        while self._speech and self._speech[0] <= now + self._lead:
            self._spoke_at = self._speech.popleft()
        return self._spoke_at is not None and now - self._spoke_at <= self.hold

    def rest(self, now: int) -> int:
        """Ticks since a voice was heard or lips moved, 0 if that is going on; asked for in order too."""
        while self._active and self._active[0] <= now + self._lead:
            self._active_at = self._active.popleft()
        return max(0, now - self._active_at) if self._active_at is not None else 0

    def on_screen(self, first: int, last: int) -> bool | None:
        """Whether the visible lips moved with the voice from the first label to the last; None: not known."""
        begin = first - FIRST_WORD_TICKS
        moved = [moved for tick, moved in self._witnesses if begin <= tick <= last]
        if len(moved) < WITNESSES:
            return None
        return bool(np.mean(moved) >= 0.5)
