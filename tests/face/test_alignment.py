"""Every face comes to look straight, steadied by its past and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.face.alignment import FOUR_POINTS, MOUTH, REFERENCE, WINDOW_FRAMES, Aligner
from hearsight.face.geometry import similarity, transform
from hearsight.face.mesh import LANDMARKS
from hearsight.face.tracker import Face

# Landmarks whose four points are the reference face: the pseudo-inverse spreads the points evenly.
STRAIGHT = np.linalg.pinv(FOUR_POINTS) @ REFERENCE


def a_face(shift=(0.0, 0.0), number: int = 0, jitter: float = 0, seed: int = 0) -> Face:
    noise = np.random.default_rng(seed).normal(0, jitter, (LANDMARKS, 2)) if jitter else 0
    return Face(STRAIGHT + np.array(shift) + noise, 1.0, number)


def test_a_straight_face_stays_as_it_is() -> None:
    alignment = Aligner()(a_face())
    assert alignment.canvas == pytest.approx(np.eye(2, 3), abs=1e-9)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30))
@settings(max_examples=30)
def test_the_shape_is_the_mean_over_twelve_frames_set_on_the_present_one(seeds: list[int]) -> None:
    aligner = Aligner()
    faces = [a_face((3.0 * index, -index), jitter=2, seed=seed) for index, seed in enumerate(seeds)]
    for face in faces:
        alignment = aligner(face)
    points = np.array([FOUR_POINTS @ face.landmarks for face in faces[-WINDOW_FRAMES:]])
    shape = points.mean(axis=0)
    shape += points[-1].mean(axis=0) - shape.mean(axis=0)
    assert alignment.canvas == pytest.approx(similarity(shape, REFERENCE), abs=1e-9)
    assert np.abs(transform(alignment.crop, shape[MOUTH]) - 48).max() <= 0.5 + 1e-9


def test_the_crop_is_a_window_of_the_canvas() -> None:
    alignment = Aligner()(a_face(jitter=3))
    assert np.array_equal(alignment.crop[:, :2], alignment.canvas[:, :2])
    corner = alignment.canvas[:, 2] - alignment.crop[:, 2]
    assert corner == pytest.approx(np.round(corner), abs=1e-9)


def test_jitter_is_averaged_away_and_movement_is_followed() -> None:
    aligner = Aligner()
    faces = [a_face((5.0 * index, 0), jitter=3, seed=index) for index in range(60)]
    steadied = np.array([aligner(face).canvas for face in faces])[WINDOW_FRAMES:]
    alone = np.array([Aligner()(face).canvas for face in faces])[WINDOW_FRAMES:]
    assert steadied[..., :2].std(axis=0).max() < 0.5 * alone[..., :2].std(axis=0).min()
    moved = [canvas[0, 2] + 5.0 * index for index, canvas in enumerate(steadied, WINDOW_FRAMES)]
    assert np.abs(moved).max() < 25


def test_a_short_gap_keeps_the_steady_shape_and_a_long_one_starts_afresh() -> None:
    for gap, keeps in ((3, True), (WINDOW_FRAMES, False)):
        aligner = Aligner()
        for index in range(5):
            aligner(a_face(jitter=4, seed=index))
        for _ in range(gap):
            assert aligner(None) is None
        alone = Aligner()(a_face(jitter=4, seed=99)).canvas
        after = aligner(a_face(jitter=4, seed=99)).canvas
        assert np.allclose(after, alone) is not keeps


def test_another_face_starts_afresh_at_once() -> None:
    aligner = Aligner()
    for index in range(5):
        aligner(a_face(number=0, jitter=4, seed=index))
    other = a_face((50, 20), number=1, jitter=4, seed=99)
    assert np.array_equal(aligner(other).canvas, Aligner()(other).canvas)
