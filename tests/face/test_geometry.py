"""Maps between picture and crop do what their names say."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hearsight.face.alignment import draw_crop
from hearsight.face.geometry import invert, sample, similarity, square_to_output, transform

numbers = st.floats(-1000, 1000)
angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.01, 100)
point_sets = arrays(float, st.tuples(st.integers(2, 20), st.just(2)), elements=st.floats(-100, 100)).filter(
    lambda points: np.ptp(points, axis=0).max() > 1
)


def a_similarity(scale: float, angle: float, x: float, y: float) -> np.ndarray:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cosine, -sine, x], [sine, cosine, y]])


@given(point_sets, scales, angles, numbers, numbers)
def test_a_similarity_is_recovered_from_any_points_it_moved(points, scale, angle, x, y) -> None:
    matrix = a_similarity(scale, angle, x, y)
    found = similarity(points, transform(matrix, points))
    tolerance = 1e-9 * (scale + abs(x) + abs(y) + 1)
    assert np.allclose(found[:, :2], matrix[:, :2], rtol=1e-9, atol=tolerance)
    assert np.allclose(transform(found, points), transform(matrix, points), rtol=1e-9, atol=100 * tolerance)


@given(point_sets, st.integers(0, 2**32 - 1), scales, angles)
def test_no_other_similarity_fits_better(points, seed, scale, angle) -> None:
    target = points + np.random.default_rng(seed).normal(0, 5, points.shape)
    best = similarity(points, target)
    nudged = best + a_similarity(scale * 0.01, angle, scale * 0.1, -scale * 0.1)

    def error(matrix: np.ndarray) -> float:
        return float(((transform(matrix, points) - target) ** 2).sum())

    assert error(best) <= error(nudged) * (1 + 1e-9) + 1e-9


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    points = np.array([[0.0, 0], [2, 0], [1, 3]])
    found = similarity(points, points * [-1, 1])
    assert np.linalg.det(found[:, :2]) > 0


@given(scales, angles, numbers, numbers, arrays(float, (5, 2), elements=numbers))
def test_a_map_and_its_inverse_cancel(scale, angle, x, y, points) -> None:
    matrix = a_similarity(scale, angle, x, y)
    there_and_back = transform(invert(matrix), transform(matrix, points))
    assert np.allclose(there_and_back, points, atol=1e-6 * (1 + 1 / scale))


@given(numbers, numbers, st.floats(1, 1000), angles)
def test_a_square_fills_the_output_and_stands_upright(x, y, side, angle) -> None:
    centre = np.array([x, y])
    across = np.array([math.cos(angle), math.sin(angle)]) * side / 2
    down = np.array([-math.sin(angle), math.cos(angle)]) * side / 2
    corners = np.array([centre - across - down, centre + across - down, centre + across + down])
    expected = [[0, 0], [192, 0], [192, 192]]
    assert np.allclose(transform(square_to_output(centre, side, angle, 192), corners), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1.5, 0.7, 0.5, 0.3, 0.12, 0.05])
@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
def test_things_stay_where_they_are_however_fine_the_picture(scale: float, angle: float) -> None:
    """Averaging a large picture first must not shift it."""
    size, centre = 100, np.array([701.0, 433.0])
    picture = np.zeros((900, 1400, 3), np.uint8)
    cv2.circle(picture, (701, 433), round(15 / scale), (255, 255, 255), -1)
    matrix = a_similarity(scale, angle, 0, 0)
    matrix[:, 2] += [40, 55] - transform(matrix, centre)
    drawn = sample(picture, matrix, size)[..., 0].astype(float)
    rows, columns = np.mgrid[:size, :size]
    middle = np.array([(drawn * columns).sum(), (drawn * rows).sum()]) / drawn.sum()
    assert middle == pytest.approx([40, 55], abs=0.3)


def test_fine_stripes_turn_grey_instead_of_flickering() -> None:
    picture = np.zeros((1000, 1000, 3), np.uint8)
    picture[:, ::2] = 255
    drawn = sample(picture, a_similarity(0.1, 0, -5, -5), 90)
    assert drawn.min() > 100 and drawn.max() < 155


@pytest.mark.parametrize("place", [(5000, 5000), (-5000, 40), (40, -5000)])
def test_outside_the_picture_it_is_black(place: tuple[int, int]) -> None:
    picture = np.full((100, 120, 3), 200, np.uint8)
    for side in (30.0, 500.0):
        view = sample(picture, square_to_output(np.array(place, float), side, 0.3, 32), 32)
        assert not view.any()


def drawn_by_definition(picture: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Bilinear values, ``(size, size, 3)``; beyond its outermost pixels the picture goes on in black."""
    rows, columns = np.mgrid[:size, :size]
    places = transform(invert(matrix), np.stack([columns, rows], axis=-1).astype(float))
    places = np.clip(places, -2, np.array(picture.shape[1::-1]) + 1)
    framed = np.pad(picture.astype(float), ((3, 3), (3, 3), (0, 0)))
    corner = np.floor(places).astype(int)
    right, down = np.moveaxis(places - corner, -1, 0)[..., None]
    x, y = np.moveaxis(corner + 3, -1, 0)
    above = framed[y, x] * (1 - right) + framed[y, x + 1] * right
    below = framed[y + 1, x] * (1 - right) + framed[y + 1, x + 1] * right
    return above * (1 - down) + below * down


