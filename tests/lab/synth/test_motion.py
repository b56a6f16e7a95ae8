from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hearsight.lab.synth.motion import Camera, rotations, wander

angle = st.floats(-1.5, 1.5)


@given(st.lists(st.tuples(angle, angle, angle), min_size=1, max_size=5))
def test_rotations_keep_lengths_and_handedness(angles):
    matrices = rotations(np.array(angles, np.float32))
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(3), (len(angles), 1, 1)), atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1, atol=1e-5)


def test_yaw_turns_the_nose_to_the_persons_left_and_pitch_downwards():
    nose = np.array([0, 0, 1], np.float32)
    yaw, pitch = rotations(np.array([[0.3, 0, 0], [0, 0.3, 0]], np.float32))
    assert (yaw @ nose)[0] > 0.2
    assert (pitch @ nose)[1] < -0.2


def test_what_is_nearer_is_larger_and_up_is_up():
    camera = Camera(distance=10, scale=100, centre=(50, 60))
    far, near, above = camera.project(np.array([[1, 0, 0], [1, 0, 5], [0, 1, 0]], np.float32))
    np.testing.assert_allclose(far, [150, 60, 0])
    assert near[0] == 250
    assert above[1] < 60


@given(st.integers(0, 2**32), st.floats(4, 14))
def test_movement_is_smooth_and_comes_back(seed, smooth):
    path = wander(np.random.default_rng(seed), 400, (1.0, 0.1), smooth)
    assert path.shape == (400, 2)
    np.testing.assert_allclose(path.mean(0), 0, atol=1e-4)
    assert 0.3 < path[:, 0].std() < 2.0
    assert np.abs(np.diff(path[:, 0])).max() < 4 / smooth
