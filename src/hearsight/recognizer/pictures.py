"""Whether a mouth crop shows a living picture: not dark, not blank, not frozen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hearsight.types import FRAME_RATE


@dataclass(frozen=True, slots=True)
class PictureRule:
    """What is not worth looking at.

    Attributes:
        dark: mean grey level below which it is too dark to see lips.
        contrast: standard deviation in grey levels below which there is nothing to see.
        still: mean change in grey levels from tick to tick below which it is the same picture; no camera
            is so free of noise.
        frozen_s: the same picture for so long, while a voice goes on, is a frozen one.
    """

    dark: float = 10.0
    contrast: float = 3.0
    still: float = 0.2
    frozen_s: float = 0.4


class PictureCheck:
    """Judges the crops of one stream, tick by tick, looking back only."""

    def __init__(self, rule: PictureRule) -> None:
        self._rule = rule
        self._before: NDArray[np.uint8] | None = None
        self._repeated = 0

    def __call__(self, crop: NDArray[np.uint8], picture: NDArray[np.float64], voice: bool) -> bool:
        """Whether to look at the next tick.

        Args:
            crop: ``(96, 96)``.
            picture: its :func:`hearsight.recognizer.activity.mouth_picture`.
            voice: whether a voice is heard.
        """
        if self._is_repeated(crop):
            self._repeated += voice
        else:
            self._repeated = 0
        self._before = crop
        if picture.mean() < self._rule.dark or picture.std() < self._rule.contrast:
            return False
        return self._repeated < self._rule.frozen_s * FRAME_RATE

    def miss(self) -> None:
        """A tick without a crop."""
        self._before, self._repeated = None, 0

    def _is_repeated(self, crop: NDArray[np.uint8]) -> bool:
        if self._before is None:
            return False
        # The difference of two bytes without its sign fits one.
        change = np.maximum(crop, self._before) - np.minimum(crop, self._before)
        return float(change.sum(dtype=np.int64)) < self._rule.still * change.size
