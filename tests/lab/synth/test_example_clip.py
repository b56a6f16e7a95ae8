"""The clip that ships is small, and the face path sees its speaker all the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hearsight.capture.files import read_chunks
from hearsight.face import FacePath

CLIPS = sorted((Path(__file__).parents[3] / "examples").glob("*.mp4"))


def test_there_is_one_example_and_it_is_small():
    assert len(CLIPS) == 1
    assert CLIPS[0].stat().st_size < 500_000


def test_the_face_is_found_in_every_frame_and_the_sound_lasts_as_long():
    path, present, heard = FacePath.load(), [], []
    for chunk in read_chunks(CLIPS[0]):
        present.append(path.process(chunk).video_present)
        heard.append(chunk.samples)
    assert np.concatenate(present).all()
    assert 50 <= len(np.concatenate(present)) <= 125
    assert np.abs(np.concatenate(heard)).max() > 0.1
