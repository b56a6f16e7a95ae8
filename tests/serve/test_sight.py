"""What a stream of the server sees: mouths, but not those of a frozen picture while there is sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hearsight.capture.files import read_chunks
from hearsight.face.stillness import LEAST_TICKS
from hearsight.serve.sight import Eye

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "set_white_by_k_four_soon.mp4"


def test_a_frozen_picture_counts_as_none_where_there_is_sound() -> None:
    [whole] = read_chunks(EXAMPLE, ticks=10_000)
    living, still = whole.frames[:20], whole.frames[19]
    assert still is not None
    frames = [*living, *[still.copy() for _ in range(10)]]
    begin = 20 + LEAST_TICKS - 1
    frozen = replace(
        whole, frames=frames, samples=whole.samples[: 30 * 640], audio_present=whole.audio_present[:30]
    )
    for modality, sound, seen in (("av", True, begin), ("video", True, 30), ("av", False, 30)):
        given = replace(frozen, audio_present=np.full(30, sound))
        mouths = Eye().mouths(given, modality)
        present = mouths.crops.video_present
        assert present[5:seen].all() and not present[seen:].any()
        assert mouths.look is not None and mouths.look.box is not None, "the face is followed all the same"


def test_where_there_is_much_to_do_mouths_are_found_all_the_same() -> None:
    """The mesh looks half as often, and the crops hardly move."""
    [whole] = read_chunks(EXAMPLE, ticks=10_000)
    usual, sparing = Eye(), Eye()
    sparing.spares = True
    crops, others = (eye.mouths(whole, "av").crops for eye in (usual, sparing))
    assert np.array_equal(crops.video_present, others.video_present)
    assert not np.array_equal(crops.pixels, others.pixels)
    # Grey levels; from picture to picture it is 3.
    assert np.abs(crops.pixels.astype(int) - others.pixels).mean() < 6
