"""How a live stream is going, twice a second, for the person in front of the page."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from hearsight.serve.lane import Lane
from hearsight.serve.protocol import decibels
from hearsight.types import Modality, Sense

_BEHIND_S = 1.5
_QUIET_DBFS = -60.0
_LEVELS = 8
"""Messages for which a microphone must have been quiet: nobody speaks all the time."""
_LEFT: dict[tuple[Sense, ...], str] = {("audio",): "going on by ear", ("video",): "going on by the lips"}


class StatusReport:
    """Status messages of one stream.

    Args:
        lane: the stream.
        clock: seconds, monotonic.
    """

    def __init__(self, lane: Lane, clock: Callable[[], float] = time.monotonic) -> None:
        self._lane, self._clock = lane, clock
        self._since, self._pictures = clock(), lane.sight.pictures
        self._levels: deque[float | None] = deque(maxlen=_LEVELS)

    def message(self) -> dict[str, Any]:
        """The state now; pictures a second since the message before."""
        lane, sight, now = self._lane, self._lane.sight, self._clock()
        seconds, pictures = max(now - self._since, 1e-3), sight.pictures - self._pictures
        self._since, self._pictures = now, sight.pictures
        face = sight.look is not None and sight.look.crop is not None
        level = decibels(sight.level)
        self._levels.append(level)
        senses = tuple(_senses(sight.modality, level is not None, face))
        return {
            "type": "status",
            "received": round(lane.received_s, 2),
            "heard": round(lane.heard_s, 2),
            "queued": round(lane.queued_s, 2),
            "lag": round(lane.lag_s, 3),
            "level": level,
            "face": face,
            "frames": round(pictures / seconds, 1),
            "senses": list(senses),
            "notices": list(self._notices(senses)) if lane.received_s else [],
        }

    def _notices(self, senses: tuple[Sense, ...]) -> Iterator[str]:
        """Sentences, the gravest first."""
        modality, left = self._lane.sight.modality, _LEFT.get(senses, "nothing left to go by")
        if modality != "video":
            if self._levels[-1] is None:
                yield f"No sound comes from the microphone: {left}."
            elif self._quiet:
                yield "The microphone is very quiet, or muted."
        if modality != "audio" and "video" not in senses:
            yield f"No face in the picture: {left}."
        if self._lane.lag_s > _BEHIND_S and not self._lane.is_hasty:
            yield "The server is behind: captions come late."

    @property
    def _quiet(self) -> bool:
        quiet = [level is None or level < _QUIET_DBFS for level in self._levels]
        return len(quiet) == _LEVELS and all(quiet)


def _senses(modality: Modality, sound: bool, face: bool) -> Iterator[Sense]:
    if sound and modality != "video":
        yield "audio"
    if face and modality != "audio":
        yield "video"
