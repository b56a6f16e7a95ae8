"""A software rasteriser: triangles with smooth normals, a painted skin, one lamp and a sky.

Deferred shading: `rasterize` finds for every pixel the nearest triangle and the place in it, `shade` lights
it.
Numba compiles both at first use; everything runs on one thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np

from hearsight.lab.synth.arrays import Flags, Floats, Ints

GLOSS_POWER = 5
"""Squarings of the highlight's cosine: 2**5 = 32 is the exponent of the specular term."""


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp, a sky above, and how strong they are; directions need not have length one.

    Attributes:
        direction: towards the lamp, x to the picture's right, y up, z to the camera.
        lamp: strength of the lamp.
        sky: strength of the light from above; what faces down gets half of it.
        wrap: how far the lamp's light creeps round the edge (0 hard, 1 soft), as in skin.
    """

    direction: tuple[float, float, float] = (0.3, 0.4, 0.85)
    lamp: float = 0.75
    sky: float = 0.35
    wrap: float = 0.35


@dataclass(frozen=True, slots=True)
class Surface:
    """What is drawn.

    Attributes:
        triangles: ``(F, 3)`` vertex indices, counter-clockwise seen from outside.
        normals: ``(V, 3)`` of length one.
        colours: ``(V, C)`` albedo, already darkened where little light comes in.
        gloss: ``(V,)`` strength of the highlight.
        uv: ``(V, 2)`` column and row in ``paint``; outside of it nothing is painted.
        paint: ``(h, w, C)`` factors on the albedo.
    """

    triangles: Ints
    normals: Floats
    colours: Floats
    gloss: Floats
    uv: Floats
    paint: Floats


@numba.njit(cache=True, fastmath=True)
def vertex_normals(vertices: Floats, triangles: Ints, normals: Floats) -> None:
    """Write into ``normals`` (V, 3) the mean of the neighbouring triangles' normals, by area."""
    normals[:] = 0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ox, oy, oz = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - ox, vertices[b, 1] - oy, vertices[b, 2] - oz
        vx, vy, vz = vertices[c, 0] - ox, vertices[c, 1] - oy, vertices[c, 2] - oz
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += x
            normals[k, 1] += y
            normals[k, 2] += z
    for i in range(normals.shape[0]):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-9
        for k in range(3):
            normals[i, k] /= length


@numba.njit(cache=True, fastmath=True)
def rasterize(points: Floats, triangles: Ints, nearest: Ints, place: Floats, depth: Floats) -> None:
    """Find the triangle seen in each pixel.

    Args:
        points: ``(V, 3)`` x and y in pixels (y down), z towards the camera.
        triangles: ``(F, 3)`` counter-clockwise seen from outside; the others are skipped.
        nearest: ``(H, W)`` written: triangle index, -1 where none.
        place: ``(H, W, 2)`` written: barycentric weights of the triangle's first two corners.
        depth: ``(H, W)`` work space.
    """
    height, width = nearest.shape
    zero, half, one, rounding = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1e-6)
    nearest[:] = -1
    depth[:] = -1e9
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, z1 = points[b, 0], points[b, 1], points[b, 2]
        x2, y2, z2 = points[c, 0], points[c, 1], points[c, 2]
        one_way, other_way = (x1 - x0) * (y2 - y0), (x2 - x0) * (y1 - y0)
        area = one_way - other_way
        if area >= -rounding * (abs(one_way) + abs(other_way)):
            continue
        left = max(0, int(np.ceil(min(x0, x1, x2) - half)))
        right = min(width - 1, int(np.floor(max(x0, x1, x2) - half)))
        top = max(0, int(np.ceil(min(y0, y1, y2) - half)))
        bottom = min(height - 1, int(np.floor(max(y0, y1, y2) - half)))
        # Barycentric weights are linear in x and y: at (left, top), and their steps to the right and down.
        inverse = one / area
        px, py = np.float32(left) + half, np.float32(top) + half
        start0 = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) * inverse
        start1 = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) * inverse
        right0, right1 = (y1 - y2) * inverse, (y2 - y0) * inverse
        down0, down1 = (x2 - x1) * inverse, (x0 - x2) * inverse
        for y in range(top, bottom + 1):
            w0, w1 = start0, start1
            start0 += down0
            start1 += down1
            for x in range(left, right + 1):
                w2 = one - w0 - w1
                if w0 >= zero and w1 >= zero and w2 >= zero:
                    z = w0 * z0 + w1 * z1 + w2 * z2
                    if z > depth[y, x]:
                        depth[y, x] = z
                        nearest[y, x] = t
                        place[y, x, 0] = w0
                        place[y, x, 1] = w1
                w0 += right0
                w1 += right1


@numba.njit(cache=True, fastmath=True)
def _texel(paint: Floats, u: np.float32, v: np.float32, channel: int) -> np.float32:
    """Bilinear sample of ``paint`` at column ``u`` and row ``v``; 1 outside."""
    column, row = int(u), int(v)
    if column < 0 or row < 0 or column >= paint.shape[1] - 1 or row >= paint.shape[0] - 1:
        return np.float32(1)
    right, down = u - np.float32(column), v - np.float32(row)
    a, b = paint[row, column, channel], paint[row, column + 1, channel]
    c, d = paint[row + 1, column, channel], paint[row + 1, column + 1, channel]
    above, below = a + right * (b - a), c + right * (d - c)
    return above + down * (below - above)


