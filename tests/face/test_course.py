"""A face is carried on by its motion, as long as it is steady and in sight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.face.course import STEADY, Course, Face

SIZE = 100.0
OUTLINE = SIZE * np.random.default_rng(0).random((468, 2))
OUTLINE[:2] = [[0, 0], [SIZE, SIZE]]
steady = st.floats(-0.7 * STEADY * SIZE, 0.7 * STEADY * SIZE)


def at(x: float, y: float = 0.0) -> Face:
    return Face(OUTLINE + np.array([x, y]), 0.9, 3)


@given(steady, steady, st.integers(1, 6), st.integers(2, 5))
def test_steady_motion_goes_on(x: float, y: float, frames: int, interval: int) -> None:
    """The motion is that of a frame, however many lay between the looks."""
    course = Course(interval)
    course.look(at(0))
    course.look(at(x, y))
    time = 1
    for _ in range(frames):
        time += 1
        face = course.carry_on()
        if face is None:
            course.look(at(time * x, time * y))
        else:
            assert np.allclose(face.landmarks, at(time * x, time * y).landmarks)
            assert (face.presence, face.number) == (0.9, 3)


@pytest.mark.parametrize("interval", [1, 2, 4])
def test_a_steady_face_is_looked_at_once_in_an_interval(interval: int) -> None:
    course = Course(interval)
    course.look(at(0))
    for _ in range(3):
        course.look(at(0))
        carried = [course.carry_on() is not None for _ in range(interval)]
        assert carried == [True] * (interval - 1) + [False]


def test_a_quick_face_is_looked_at_in_every_frame() -> None:
    course = Course()
    course.look(at(0))
    course.look(at(1.1 * STEADY * SIZE))
    assert course.carry_on() is None


def test_motion_is_known_from_the_second_look_on() -> None:
    course = Course()
    assert course.carry_on() is None and not course.settled
    course.look(at(0))
    assert course.carry_on() is None and course.settled
    course.look(at(0))
    assert course.carry_on() is not None
    course.clear()
    assert course.carry_on() is None and not course.settled


def test_an_interval_is_at_least_one_frame() -> None:
    with pytest.raises(ValueError, match="every frame"):
        Course(0)
