"""The detector says where faces are, largest first, and stays silent where there are none."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize("size", [(360, 288), (640, 480), (480, 640), (1920, 1080), (3840, 2160)])
def test_a_face_is_found_where_it_is_in_pictures_of_any_size(detector, face, picture, size) -> None:
    unit = min(size) / 288
    drawn = face(0.6 * size[0], 0.5 * size[1], 100 * unit)
    (found,) = detector(picture(drawn, size=size))
    assert np.abs(found.centre - [drawn.x, drawn.y]).max() < 20 * unit
    assert found.size == pytest.approx(drawn.width, rel=0.35)
    assert found.eyes == pytest.approx(np.array([drawn.place(-21, -14), drawn.place(21, -14)]), abs=6 * unit)


def test_several_faces_come_largest_first(detector, face, picture) -> None:
    found = detector(picture(face(60, 140, 50), face(280, 140, 90), face(160, 140, 70)))
    assert [round(detection.centre[0], -2) for detection in found] == [300, 200, 100]
    sizes = [detection.size for detection in found]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("roll", [-0.6, -0.3, 0.0, 0.3, 0.6])
def test_the_roll_of_a_tilted_head_is_seen(detector, face, picture, roll) -> None:
    (found,) = detector(picture(face(180, 140, 90, roll=roll)))
    assert found.roll == pytest.approx(roll, abs=0.15)


def test_no_face_is_found_in_noise_or_darkness(detector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (288, 360, 3), dtype=np.uint8)
    assert detector(noise) == []
    assert detector(np.zeros((288, 360, 3), np.uint8)) == []
    assert detector(np.zeros((1, 1, 3), np.uint8)) == []
