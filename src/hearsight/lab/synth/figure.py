"""A part of a person's head that can be posed and drawn: the whole of it, or the mouth's surroundings."""

from __future__ import annotations

import numpy as np

from hearsight.lab.synth.arrays import Flags, Floats
from hearsight.lab.synth.head import LEFT_EYE, RIGHT_EYE, SKIN, HeadMesh
from hearsight.lab.synth.identity import Identity
from hearsight.lab.synth.motion import rotations
from hearsight.lab.synth.render import Canvas, Light, Surface, vertex_normals

LUMA = np.array([[0.299], [0.587], [0.114]], np.float32)
"""Share of red, green and blue in grey (ITU-R BT.601, as OpenCV's)."""
EYE_SPREAD, EYE_DROP, NOSE_DROP = 1.04, 0.012, 0.02
"""The face path sees the eyes further apart than the balls' middles, and eyes and nose tip lower by so many
decimetres (means over 30 drawn people in 4 poses each)."""


def eye_points(mesh: HeadMesh, person: Identity) -> Floats:
    """Right and left eye ``(2, 3)`` where the face path sees them."""
    labels = mesh.vertex_labels()
    balls = np.stack([person.vertices[labels == eye] for eye in (RIGHT_EYE, LEFT_EYE)])
    fronts = balls.mean(1) + np.array([0, -EYE_DROP, np.ptp(balls[..., 2]) / 2])
    middle = fronts.mean(0)
    return np.asarray(middle + (fronts - middle) * EYE_SPREAD, np.float32)


def lip_vertices(mesh: HeadMesh) -> Flags:
    """``(V,)`` True for the lips' outside and inside."""
    return (mesh.masks[:, 0] > 0.5) & (mesh.vertex_labels() == SKIN)


class Figure:
    """Some of the triangles of a person, in a grey or a coloured picture.

    Attributes:
        triangles: ``(F, 3)`` indices into the vertices that are kept.
        lips: indices of the lips' vertices.
        nose_tip: index of the nose's foremost vertex.
        follows: ``(V,)`` how much a vertex turns with the head: 1 on it, 0 on the shoulders.
        eyes: ``(2, 3)`` right and left eye, relative to the head's centre.
    """

    def __init__(self, mesh: HeadMesh, person: Identity, chosen: Flags, *, grey: bool) -> None:
        """Keep the triangles where ``chosen`` ``(F,)`` is True; they must include lips and nose."""
        used, local = np.unique(mesh.triangles[chosen], return_inverse=True)
        self.triangles = local.reshape(-1, 3).astype(np.int32)
        lips, eyes = lip_vertices(mesh), eye_points(mesh, person)
        centre = 0.5 * (eyes.mean(0) + person.vertices[lips].mean(0))
        self.eyes = (eyes - centre).astype(np.float32)
        self.lips = np.nonzero(lips[used])[0]
        middle = (np.abs(mesh.vertices[:, 0]) < 0.01) & (mesh.vertex_labels() == SKIN)
        above = mesh.vertices[:, 1] > mesh.vertices[lips, 1].max() + 0.1
        ridge = np.nonzero((middle & above)[used])[0]
        self._vertices = np.ascontiguousarray(person.vertices[used] - centre, np.float32)
        self.nose_tip = int(ridge[np.argmax(self._vertices[ridge, 2])])
        self.follows = np.clip((mesh.vertices[used, 1] - 5.5) / 0.9, 0, 1)[:, None].astype(np.float32)
        self._rest = person.rest
        moves = mesh.units[:, used].reshape(len(mesh.units), -1)
        self._active = np.abs(moves).max(1) > 1e-4
        self._moves = np.ascontiguousarray(moves[self._active])
        self._colours = np.ascontiguousarray(person.colours[used] @ LUMA if grey else person.colours[used])
        self._paint = np.ascontiguousarray(person.paint @ LUMA if grey else person.paint)
        self._gloss, self._uv = person.gloss[used], person.uv[used]
        self._inner = np.nonzero(((mesh.vertex_labels() > RIGHT_EYE) | (mesh.masks[:, 1] > 0.5))[used])[0]
        self._normals = np.zeros_like(self._vertices)

    def pose(self, weights: Floats, angles: Floats) -> tuple[Floats, Floats]:
        """Move and turn.

        Args:
            weights: ``(T, U)`` face units on top of the person's rest.
            angles: ``(T, 3)`` yaw, pitch and roll in radians.

        Returns:
            The vertices ``(T, V, 3)`` and the eyes ``(T, 2, 3)``, relative to the head's centre.
        """
        active = (weights + self._rest)[:, self._active]
        shapes = self._vertices + (active @ self._moves).reshape(len(weights), -1, 3)
        turns = rotations(angles).transpose(0, 2, 1)
        return shapes @ turns, self.eyes @ turns

    def draw(self, canvas: Canvas, shape: Floats, pixels: Floats, light: Light) -> Floats:
        """Draw one pose over what the canvas holds.

        Args:
            canvas: of one channel for a grey figure, of three for a coloured one.
            shape: ``(V, 3)`` a pose.
            pixels: ``(V, 3)`` the same points in the canvas's pixels, and their depth.
            light: the lamp and the sky.
        """
        vertex_normals(shape, self.triangles, self._normals)
        # Light falls off behind the lips: teeth stay visible, the throat is dark.
        behind = shape[self.lips, 2].max() - shape[self._inner, 2]
        colours = self._colours.copy()
        colours[self._inner] *= np.clip(1.12 - 1.9 * behind, 0.05, 1.0)[:, None]
        surface = Surface(self.triangles, self._normals, colours, self._gloss, self._uv, self._paint)
        return canvas.draw(pixels, surface, light)
