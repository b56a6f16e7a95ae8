"""How much work live recognition does, so that a busy computer delays no words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Effort(IntEnum):
    """What is done with the input; each step does less than the one before.

    ``FULL`` does everything. ``BY_EAR`` leaves the pictures alone: the face path is the dearest part.
    ``LEAST`` also takes all the input that waits in one go, with one partial for it, and searches greedily.
    """

    FULL = 0
    BY_EAR = 1
    LEAST = 2


@dataclass(frozen=True, slots=True)
class EffortRules:
    """When to do less, and when to do more again; all in seconds but the load.

    Attributes:
        late_s: input that waits this long asks for less work.
        settle_s: time that a change is given before it is judged.
        calm_s: no input has to wait for this long before more is tried …
        calm_below_s: … where waiting means more than this …
        room: … and the load must be below this share of real time.
        relapse_s: a trial that fails sooner than this makes the next calm twice as long, …
        longest_calm_s: … up to this.
        window_s: the load is an average over this long.
    """

    late_s: float = 0.6
    settle_s: float = 1.0
    calm_s: float = 3.0
    calm_below_s: float = 0.2
    room: float = 0.5
    relapse_s: float = 10.0
    longest_calm_s: float = 60.0
    window_s: float = 4.0


class EffortController:
    """Chooses the effort from how long the input waits and how much of the time goes into computing.

    Waiting input alone says that there is too much to do: how long a step took says little on a computer
    that does other things too. What there would be room for cannot be known without trying, so after a calm
    more is tried, more rarely if it went wrong before.

    Args:
        rules: when to do less, and when more.
        clock: seconds that only grow.
    """

    def __init__(
        self, rules: EffortRules | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._rules = rules or EffortRules()
        self._clock = clock
        self._busy: deque[tuple[float, float]] = deque()
        self._began = self._changed = self._calm_since = clock()
        self._tried = float("-inf")
        self._calm_s = self._rules.calm_s
        self.effort = Effort.FULL

    @property
    def load(self) -> float:
        """Share of real time spent computing over the last few seconds."""
        now = self._clock()
        self._forget(now)
        span = min(self._rules.window_s, now - self._began)
        return sum(busy for _, busy in self._busy) / span if span > 0 else 0.0

    def step(self, waiting_s: float, busy_s: float) -> Effort:
        """Choose the effort for what comes next.

        Args:
            waiting_s: input that has been captured and not yet taken, in seconds.
            busy_s: time spent computing since the last step, in seconds.
        """
        now, rules = self._clock(), self._rules
        self._busy.append((now, busy_s))
        self._forget(now)
        if waiting_s > rules.calm_below_s:
            self._calm_since = now
        if waiting_s >= rules.late_s:
            if self.effort < Effort.LEAST and (
                self.effort is Effort.FULL or now - self._changed >= rules.settle_s
            ):
                self._do_less(now)
        elif now - max(self._calm_since, self._changed) >= self._calm_s and self.load <= rules.room:
            self._do_more(now)
        return self.effort

    def _do_less(self, now: float) -> None:
        if now - self._tried < self._rules.relapse_s:
            self._calm_s = min(2 * self._calm_s, self._rules.longest_calm_s)
        self.effort = Effort(self.effort + 1)
        self._changed, self._tried = now, float("-inf")

    def _do_more(self, now: float) -> None:
        if self.effort is not Effort.FULL:
            self.effort = Effort(self.effort - 1)
            self._changed = self._tried = now
        elif now - self._changed >= self._rules.longest_calm_s:
            self._calm_s = self._rules.calm_s

    def _forget(self, now: float) -> None:
        while self._busy and self._busy[0][0] <= now - self._rules.window_s:
            self._busy.popleft()
