"""What to look at and when to listen: watches the ticks of one stream before the network sees them."""

from __future__ import annotations

import numpy as np

from hearsight.recognizer.activity import Activity, ActivityRule, LipDetector, VoiceDetector, mouth_picture
from hearsight.recognizer.pictures import PictureCheck, PictureRule
from hearsight.recognizer.session import Ticks


class Attention:
    """Takes away pictures that show nothing, and notes who speaks; tick by tick, looking back only.

    Args:
        rule: when somebody is held to speak.
        pictures: which pictures are not worth looking at.
        start: tick of the first frame that will be watched.
    """

    def __init__(self, rule: ActivityRule, pictures: PictureRule, start: int = 0) -> None:
        self._voice, self._lips = VoiceDetector(rule), LipDetector(rule)
        self._check = PictureCheck(pictures)
        self._start = start
        self._noted = np.zeros((0, 4), np.bool_)

    def watch(self, ticks: Ticks) -> Ticks:
        """Watch the next ticks.

        Returns:
            The same, without the pictures that are dark, blank or frozen.
        """
        noted = np.zeros((len(ticks), 4), np.bool_)
        for index in range(len(ticks)):
            noted[index] = self._tick(ticks.part(index, index + 1))
        self._noted = np.concatenate([self._noted, noted])
        seen = noted[:, 2]
        if (seen == ticks.video_present).all():
            return ticks
        crops = np.where(seen[:, None, None], ticks.crops, np.uint8(0))
        return Ticks(crops, ticks.samples, seen, ticks.audio_present)

    def during(self, start: int, stop: int) -> Activity:
        """Who spoke in the ticks from ``start`` to before ``stop``; what came before is forgotten.

        Raises:
            ValueError: these ticks have not been watched, or are forgotten.
        """
        activity = self.of(start, stop)
        self._noted = self._noted[start - self._start :]
        self._start = start
        return activity

    def of(self, start: int, stop: int) -> Activity:
        """Who spoke in the ticks from ``start`` to before ``stop``.

        Raises:
            ValueError: these ticks have not been watched, or are forgotten.
        """
        if not self._start <= start <= stop <= self._start + len(self._noted):
            raise ValueError(
                f"ticks {start} to {stop} are not among those known, "
                f"{self._start} to {self._start + len(self._noted)}"
            )
        return Activity(*self._noted[start - self._start : stop - self._start].T)

    def _tick(self, tick: Ticks) -> tuple[bool, bool, bool, bool]:
        """What :class:`Activity` says of it: voice, lips, face, speech."""
        listens = bool(tick.audio_present[0])
        voice = listens and self._voice(tick.samples)
        lips, face = self._look(tick, voice)
        return voice, lips, face, voice or (lips and not (listens and self._voice.misses_nothing))

    def _look(self, tick: Ticks, voice: bool) -> tuple[bool, bool]:
        """Moving lips, and a mouth to look at."""
        if not tick.video_present[0]:
            self._check.miss()
            return self._lips(None), False
        picture = mouth_picture(tick.crops[0])
        seen = self._check(tick.crops[0], picture, voice)
        return self._lips(picture if seen else None), seen
