from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hearsight.lab.synth.render import Canvas, Light, Surface, openness, rasterize, vertex_normals

SIZE = 64
coordinate = st.floats(2, SIZE - 2, width=32)


def cover(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    nearest = np.empty((SIZE, SIZE), np.int32)
    place = np.empty((SIZE, SIZE, 2), np.float32)
    rasterize(
        np.asarray(points, np.float32),
        np.asarray(triangles, np.int32),
        nearest,
        place,
        np.empty((SIZE, SIZE), np.float32),
    )
    return nearest, place


def signed_area(points: np.ndarray) -> float:
    (x0, y0), (x1, y1), (x2, y2) = points
    return ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=3))
@example([(13.0, 14.823156356811523), (5.5, 5.5), (5.5, 5.5)])  # its area is 0, but for rounding
def test_a_triangle_covers_its_area_if_it_faces_us(corners):
    flat = np.array(corners)
    nearest, _ = cover(np.column_stack([flat, np.zeros(3)]), [[0, 1, 2]])
    area = signed_area(flat)
    perimeter = np.linalg.norm(flat - np.roll(flat, 1, 0), axis=1).sum()
    if area < 0:  # y points down, so counter-clockwise is negative
        assert abs((nearest == 0).sum() + area) <= perimeter + 2
    else:
        assert (nearest == -1).all()


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(coordinate, coordinate), min_size=4, max_size=4, unique=True))
def test_neighbours_leave_no_gap_and_do_not_overlap(corners):
    a, b, c, d = (np.array([*corner, 0.0]) for corner in corners)
    points = np.stack([a, b, c, d])
    if signed_area(points[[0, 1, 2], :2]) > -1 or signed_area(points[[0, 2, 3], :2]) > -1:
        return
    one, _ = cover(points, [[0, 1, 2]])
    other, _ = cover(points, [[0, 2, 3]])
    both, _ = cover(points, [[0, 1, 2], [0, 2, 3]])
    assert ((both >= 0) == ((one >= 0) | (other >= 0))).all()
    assert ((one >= 0) & (other >= 0)).sum() <= 6  # only pixels exactly on the shared edge


def test_the_nearest_triangle_is_seen():
    square = [[8, 8], [8, 56], [56, 56]]
    far, near = [[*p, 0] for p in square], [[*p, 1] for p in square]
    nearest, _ = cover(np.array(far + near), [[0, 1, 2], [3, 4, 5]])
    assert set(np.unique(nearest)) == {-1, 1}
    nearest, _ = cover(np.array(near + far), [[0, 1, 2], [3, 4, 5]])
    assert set(np.unique(nearest)) == {-1, 0}


def plate(direction: tuple[float, float, float], paint: np.ndarray, gloss: float = 0.0) -> np.ndarray:
    """The picture of a square that looks at us, lit from a direction."""
    points = np.array([[0, 0, 0], [0, SIZE, 0], [SIZE, SIZE, 0], [SIZE, 0, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    uv = np.ascontiguousarray(points[:, :2])
    surface = Surface(
        triangles, normals, np.full((4, 1), 0.5, np.float32), np.full(4, gloss, np.float32), uv, paint
    )
    return Canvas(SIZE, SIZE, 1).draw(points, surface, Light(direction, lamp=0.8, sky=0.2, wrap=0.0))


PLAIN = np.ones((SIZE + 2, SIZE + 2, 1), np.float32)


def test_light_is_strongest_where_it_falls_straight():
    straight, slanted = plate((0, 0, 1), PLAIN).mean(), plate((1, 0, 1), PLAIN).mean()
    assert straight == pytest.approx(0.5 * (0.8 + 0.2 * 0.75), abs=1e-4)
    assert slanted == pytest.approx(0.5 * (0.8 * np.sqrt(0.5) + 0.2 * 0.75), abs=1e-4)
    assert plate((0, 0, -1), PLAIN).mean() == pytest.approx(0.5 * 0.2 * 0.75, abs=1e-4)


def test_gloss_adds_a_highlight():
    assert plate((0, 0, 1), PLAIN, gloss=0.3).mean() > plate((0, 0, 1), PLAIN).mean() + 0.2


def test_paint_lies_where_the_chart_says():
    paint = PLAIN.copy()
    paint[:, SIZE // 2 :] = 0.0
    picture = plate((0, 0, 1), paint)[..., 0]
    assert picture[:, : SIZE // 2 - 2].min() > 0.4
    assert picture[:, SIZE // 2 + 2 :].max() == 0


def sphere(rings: int = 24) -> tuple[np.ndarray, np.ndarray]:
    turns, heights = np.meshgrid(np.linspace(0, 2 * np.pi, 2 * rings), np.linspace(0, np.pi, rings))
    points = np.stack([np.sin(heights) * np.sin(turns), np.cos(heights), np.sin(heights) * np.cos(turns)], -1)
    index = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    return points.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32)


def test_normals_of_a_sphere_point_outwards():
    points, triangles = sphere()
    normals = np.zeros_like(points)
    vertex_normals(points, triangles, normals)
    inner = np.abs(points[:, 1]) < 0.9
    assert ((normals * points).sum(1)[inner] > 0.98).all()


@settings(max_examples=5, deadline=None)
@given(st.floats(0.3, 3.0))
def test_a_sphere_sees_the_sky_and_what_it_hides_does_not(size):
    points, triangles = sphere()
    ball, core = points * size, points * size * 0.5
    vertices = np.concatenate([ball, core]).astype(np.float32)
    light = openness(vertices, np.concatenate([triangles, triangles + len(points)]))
    front = points[:, 2] > 0.5
    assert light[: len(points)][front].min() > 0.9
    assert light[len(points) :][front].max() < 0.1
