"""Random people: the shape of the head, the colours of its parts, and what is painted on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hearsight.lab.synth.arrays import Floats
from hearsight.lab.synth.head import (
    LEFT_EYE,
    LOWER_TEETH,
    RIGHT_EYE,
    SKIN,
    TONGUE,
    UPPER_TEETH,
    HeadMesh,
)
from hearsight.lab.synth.paint import AXIS, Look, chart, paint, scalp
from hearsight.lab.synth.render import openness

CLOSING = 0.344
"""Decimetres by which face unit mouthClose brings the lips together at weight 1 (measured on the mesh)."""
_OPPOSITES = (
    ("incr", "decr"),
    ("in", "out"),
    ("up", "down"),
    ("forward", "backward"),
    ("concave", "convex"),
    ("compress", "uncompress"),
)
_SPREADS = {
    "mouth": 0.35,
    "nose": 0.35,
    "chin": 0.35,
    "neck": 0.16,
    "ears": 0.16,
    "forehead": 0.16,
    "eyes": 0.16,
}
"""Deviation of the weights of identity targets, by folder; 0.4 for the others."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One person.

    Attributes:
        vertices: ``(V, 3)`` at rest.
        colours: ``(V, 3)`` albedo, RGB, 1 is white, darkened where little light comes in.
        gloss: ``(V,)`` strength of highlights.
        uv: ``(V, 2)`` column and row in ``paint``; negative where nothing is painted.
        paint: ``(h, w, 3)`` factors on the albedo.
        rest: ``(U,)`` face-unit weights at which this face has its lips closed and nothing to say.
    """

    vertices: Floats
    colours: Floats
    gloss: Floats
    uv: Floats
    paint: Floats
    rest: Floats


def sample_identity(mesh: HeadMesh, rng: np.random.Generator, *, male: bool | None = None) -> Identity:
    """Draw a person; the same generator state gives the same person.

    Args:
        mesh: the head.
        rng: source of chance.
        male: whether the person is to be a man, None for either.
    """
    sex = (
        rng.random() if male is None else float(np.clip((0.85 if male else 0.15) + rng.normal(0, 0.1), 0, 1))
    )
    origins = rng.dirichlet([0.5, 0.5, 0.7])  # African, Asian, Caucasian
    vertices = _shape(mesh, rng, sex, origins)
    look = _sample_look(rng, origins, bearded=sex > 0.6)
    rest = _rest(mesh, vertices, rng)
    colours, gloss = _colours(mesh, rng, look.skin, lipstick=sex < 0.4 and rng.random() < 0.25)
    colours *= _folds(mesh, vertices, rest)[:, None]
    _style_hair(mesh, vertices, rng, look)
    return Identity(vertices, colours, gloss, _chart(mesh), paint(look, rng), rest)


_chart = lru_cache(maxsize=2)(chart)


def _shape(mesh: HeadMesh, rng: np.random.Generator, sex: float, origins: NDArray[np.float64]) -> Floats:
    old = rng.random() ** 2
    weights = np.zeros(len(mesh.target_names), np.float32)
    index = {name: i for i, name in enumerate(mesh.target_names)}
    for origin, share in zip(("african", "asian", "caucasian"), origins, strict=True):
        for gender, part in (("female", 1 - sex), ("male", sex)):
            for age, portion in (("young", 1 - old), ("old", old)):
                weights[index[f"macrodetails/{origin}-{gender}-{age}"]] = share * part * portion
    for low, high in _target_pairs(mesh.target_names):
        name = mesh.target_names[low]
        spread = 0.16 if "trans" in name else _SPREADS.get(name.split("/")[0], 0.4)
        # Half of the targets, each side of the face by itself: no face is symmetric.
        value = rng.normal(0, spread) if rng.random() < 0.5 else 0.0
        weights[low if value < 0 else high] += min(abs(value), 1.0)
    vertices = mesh.vertices + np.tensordot(weights, mesh.targets, 1)
    # The mesh's own upper teeth end above the lip; in most people some of them shows while they speak.
    labels = mesh.vertex_labels()
    vertices[labels == UPPER_TEETH, 1] -= rng.uniform(0.02, 0.09)
    vertices[labels == LOWER_TEETH, 1] += rng.uniform(-0.01, 0.03)
    return np.asarray(vertices, np.float32)


@lru_cache(maxsize=2)
def _target_pairs(names: tuple[str, ...]) -> list[tuple[int, int]]:
    """Index pairs of opposite targets (the same index twice where a target has no opposite)."""
    index = {name: i for i, name in enumerate(names)}
    pairs: list[tuple[int, int]] = []
    seen: set[str] = set()
    for name, i in index.items():
        if name.startswith("macrodetails") or "breast" in name or "trunk" in name or name in seen:
            continue
        other = i
        for a, b in _OPPOSITES:
            for one, two in ((a, b), (b, a)):
                if name.endswith("-" + one) and name.removesuffix(one) + two in index:
                    other = index[name.removesuffix(one) + two]
        seen |= {name, names[other]}
        pairs.append((i, other))
    return pairs


def _sample_look(rng: np.random.Generator, origins: NDArray[np.float64], *, bearded: bool) -> Look:
    tones = np.array([[0.36, 0.24, 0.18], [0.74, 0.56, 0.42], [0.80, 0.60, 0.50]])
    black, brown, fair, grey = [0.06, 0.05, 0.045], [0.2, 0.12, 0.07], [0.5, 0.36, 0.2], [0.5, 0.49, 0.47]
    european = origins[2] > 0.45
    hair = [black, brown, brown, fair, grey][rng.integers(5)] if european else black
    irises = [[0.2, 0.12, 0.07], [0.12, 0.08, 0.05], [0.25, 0.35, 0.45], [0.3, 0.33, 0.2]]
    grows = bearded and rng.random() < 0.6
    full = grows and rng.random() < 0.35
    return Look(
        skin=((origins @ tones) * rng.uniform(0.85, 1.15) * rng.uniform(0.97, 1.03, 3)).astype(np.float32),
        hair=np.array(hair, np.float32),
        iris=np.array(irises[rng.integers(4) if european else rng.integers(2)], np.float32),
        shirt=(rng.uniform(0.08, 0.6) + rng.uniform(-0.08, 0.12, 3)).clip(0.03, 0.8).astype(np.float32),
        beard=rng.uniform(0.5, 0.9) if full and rng.random() < 0.8 else 0.0,
        moustache=rng.uniform(0.5, 0.9) if full else 0.0,
        stubble=rng.uniform(0.05, 0.35) if grows else 0.0,
        brows=rng.uniform(0.5, 0.95),
        hairline=rng.uniform(-0.08, 0.35 if bearded else 0.08),
        cover=0.97 if rng.random() < 0.9 else rng.uniform(0.0, 0.5),
    )


def _colours(
    mesh: HeadMesh, rng: np.random.Generator, skin: Floats, *, lipstick: bool
) -> tuple[Floats, Floats]:
    labels, lips, inside = mesh.vertex_labels(), mesh.masks[:, :1], mesh.masks[:, 1:2]
    lip_tone = skin * np.array([0.93, 0.66, 0.68]) * rng.uniform(0.8, 1.1)
    if lipstick:
        lip_tone = np.array([0.6, 0.16, 0.2]) * rng.uniform(0.6, 1.2)
    colours = skin * (1 - lips) + lip_tone * lips
    colours = colours * (1 - inside) + np.array([0.3, 0.1, 0.09]) * inside
    teeth = (labels == UPPER_TEETH) | (labels == LOWER_TEETH)
    eyes = (labels == LEFT_EYE) | (labels == RIGHT_EYE)
    colours[teeth] = np.array([0.86, 0.83, 0.74]) * rng.uniform(0.75, 1.05)
    colours[labels == TONGUE] = np.array([0.62, 0.3, 0.28]) * rng.uniform(0.8, 1.1)
    colours[eyes] = [0.85, 0.83, 0.81]
    gloss = np.full(len(labels), rng.uniform(0.01, 0.1), np.float32)
    gloss += mesh.masks[:, 0] * np.float32(rng.uniform(0.02, 0.15))
    gloss[teeth | (labels == TONGUE)] = rng.uniform(0.03, 0.2)
    gloss[eyes] = 0.6
    return colours.astype(np.float32), gloss


def _folds(mesh: HeadMesh, vertices: Floats, rest: Floats) -> Floats:
    """Factor ``(V,)`` by which folds and nostrils are darker; what the lips hide is left to the drawing."""
    light = openness(np.asarray(vertices + np.tensordot(rest, mesh.units, 1), np.float32), mesh.triangles)
    factor = 0.35 + 0.65 * np.maximum(light, 0.6 * mesh.masks[:, 0])
    factor[(mesh.vertex_labels() != SKIN) | (mesh.masks[:, 1] > 0.5)] = 1
    return np.asarray(factor, np.float32)


def _style_hair(mesh: HeadMesh, vertices: Floats, rng: np.random.Generator, look: Look) -> None:
    """Lift the scalp by the hair on it, tapering towards the hairline."""
    thickness = rng.uniform(0.03, 0.22) * look.cover
    x, y, z = mesh.vertices.T
    lift = thickness * scalp(look.hairline, 0.12, np.arctan2(x, z - AXIS), y) * (mesh.vertex_labels() == SKIN)
    outwards = mesh.vertices - np.array([0, 7.3, AXIS], np.float32)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    vertices += (lift[:, None] * outwards * rng.uniform(0.85, 1.15, (len(x), 1))).astype(np.float32)


def _rest(mesh: HeadMesh, vertices: Floats, rng: np.random.Generator) -> Floats:
    """Close the gap that the base mesh and the identity leave between the lips, and press a little."""
    drop = mesh.units[mesh.unit_names.index("jawOpen")][:, 1]
    middle = (mesh.masks[:, 0] > 0.5) & (np.abs(mesh.vertices[:, 0]) < 0.005)
    upper, lower = middle & (drop > -0.1), middle & (drop < -0.2)
    gap = float(vertices[upper, 1].min() - vertices[lower, 1].max())
    close = max(gap, 0.0) / CLOSING + 0.03 + rng.uniform(0, 0.03)
    if rng.random() < 0.12:  # some people's lips rest a little apart
        close -= rng.uniform(0, 0.08)
    return mesh.weights(
        mouthClose=close,
        mouthSmile=max(0.0, rng.normal(0, 0.08)),
        mouthFrown=max(0.0, rng.normal(0, 0.06)),
        mouthPress=rng.uniform(0, 0.15),
    )
