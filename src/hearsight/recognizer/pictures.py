"""Whether a mouth crop shows a living mouth: not dark, not blank, not covered, not frozen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hearsight.types import FRAME_RATE, Crops

LIPS = (slice(3, 9), slice(4, 12))
"""Rows and columns of the lips in :func:`hearsight.recognizer.activity.mouth_picture`."""


@dataclass(frozen=True, slots=True)
class PictureRule:
    """What is not worth looking at.

    Attributes:
        dark: mean grey level below which it is too dark to see lips.
        contrast: standard deviation in grey levels below which there is nothing to see.
        lips: standard deviation of the lips over that of the mouth and what is round it, below which
            something flat is before them: a mask, a cup, a sheet. Of GRID's speakers none comes below 0.48.
        still: mean change in grey levels from tick to tick below which it is the same picture; no camera
            is so free of noise.
        frozen_s: a picture that has been the same for so long when a voice is heard is a frozen one.
    """

    dark: float = 10.0
    contrast: float = 1.5
    lips: float = 0.3
    still: float = 0.2
    frozen_s: float = 0.32


def without_frozen(crops: Crops, frozen: NDArray[np.bool_], heard: NDArray[np.bool_]) -> Crops:
    """The crops, but none of a frozen picture where there is sound to go by instead.

    Args:
        crops: of so many ticks.
        frozen: ``(ticks,)``, as :attr:`hearsight.face.FacePath.frozen` tells.
        heard: ``(ticks,)``, whether there is sound.
    """
    if not (stale := frozen & heard).any():
        return crops
    pixels = np.where(stale[:, None, None], np.uint8(0), crops.pixels)
    return Crops(crops.start, pixels, crops.video_present & ~stale)


class PictureCheck:
    """Judges the crops of one stream, tick by tick, looking back only."""

    def __init__(self, rule: PictureRule) -> None:
        self._rule = rule
        self._before: NDArray[np.uint8] | None = None
        self._repeated, self._frozen = 0, False

    def __call__(self, crop: NDArray[np.uint8], picture: NDArray[np.float64], voice: bool) -> bool:
        """Whether to look at the next tick.

        Args:
            crop: ``(96, 96)``.
            picture: its :func:`hearsight.recognizer.activity.mouth_picture`.
            voice: whether a voice is heard.
        """
        if self._is_repeated(crop):
            self._repeated += 1
            self._frozen |= voice and self._repeated >= self._rule.frozen_s * FRAME_RATE
        else:
            self._repeated, self._frozen = 0, False
        self._before = crop
        return not self._frozen and self._shows_lips(picture)

    def miss(self) -> None:
        """A tick without a crop."""
        self._before, self._repeated, self._frozen = None, 0, False

    def _shows_lips(self, picture: NDArray[np.float64]) -> bool:
        contrast = picture.std()
        if picture.mean() < self._rule.dark or contrast < self._rule.contrast:
            return False
        return bool(picture[LIPS].std() >= self._rule.lips * contrast)

    def _is_repeated(self, crop: NDArray[np.uint8]) -> bool:
        if self._before is None:
            return False
        # The difference of two bytes without its sign fits one.
        change = np.maximum(crop, self._before) - np.minimum(crop, self._before)
        return float(change.sum(dtype=np.int64)) < self._rule.still * change.size