@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    scale=st.floats(0.51, 8),
    angle=angles,
    place=st.tuples(st.floats(-20, 80), st.floats(-20, 80)),
    size=st.integers(2, 48),
    seed=st.integers(0, 1000),
)
@settings(max_examples=200, deadline=None)
def test_pixels_are_bilinear_values_and_fade_to_black_outside(shape, scale, angle, place, size, seed) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)
    matrix = square_to_output(np.array(place), size / scale, angle, size)
    drawn = sample(picture, matrix, size)
    assert drawn.shape == (size, size, 3) and drawn.dtype == np.uint8
    assert np.abs(drawn - drawn_by_definition(picture, matrix, size)).max() <= 1.01


@given(st.integers(2, 30), st.integers(1, 6), st.integers(1, 6), st.integers(0, 1000))
@settings(deadline=None)
def test_pictures_that_are_much_finer_are_averaged_exactly(step, rows, columns, seed) -> None:
    """The output's pixels lie on blocks of ``step`` x ``step`` pixels: each is the mean of one."""
    size = max(rows, columns)
    picture = np.random.default_rng(seed).integers(0, 256, (rows * step, columns * step, 3)).astype(np.uint8)
    matrix = np.array([[1, 0, -(step - 1) / 2], [0, 1, -(step - 1) / 2]]) / step * (1 - 1e-9)
    means = picture.reshape(rows, step, columns, step, 3).mean(axis=(1, 3))
    assert np.abs(sample(picture, matrix, size)[:rows, :columns] - means).max() <= 1.01


@pytest.mark.parametrize("side", [60.0, 500.0])
def test_a_picture_is_drawn_the_same_however_it_lies_in_memory(side: float) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    matrix = square_to_output(np.array([70.0, 60.0]), side, 0.2, 96)
    views = whole[5:190, 7:250], whole[::-1], whole[:, ::2], whole[..., ::-1], whole.transpose(1, 0, 2)
    for view in views:
        assert np.array_equal(sample(view, matrix, 96), sample(view.copy(), matrix, 96))
    whole.flags.writeable = False
    assert sample(whole, matrix, 96).any()


@pytest.mark.parametrize("width", [60, 100, 170, 240])
def test_crops_are_those_that_opencv_draws_for_training(width: float, face, picture) -> None:
    """A network sees what it was trained with; OpenCV rounds places to 1/32 of a pixel, hence the rest."""
    seen = picture(face(180, 150, width, roll=0.2))
    matrix = square_to_output(np.array([180.0, 180.0]), 0.6 * width, 0.2, 96)
    drawn = cv2.warpAffine(seen, matrix, (96, 96), flags=cv2.INTER_LINEAR)
    expected = cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)
    crop = draw_crop(seen, matrix)
    assert crop.shape == (96, 96) and crop.flags.c_contiguous
    difference = np.abs(crop.astype(int) - expected)
    assert difference.max() <= 2 and difference.mean() < 0.1
