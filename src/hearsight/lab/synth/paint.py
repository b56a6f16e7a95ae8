"""What is painted on a head: blotches, pores, spots, brows, beard, hair, shirt, teeth and irises.

The skin is painted on a cylinder round the base mesh at rest: a column is an angle, a row a height. So a
beard sits on every chin whatever its shape, and moves with it. Below the skin's rows lie a few rows with
the gaps between the teeth, and a square with an eye's front.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hearsight.lab.synth.arrays import Floats, blurred
from hearsight.lab.synth.head import LEFT_EYE, LOWER_TEETH, RIGHT_EYE, SKIN, UPPER_TEETH, HeadMesh

SCALE = 128
"""Pixels of the painting per decimetre of the mesh."""
TOP, BOTTOM = 8.6, 4.3
"""Heights between which the skin is painted."""
AXIS = 0.45
"""The cylinder's axis is the vertical at x = 0 and this z."""
RADIUS = 1.05
"""The cylinder's radius: about the distance from the axis to the front of the face."""
HEIGHT, WIDTH = round((TOP - BOTTOM) * SCALE), round(2 * np.pi * RADIUS * SCALE)
TEETH_ROWS, EYE_SIZE = 8, 64
_NOISES_PER_KIND = 3


@dataclass(frozen=True, slots=True)
class Look:
    """Colours of a person (RGB, 1 is white) and what grows on the head, each amount in [0, 1]."""

    skin: Floats
    hair: Floats
    iris: Floats
    shirt: Floats
    beard: float
    moustache: float
    stubble: float
    brows: float
    hairline: float
    cover: float


def chart(mesh: HeadMesh) -> Floats:
    """``(V, 2)`` column and row of every vertex in the painting; negative where nothing is painted."""
    x, y, z = mesh.vertices.T
    labels = mesh.vertex_labels()
    uv = np.stack([(np.arctan2(x, z - AXIS) / np.pi + 1) * WIDTH / 2, (TOP - y) * SCALE], 1)
    uv[(labels != SKIN) | (mesh.masks[:, 1] > 0.5)] = -1
    teeth = (labels == UPPER_TEETH) | (labels == LOWER_TEETH)
    uv[teeth] = np.stack([WIDTH / 2 + x[teeth] * SCALE, np.full(teeth.sum(), HEIGHT + TEETH_ROWS / 2)], 1)
    for eye in (LEFT_EYE, RIGHT_EYE):
        ball = np.nonzero(labels == eye)[0]
        points = mesh.vertices[ball]
        from_middle = (points - (points.max(0) + points.min(0)) / 2) / (np.ptp(points[:, 0]) / 2)
        front = from_middle[:, 2] > -0.2
        place = np.stack([1 + from_middle[:, 0] * 0.96, 1 - from_middle[:, 1] * 0.96], 1) * EYE_SIZE / 2
        uv[ball] = np.where(front[:, None], place, 1.0) + np.array([0, HEIGHT + TEETH_ROWS])
    return uv.astype(np.float32)


def paint(look: Look, rng: np.random.Generator) -> Floats:
    """Factors ``(rows, WIDTH, 3)`` on the vertices' own colours."""
    light = rng.uniform(0.01, 0.03) * _noise(rng, 22, 22) + rng.uniform(0.005, 0.02) * _noise(rng, 6, 6)
    light += rng.uniform(0.01, 0.04) * _noise(rng, 1, 1)
    for _ in range(rng.poisson(8)):
        centre = (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT)))
        cv2.circle(light, centre, int(rng.integers(1, 3)), (-float(rng.uniform(0.1, 0.5)),), -1, cv2.LINE_AA)
    tint = light + 0.02 * _noise(rng, 28, 28)
    hair = np.clip(look.hair / np.maximum(look.skin, 0.05), 0.03, 1.0)
    strands = 1 + 0.25 * _noise(rng, 1, 9)
    crown = look.cover * scalp(look.hairline, 0.0, *_grid(), ragged=_noise(rng, 2, 4))
    cover = np.maximum(np.maximum(_brows(look, rng), _beard(look, rng)), crown)
    shirt, weave = _shirt(rng), 1 + 0.04 * _noise(rng, 1, 1)
    cloth = look.shirt / np.maximum(look.skin, 0.05)
    planes = []
    for channel, blotches in enumerate((light, tint, tint)):
        plane = (1 + blotches) * (1 - cover * (1 - hair[channel] * strands))
        planes.append(np.maximum(plane + shirt * (cloth[channel] * weave - plane), 0.03))
    skin = cv2.merge(planes)
    return np.ascontiguousarray(np.concatenate([skin, _teeth(rng), _eye(look, rng)]), np.float32)


@lru_cache(maxsize=16)
def _noises(sigma_x: float, sigma_y: float) -> tuple[Floats, ...]:
    rng = np.random.default_rng([round(sigma_x * 10), round(sigma_y * 10)])
    made = []
    for _ in range(_NOISES_PER_KIND):
        noise = rng.standard_normal((HEIGHT, WIDTH), np.float32)
        noise = blurred(noise, sigma_x, sigma_y)
        made.append(noise / noise.std())
    return tuple(made)


