"""When an utterance is over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hearsight.types import FRAME_RATE


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """An utterance ends when nothing new has been said for a while, and sooner the longer it is.

    Attributes:
        silence_s: this long without a new label ends any utterance, whatever is heard and seen.
        rest_s: so does this long without a new label, a voice and moving lips: then it is sure that nobody
            speaks.
        long_s: from this age on, counted from its first label, a short pause is enough.
        pause_s: what then counts as a pause.
        longest_s: at this age it ends at once, so that memory and delay stay bounded.
        idle_s: after so long without any word, what was heard and seen before belongs to no utterance.
    """

    silence_s: float = 1.0
    rest_s: float = 0.6
    long_s: float = 30.0
    pause_s: float = 0.2
    longest_s: float = 60.0
    idle_s: float = 5.0

    def within(self, longest_s: float) -> EndpointRule:
        """The same rule for utterances of at most so many seconds; in their second half a pause is enough."""
        return replace(self, longest_s=min(self.longest_s, longest_s), long_s=min(self.long_s, longest_s / 2))

    def reached(self, first: int, last: int, now: int, rest: int = 0) -> bool:
        """Whether an utterance is over.

        Args:
            first: frame of its first label.
            last: frame of its last label.
            now: frame just decoded.
            rest: frames since a voice was heard or lips moved.
        """
        silence, age = (now - last) / FRAME_RATE, (now - first) / FRAME_RATE
        if silence >= self.silence_s or age >= self.longest_s:
            return True
        if min(silence, rest / FRAME_RATE) >= self.rest_s:
            return True
        return age >= self.long_s and silence >= self.pause_s

    def idle(self, begin: int, now: int) -> bool:
        """Whether an utterance that began at a frame has been without words for too long."""
        return (now - begin) / FRAME_RATE >= self.idle_s


PATIENT = EndpointRule(silence_s=3.0)
"""For finals of a second pass: its reader hears words that the first pass has missed, as long as they are in
the same utterance. Missed words must not end it; a voice that rests still does."""
