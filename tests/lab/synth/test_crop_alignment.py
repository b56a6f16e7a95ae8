from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hearsight.face.alignment import FOUR_POINTS, REFERENCE, WINDOW_FRAMES, Aligner
from hearsight.face.tracker import Face
from hearsight.lab.synth.crops import alignments

jitter = arrays(np.float64, (WINDOW_FRAMES * 2, 4, 2), elements=st.floats(-3, 3))


def landmarks(points: np.ndarray) -> np.ndarray:
    """468 landmarks whose four points are the ones given."""
    return np.linalg.pinv(FOUR_POINTS) @ points


@settings(max_examples=30)
@given(jitter, st.floats(0.4, 2.5), st.floats(-0.5, 0.5))
def test_crops_are_framed_as_the_face_path_frames_them(noise, size, roll):
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) * size
    points = (REFERENCE @ turn.T + noise).astype(np.float32)
    aligner = Aligner()
    whole = alignments(points)
    for tick, four in enumerate(points):
        expected = aligner(Face(landmarks(four.astype(np.float64)), 1.0, 0))
        assert expected is not None
        shift = expected.crop - whole[tick]
        np.testing.assert_allclose(shift[:, :2], 0, atol=1e-4)
        # The mouth is moved by whole pixels; at exactly half a pixel either side is right.
        assert np.abs(shift[:, 2]).max() < 0.01 or np.abs(np.abs(shift[:, 2]).max() - 1) < 0.01


def test_a_face_at_the_reference_keeps_its_size_and_its_mouth_is_in_the_middle():
    maps = alignments(np.repeat(REFERENCE[None], 3, 0).astype(np.float32))
    mouth = maps[:, :, :2] @ REFERENCE[3] + maps[:, :, 2]
    np.testing.assert_allclose(maps[:, :, :2], np.tile(np.eye(2), (3, 1, 1)), atol=1e-5)
    assert np.abs(mouth - 48).max() <= 0.5