@numba.njit(cache=True, fastmath=True)
def shade(
    nearest: Ints,
    place: Floats,
    triangles: Ints,
    normals: Floats,
    colours: Floats,
    gloss: Floats,
    uv: Floats,
    paint: Floats,
    light: Floats,
    picture: Floats,
) -> None:
    """Light every pixel that `rasterize` filled; the others keep what the picture holds.

    Args:
        nearest: ``(H, W)`` from `rasterize`.
        place: ``(H, W, 2)`` from `rasterize`.
        triangles: as in `Surface`, and so the next five.
        normals: ``(V, 3)``.
        colours: ``(V, C)``.
        gloss: ``(V,)``.
        uv: ``(V, 2)``.
        paint: ``(h, w, C)``.
        light: ``(9,)`` lamp direction, half-way direction (both of length one), lamp, sky, wrap.
        picture: ``(H, W, C)`` written, 1 is white.
    """
    zero, one = np.float32(0), np.float32(1)
    lamp, sky, wrap = light[6], light[7], light[8]
    spread = lamp / (one + wrap)
    for y in range(nearest.shape[0]):
        for x in range(nearest.shape[1]):
            t = nearest[y, x]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            w0, w1 = place[y, x, 0], place[y, x, 1]
            w2 = one - w0 - w1
            nx = w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0]
            ny = w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1]
            nz = w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2]
            inverse = one / np.float32(np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-6))
            nx, ny, nz = nx * inverse, ny * inverse, nz * inverse
            facing = nx * light[0] + ny * light[1] + nz * light[2]
            bright = max(zero, facing + wrap) * spread + sky * (np.float32(0.75) + np.float32(0.25) * ny)
            shine = max(zero, nx * light[3] + ny * light[4] + nz * light[5])
            for _ in range(GLOSS_POWER):
                shine *= shine
            shine *= lamp * (w0 * gloss[a] + w1 * gloss[b] + w2 * gloss[c])
            u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
            v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
            for k in range(picture.shape[2]):
                albedo = w0 * colours[a, k] + w1 * colours[b, k] + w2 * colours[c, k]
                picture[y, x, k] = albedo * _texel(paint, u, v, k) * bright + shine


class Canvas:
    """Buffers for pictures of one size, used again for every frame."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        """Allocate buffers for ``(height, width, channels)`` pictures."""
        self.picture: Floats = np.zeros((height, width, channels), np.float32)
        self._nearest: Ints = np.full((height, width), -1, np.int32)
        self._place: Floats = np.zeros((height, width, 2), np.float32)
        self._depth: Floats = np.zeros((height, width), np.float32)

    @property
    def drawn(self) -> Flags:
        """``(height, width)`` True where the last frame drew a triangle."""
        return self._nearest >= 0

    def draw(self, points: Floats, surface: Surface, light: Light) -> Floats:
        """Draw over what the picture holds; ``points`` ``(V, 3)`` in pixels and depth as in `rasterize`."""
        rasterize(points, surface.triangles, self._nearest, self._place, self._depth)
        shade(
            self._nearest,
            self._place,
            surface.triangles,
            surface.normals,
            surface.colours,
            surface.gloss,
            surface.uv,
            surface.paint,
            _packed(light),
            self.picture,
        )
        return self.picture


def _packed(light: Light) -> Floats:
    direction = np.array(light.direction, np.float32)
    direction /= np.linalg.norm(direction)
    half = direction + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half) + 1e-6
    return np.array([*direction, *half, light.lamp, light.sky, light.wrap], np.float32)


def openness(vertices: Floats, triangles: Ints, *, directions: int = 24, size: int = 160) -> Floats:
    """How much of the sky each vertex sees, ``(V,)`` in [0, 1]: what lies in a fold or a nostril sees little.

    The sky is sampled in directions spread evenly over the front half of a sphere (a golden spiral); from
    each the whole head is rasterised and a vertex counts if nothing lies before it.
    """
    centred = vertices - (vertices.max(0) + vertices.min(0)) / 2
    scale = 0.48 * size / float(np.linalg.norm(centred, axis=1).max())
    normals = np.zeros_like(centred)
    vertex_normals(centred, triangles, normals)
    nearest, place = np.empty((size, size), np.int32), np.empty((size, size, 2), np.float32)
    depth = np.empty((size, size), np.float32)
    seen, possible = np.zeros(len(vertices), np.float32), np.full(len(vertices), 1e-3, np.float32)
    for view in _sky_views(directions):
        points = centred @ view.T
        points[:, 0] = points[:, 0] * scale + size / 2
        points[:, 1] = size / 2 - points[:, 1] * scale
        rasterize(points, triangles, nearest, place, depth)
        columns, rows = points[:, 0].astype(int), points[:, 1].astype(int)
        facing = np.maximum(normals @ view[2], 0)
        possible += facing
        seen += facing * (points[:, 2] > depth[rows, columns] - 2.5 / scale)
    return np.asarray(np.clip(seen / possible, 0, 1), np.float32)


@lru_cache(maxsize=4)
def _sky_views(count: int) -> Floats:
    """``(count, 3, 3)`` rows right, up and forward of cameras spread over the front half of a sphere."""
    z = 1 - (np.arange(count) + 0.5) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    forward = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], 1)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(forward, right), forward], 1).astype(np.float32)
