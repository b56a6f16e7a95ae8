"""Mouth crops drawn directly, framed as the face path frames those of a video.

Only the triangles round the mouth are drawn, somewhat larger than the crop. The alignment is the face
path's; its four points are the mesh's own, with the face path's measured error and jitter added.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hearsight.face.alignment import MOUTH, REFERENCE, WINDOW_FRAMES
from hearsight.lab.synth.arrays import Floats, Pixels, blurred, shrunk
from hearsight.lab.synth.figure import NOSE_DROP, Figure, eye_points, lip_vertices
from hearsight.lab.synth.head import TONGUE, HeadMesh
from hearsight.lab.synth.identity import Identity
from hearsight.lab.synth.motion import Camera, wander
from hearsight.lab.synth.render import Canvas, Light
from hearsight.types import CROP_SIZE

SUPERSAMPLE = 1.5
"""The drawing is this many times larger than the crop, to smooth its edges."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about a clip that is neither the person nor the words.

    Attributes:
        camera: lens and distance.
        light: lamp and sky.
        angles: ``(T, 3)`` yaw, pitch, roll of the head in radians.
        shifts: ``(T, 2)`` movement of the head in the picture, in pixels.
        point_error: ``(T, 4, 2)`` error of the four points of the alignment, in pixels.
        brightness: mean of the face that the camera's exposure aims at, 1 is white.
        gamma: exponent from light to pixel values.
        blur: deviation of the lens's and the codec's blur in pixels of the crop.
        grain: deviation of the noise in grey levels.
        quality: JPEG quality that stands for the codec.
        backdrop: grey behind the head, 1 is white.
    """

    camera: Camera
    light: Light
    angles: Floats
    shifts: Floats
    point_error: Floats
    brightness: float
    gamma: float
    blur: float
    grain: float
    quality: int
    backdrop: float


def sample_scene(rng: np.random.Generator, ticks: int) -> Scene:
    """Draw pose, camera, light and picture quality for a clip of so many ticks."""
    liveliness = float(np.exp(rng.normal(-0.6, 0.6)))
    pose = rng.normal(0, [0.14, 0.1, 0.05])
    angles = pose + liveliness * wander(rng, ticks, (0.03, 0.03, 0.015), rng.uniform(5, 14))
    light = Light(
        (rng.normal(0, 0.4), rng.uniform(-0.2, 0.8), rng.uniform(0.7, 1.0)),
        lamp=rng.uniform(0.35, 0.75),
        sky=rng.uniform(0.35, 0.8),
        wrap=rng.uniform(0.25, 0.7),
    )
    # A person's own landmarks are off by a pixel or so all along; they drift a little and tremble less.
    error = rng.normal(0, 1.0, 8) + wander(rng, ticks, (0.25,) * 8, 5.0) + rng.normal(0, 0.1, (ticks, 8))
    return Scene(
        Camera(rng.uniform(6, 16), rng.uniform(60, 110), (0.0, 0.0)),
        light,
        angles.astype(np.float32),
        liveliness * wander(rng, ticks, (2.5, 2.0), 8.0),
        error.reshape(ticks, 4, 2).astype(np.float32),
        brightness=float(np.clip(rng.normal(0.52, 0.09), 0.28, 0.7)),
        gamma=float(np.exp(rng.normal(0, 0.15))),
        blur=rng.uniform(0.5, 1.2),
        grain=rng.uniform(0.3, 1.8),
        quality=int(rng.integers(55, 96)),
        backdrop=rng.uniform(0, 0.7),
    )


class MouthArtist:
    """Draws the mouths of one person."""

    def __init__(self, mesh: HeadMesh, person: Identity) -> None:
        """Cut the part of the head that a crop can show."""
        right, left = eye_points(mesh, person)
        between = float(np.linalg.norm(left - right))
        offset = person.vertices - person.vertices[lip_vertices(mesh)].mean(0)
        away = np.abs(offset)
        near = (away[:, 0] < 1.35 * between) & (away[:, 1] < 1.4 * between) & (offset[:, 2] > -1.9 * between)
        chosen = near[mesh.triangles].any(1) & (mesh.labels <= TONGUE)
        self._figure = Figure(mesh, person, chosen, grey=True)
        side = round(CROP_SIZE * SUPERSAMPLE)
        self._canvas = Canvas(side, side, 1)

    def draw(self, weights: Floats, scene: Scene, rng: np.random.Generator) -> Pixels:
        """Crops ``(T, 96, 96)`` for face-unit weights ``(T, U)``; ``rng`` draws the grain."""
        shapes, eyes = self._figure.pose(weights, scene.angles)
        flat, flat_eyes = scene.camera.project(shapes), scene.camera.project(eyes)
        flat[..., :2] += scene.shifts[:, None]
        flat_eyes[..., :2] += scene.shifts[:, None]
        nose, lips = flat[:, self._figure.nose_tip], flat[:, self._figure.lips].mean(1)
        nose = nose + np.array([0, NOSE_DROP * scene.camera.scale, 0], np.float32)
        points = np.stack([flat_eyes[:, 0], flat_eyes[:, 1], nose, lips], 1)[..., :2]
        maps = alignments(points + scene.point_error) * np.float32(SUPERSAMPLE)
        crops = np.empty((len(weights), CROP_SIZE, CROP_SIZE), np.uint8)
        finish = Finish(scene, rng)
        for tick, (shape, pixels, to_crop) in enumerate(zip(shapes, flat, maps, strict=True)):
            pixels[:, :2] = pixels[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
            self._canvas.picture[:] = scene.backdrop
            picture = self._figure.draw(self._canvas, shape, pixels, scene.light)
            face = float(picture[self._canvas.drawn].mean())
            crops[tick] = finish(shrunk(picture, CROP_SIZE, CROP_SIZE), face)
        return crops


def alignments(points: Floats) -> Floats:
    """Maps ``(T, 2, 3)`` from picture to crop for four points ``(T, 4, 2)``.

    The same as `hearsight.face.alignment.Aligner`, all frames at once.
    """
    total = np.concatenate([np.zeros((1, 4, 2)), np.cumsum(points, 0, dtype=np.float64)])
    last = np.arange(1, len(points) + 1)
    first = np.maximum(last - WINDOW_FRAMES, 0)
    shape = (total[last] - total[first]) / (last - first)[:, None, None]
    shape += points.mean(1, keepdims=True) - shape.mean(1, keepdims=True)
    # Least-squares similarity (Umeyama, 1991): in the plane, one complex factor and an offset.
    source, target = shape @ [1, 1j], REFERENCE @ [1, 1j]
    centred = source - source.mean(1, keepdims=True)
    turn = (centred.conj() @ (target - target.mean())) / (np.abs(centred) ** 2).sum(1)
    offset = target.mean() - turn * source.mean(1)
    mouth = turn * source[:, MOUTH] + offset
    offset -= np.round(mouth.real - CROP_SIZE / 2) + 1j * np.round(mouth.imag - CROP_SIZE / 2)
    rows = [[turn.real, -turn.imag, offset.real], [turn.imag, turn.real, offset.imag]]
    return np.moveaxis(np.array(rows, np.float32), 2, 0)


class Finish:
    """What camera and codec do to a drawn crop: exposure, blur, grain, compression."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        """Take strengths from the scene and the grain's chance from the generator."""
        self._scene, self._rng = scene, rng
        noise = blurred(rng.standard_normal((2 * CROP_SIZE, 2 * CROP_SIZE), np.float32), 0.7)
        self._grain = noise * np.float32(scene.grain / noise.std())
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, scene.quality]
        self._gain: float | None = None

    def __call__(self, picture: Floats, face: float) -> Pixels:
        """Pixels ``(96, 96)`` uint8 of drawn light ``(96, 96)``, whose mean on the face is ``face``."""
        scene = self._scene
        if self._gain is None:  # the camera sets its exposure once, on the first frame
            self._gain = scene.brightness ** (1 / scene.gamma) / max(face, 1e-3)
        exposed = 255 * np.clip(picture * np.float32(self._gain), 0, 1) ** np.float32(scene.gamma)
        soft = blurred(exposed, scene.blur)
        top, left = self._rng.integers(CROP_SIZE, size=2)
        grain = self._grain[top : top + CROP_SIZE, left : left + CROP_SIZE]
        _, data = cv2.imencode(".jpg", np.clip(soft + grain, 0, 255).astype(np.uint8), self._quality)
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