def _noise(rng: np.random.Generator, sigma_x: float, sigma_y: float) -> Floats:
    """Smooth noise of unit deviation: one of a few fields that are kept, shifted and turned at random."""
    field = _noises(sigma_x, sigma_y)[rng.integers(_NOISES_PER_KIND)]
    field = field[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
    return np.roll(field, (int(rng.integers(HEIGHT)), int(rng.integers(WIDTH))), (0, 1))


@lru_cache(maxsize=1)
def _grid() -> tuple[Floats, Floats]:
    """Angle (0 in front) and height of every pixel of the skin."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return (columns / WIDTH * 2 - 1) * np.float32(np.pi), TOP - rows / SCALE


@lru_cache(maxsize=1)
def _front() -> tuple[Floats, Floats]:
    """The base mesh's x and height of every pixel of the skin; x only means something in front."""
    angle, y = _grid()
    return (RADIUS * np.tan(np.clip(angle, -1.3, 1.3))).astype(np.float32), y


def _edge(value: NDArray[np.floating[Any]], width: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(np.clip(-value / width, -30, 30))), np.float32)


def scalp(hairline: float, softness: float, angle: Floats, y: Floats, ragged: Floats | float = 0.0) -> Floats:
    """Where hair grows on the head, in [0, 1]; ``hairline`` raises its edge in front, in decimetres.

    The edge runs over the forehead, down the temples to before the ears, over them and down to the nape.
    """
    at = np.array([0.0, 0.5, 0.8, 1.05, 1.2, 1.4, 1.9, 2.1, 3.2])
    low = np.array([8.0 + hairline, 7.98 + hairline, 7.75 + hairline / 2, 7.35, 7.1, 7.42, 7.4, 6.8, 6.5])
    above = y - np.interp(np.abs(angle), at, low).astype(np.float32) + np.float32(0.025) * ragged
    return _edge(above - np.float32(softness), 0.012 + softness / 3)


def _brows(look: Look, rng: np.random.Generator) -> Floats:
    x, y = _front()
    across = (np.abs(x) - 0.32) / 0.24
    middle = 7.54 + rng.uniform(-0.02, 0.03) - rng.uniform(0.01, 0.035) * (across - 0.3) ** 2
    thickness = rng.uniform(0.02, 0.045) * np.clip(1.1 - 0.5 * across, 0.3, 1.4)
    shape = np.exp(-(np.clip((y - middle) / thickness, -5, 5) ** 2)) * _edge(1 - np.abs(across), 0.08)
    return np.asarray(look.brows * shape * np.clip(0.8 + 0.25 * _noise(rng, 3, 1), 0, 1), np.float32)


def _beard(look: Look, rng: np.random.Generator) -> Floats:
    if max(look.beard, look.moustache, look.stubble) == 0:
        return np.zeros((HEIGHT, WIDTH), np.float32)
    x, y = _front()
    lips = _edge((x / 0.3) ** 2 + ((y - 6.605) / 0.14) ** 2 - 1, 0.15)
    cheek_line = 6.72 + 0.55 * np.clip(np.abs(x) - 0.35, 0, 1)
    chin = _edge(cheek_line - y, 0.03) * _edge(y - 6.0, 0.04)
    upper = _edge(0.32 - np.abs(x), 0.03) * _edge(y - 6.68, 0.02) * _edge(6.84 - y, 0.02)
    amount = np.maximum(chin * max(look.beard, look.stubble), upper * max(look.moustache, look.stubble))
    return np.asarray(amount * lips * np.clip(0.75 + 0.3 * _noise(rng, 1, 2), 0, 1), np.float32)


def _shirt(rng: np.random.Generator) -> Floats:
    angle, y = _grid()
    collar = 5.82 - rng.uniform(0.12, 0.4) * np.clip(np.cos(angle), 0, 1) ** 2
    return _edge(collar - y, 0.006)


def _teeth(rng: np.random.Generator) -> Floats:
    """Rows ``(TEETH_ROWS, WIDTH, 3)`` with a dark line between neighbouring teeth."""
    x = (np.arange(WIDTH) - WIDTH / 2) / SCALE
    tooth = rng.uniform(0.075, 0.09)
    edge = np.abs((x / tooth + 0.5) % 1 - 0.5) * tooth
    line = 1 - rng.uniform(0.2, 0.5) * np.exp(-((edge / 0.007) ** 2))
    return np.broadcast_to(line[None, :, None], (TEETH_ROWS, WIDTH, 3)).astype(np.float32)


def _eye(look: Look, rng: np.random.Generator) -> Floats:
    """Rows ``(EYE_SIZE, WIDTH, 3)`` whose first square is the front of an eye, drawn as factors on white."""
    rows, columns = np.mgrid[:EYE_SIZE, :EYE_SIZE]
    across, down = (columns + 0.5) * 2 / EYE_SIZE - 1, (rows + 0.5) * 2 / EYE_SIZE - 1
    radius, angle = np.hypot(across, down)[..., None].astype(np.float32), np.arctan2(down, across)[..., None]
    fibres = 1 + 0.2 * np.sin(angle * 23 + 3 * np.sin(angle * 7)) + 0.35 * (radius - 0.35)
    iris = look.iris * fibres * (1 - 0.6 * _edge(radius - 0.41, 0.015))
    pupil = _edge(rng.uniform(0.15, 0.21) - radius, 0.015)
    inside = _edge(0.45 - radius, 0.015)
    front = (iris * (1 - pupil) + 0.02 * pupil) * inside + (1 - 0.25 * radius**2) * (1 - inside)
    square = np.ones((EYE_SIZE, WIDTH, 3), np.float32)
    square[:, :EYE_SIZE] = front
    return square
