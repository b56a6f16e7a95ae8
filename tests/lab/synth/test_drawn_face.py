"""What is drawn is a face to the face path, and the mouth crops are what the face path would have cut."""

from __future__ import annotations

import numpy as np
import pytest

from hearsight.face import FacePath
from hearsight.face.alignment import FOUR_POINTS
from hearsight.lab.synth.crops import MouthArtist, sample_scene
from hearsight.lab.synth.figure import NOSE_DROP, Figure
from hearsight.lab.synth.head import HeadMesh
from hearsight.lab.synth.identity import sample_identity
from hearsight.lab.synth.motion import Camera
from hearsight.lab.synth.render import Canvas, Light
from hearsight.types import Chunk


def portrait(mesh: HeadMesh, seed: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture of a random person, and the four points in it that the crops are aligned by."""
    person = sample_identity(mesh, np.random.default_rng(seed))
    figure = Figure(mesh, person, np.ones(len(mesh.triangles), bool), grey=False)
    shapes, eyes = figure.pose(weights[None], np.zeros((1, 3), np.float32))
    camera, canvas = Camera(11, 190, (360, 350)), Canvas(720, 720, 3)
    canvas.picture[:] = 0.4
    flat, flat_eyes = camera.project(shapes)[0], camera.project(eyes)[0]
    picture = figure.draw(canvas, shapes[0], flat.copy(), Light())
    nose = flat[figure.nose_tip] + [0, NOSE_DROP * camera.scale, 0]
    points = np.stack([*flat_eyes, nose, flat[figure.lips].mean(0)])[:, :2]
    return np.clip(picture * 300, 0, 255).astype(np.uint8), points


@pytest.mark.parametrize("seed", range(8))
def test_the_face_path_finds_the_face_and_its_points_where_they_are(mesh, seed):
    path = FacePath.load()
    picture, points = portrait(mesh, seed, mesh.weights(jawOpen=0.2))
    path.process(Chunk(0, [picture], np.zeros(640, np.float32), np.ones(1, bool)))
    track = path.last[0]
    assert track is not None
    between_eyes = np.linalg.norm(points[1] - points[0])
    off = np.linalg.norm(FOUR_POINTS @ track.landmarks - points, axis=1) / between_eyes
    assert off.max() < 0.2
    assert off[[0, 1, 3]].mean() < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_lips_are_closed_at_rest_and_open_for_a_vowel(mesh, seed):
    drop = mesh.units[mesh.unit_names.index("jawOpen")][:, 1]
    middle = (mesh.masks[:, 0] > 0.5) & (np.abs(mesh.vertices[:, 0]) < 0.005)
    person = sample_identity(mesh, np.random.default_rng(seed))

    def gap(weights: np.ndarray) -> float:
        heights = (person.vertices + np.tensordot(weights, mesh.units, 1))[:, 1]
        return float(heights[middle & (drop > -0.1)].min() - heights[middle & (drop < -0.2)].max())

    assert gap(person.rest) < 0.03
    assert gap(person.rest + mesh.weights(jawOpen=0.5)) > gap(person.rest) + 0.1


def draw(mesh: HeadMesh, seed: int, ticks: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    artist = MouthArtist(mesh, sample_identity(mesh, rng))
    weights = np.linspace(0, 1, ticks)[:, None] * mesh.weights(jawOpen=0.5)
    return artist.draw(weights.astype(np.float32), sample_scene(rng, ticks), rng)


def test_a_seed_draws_the_same_mouth_again_and_another_seed_another(mesh):
    np.testing.assert_array_equal(draw(mesh, 1), draw(mesh, 1))
    assert np.abs(draw(mesh, 1).astype(int) - draw(mesh, 2)).mean() > 5


def test_crops_are_as_bright_as_those_of_people(mesh):
    means = [draw(mesh, seed, 1).mean() for seed in range(20)]
    assert 100 < np.mean(means) < 160  # eleven of GRID's speakers: 95 to 149
    assert min(means) > 40 and max(means) < 230


def test_the_mouth_moves_in_the_middle_of_the_crop(mesh):
    moved = np.zeros((96, 96))
    for seed in range(10):
        crops = draw(mesh, seed).astype(float)
        moved += np.abs(crops[-1] - crops[0])
    columns = np.arange(96)
    assert (moved * columns).sum() / moved.sum() == pytest.approx(48, abs=5)
    assert moved[40:72, 28:68].mean() > 2 * moved[:24].mean()
