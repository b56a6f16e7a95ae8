"""Keeps an input that has a clock of its own within reach of ours."""

from __future__ import annotations

_MAX_LEAD_S = 1.0
"""What comes faster than it plays is held back to this; what is live never leads by as much."""
_FASTEST = 1.001
"""An input whose clock runs faster than this times ours is no live input."""
_JUMP_AHEAD_S = 5.0
"""Time stamps that step further ahead have jumped."""
_MAX_LAG_S = 0.25
_LAG_S = 1.0
"""When all that comes is later than this for so long, the input stood still, and goes on from there."""


class Anchor:
    """Places the frames of an input, begin by begin, so that they neither run ahead nor stay behind.

    As long as an input comes as live inputs come, nothing is changed. One that comes faster (a file on a
    server) is to be held back. One that stood still, or whose time stamps jump, goes on at the time on
    the clock at which it goes on, as a reopened one does.

    Args:
        zero: time on the clock of the input's beginning.
    """

    def __init__(self, zero: float) -> None:
        self._zero = zero
        self._shift = 0.0
        self._late_since: float | None = None
        self._least_lag = 0.0

    def place(self, begin: float, now: float, began: float) -> float:
        """Where a frame belongs that begins at ``begin`` s by its time stamps and comes at ``now``.

        Args:
            begin: in seconds from the beginning of the input.
            now: on the clock.
            began: time on the clock at which tick 0 began, by what is known so far.
        """
        placed = begin + self._shift
        if self.due(placed, now) - now > _JUMP_AHEAD_S:
            return self.restart(begin, now - began)
        return self.restart(begin, placed + lag) if (lag := self._standstill(now, began, placed)) else placed

    def restart(self, begin: float, placed: float) -> float:
        """The frame that begins at ``begin`` s belongs to ``placed``, and all that follow with it."""
        self._shift = placed - begin
        self._late_since = None
        return placed

    def due(self, placed: float, now: float) -> float:
        """Time on the clock before which a frame that is placed at ``placed`` s is not to be handed on."""
        return self._zero + placed - _MAX_LEAD_S - (_FASTEST - 1) * (now - self._zero)

    def _standstill(self, now: float, began: float, placed: float) -> float:
        """For how many seconds the input stood still, 0 if it did not."""
        lag = now - began - placed
        if lag <= _MAX_LAG_S:
            self._late_since = None
            return 0.0
        if self._late_since is None:
            self._late_since, self._least_lag = now, lag
        self._least_lag = min(self._least_lag, lag)
        return self._least_lag if now - self._late_since >= _LAG_S else 0.0
