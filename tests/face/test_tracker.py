"""The largest face first, then the one that is followed; a lost face is found again."""

from __future__ import annotations

import numpy as np
import pytest

from hearsight.face.mesh import FaceMesh
from hearsight.face.path import FacePath
from hearsight.face.tracker import MEMORY_FRAMES, FaceTracker
from hearsight.types import Chunk


class CountingMesh(FaceMesh):
    """Counts how often it looks."""

    looks = 0

    def __call__(self, picture, region):
        self.looks += 1
        return super().__call__(picture, region)


def middle(found) -> np.ndarray:
    return found.landmarks.mean(axis=0)


def test_the_detector_runs_once_for_a_face_that_stays(tracker, face, picture) -> None:
    for step in range(20):
        found = tracker(picture(face(120 + 5 * step, 140, roll=0.02 * step)))
        assert middle(found)[0] == pytest.approx(120 + 5 * step, abs=10)
    assert tracker.detections == 1


@pytest.mark.parametrize(("interval", "looks"), [(1, 20), (2, 11), (3, 8)])
def test_the_mesh_looks_at_a_steady_face_every_few_frames(detector, face, picture, interval, looks) -> None:
    mesh = CountingMesh.load()
    tracker = FaceTracker(detector, mesh, interval)
    for step in range(20):
        found = tracker(picture(face(120 + step, 140)))
        assert middle(found)[0] == pytest.approx(120 + step, abs=3)
    assert mesh.looks == looks


def test_how_often_the_mesh_looks_may_change_while_a_face_is_followed(detector, face, picture) -> None:
    mesh = CountingMesh.load()
    path, before = FacePath(FaceTracker(detector, mesh)), 0
    for step in range(40):
        path.mesh_interval = 2 if step < 20 else 4
        path.process(
            Chunk(step, [picture(face(120 + step, 140))], np.zeros(640, np.float32), np.ones(1, bool))
        )
        before = mesh.looks if step < 20 else before
    assert path.mesh_interval == 4 and before == 11 and mesh.looks == before + 5


def test_the_mesh_looks_at_a_quick_face_in_every_frame(detector, face, picture) -> None:
    mesh = CountingMesh.load()
    tracker = FaceTracker(detector, mesh)
    for step in range(20):
        tracker(picture(face(60 + 10 * step, 140)))
    assert mesh.looks == 20


def test_a_picture_that_stands_for_two_ticks_is_looked_at_once(detector, face, picture) -> None:
    """So are videos of few frames a second, and no motion is seen in them where there is none."""
    mesh = CountingMesh.load()
    tracker = FaceTracker(detector, mesh, 1)
    for step in range(10):
        shown = picture(face(120 + 2 * step, 140))
        first, again = tracker(shown), tracker(shown)
        assert step == 0 or again is first
    assert mesh.looks == 11


def test_a_face_that_goes_is_missed_one_frame_late_at_most(tracker, face, picture) -> None:
    for stay in (6, 7):
        tracker.reset()
        for _ in range(stay):
            assert tracker(picture(face(120, 140))) is not None
        tracker(picture())
        assert tracker(picture()) is None


def test_the_largest_face_is_taken_first(tracker, face, picture) -> None:
    found = tracker(picture(face(90, 140, 60), face(260, 140, 90)))
    assert middle(found)[0] == pytest.approx(260, abs=15)


def test_the_followed_face_is_kept_when_a_larger_one_appears(tracker, face, picture) -> None:
    tracker(picture(face(90, 140, 60)))
    for _ in range(5):
        found = tracker(picture(face(90, 140, 60), face(260, 140, 100)))
        assert middle(found)[0] == pytest.approx(90, abs=10)
    assert tracker.detections == 1


def test_a_lost_face_is_found_again_in_the_frame_it_comes_back(tracker, face, picture) -> None:
    assert tracker(picture(face(120, 140))) is not None
    assert tracker(picture()) is None
    assert tracker(picture()) is None
    found = tracker(picture(face(240, 140)))
    assert middle(found)[0] == pytest.approx(240, abs=15)


def test_a_face_that_jumps_is_found_in_the_same_frame(tracker, face, picture) -> None:
    before = tracker(picture(face(70, 140, 70)))
    after = tracker(picture(face(290, 140, 70)))
    assert middle(after)[0] == pytest.approx(290, abs=15)
    assert after.number == before.number + 1


def test_a_face_that_was_covered_for_a_moment_is_taken_up_again_beside_a_larger_one(
    tracker, face, picture
) -> None:
    before = tracker(picture(face(90, 140, 60)))
    for _ in range(3):
        assert tracker(picture()) is None
    after = tracker(picture(face(90, 140, 60), face(260, 140, 100)))
    assert middle(after)[0] == pytest.approx(90, abs=10)
    assert after.number == before.number


def test_a_face_that_was_long_away_is_forgotten(tracker, face, picture) -> None:
    before = tracker(picture(face(90, 140, 60)))
    for _ in range(MEMORY_FRAMES + 1):
        assert tracker(picture()) is None
    after = tracker(picture(face(90, 140, 60), face(260, 140, 100)))
    assert middle(after)[0] == pytest.approx(260, abs=15)
    assert after.number == before.number + 1


def test_a_face_that_leaves_the_picture_is_let_go(tracker, face, picture) -> None:
    found = [tracker(picture(face(180 + 12 * step, 140))) for step in range(25)]
    assert found[5] is not None
    assert found[-1] is None


def test_pictures_may_change_their_size(tracker, face, picture) -> None:
    small = tracker(picture(face(90, 140, 60)))
    large = tracker(picture(face(180, 280, 120), size=(720, 576)))
    assert middle(large)[0] == pytest.approx(180, abs=15)
    assert large.number == small.number + 1


def test_a_missing_picture_is_not_a_missing_face(tracker, face, picture) -> None:
    before = tracker(picture(face(180, 140)))
    assert tracker(None) is None
    after = tracker(picture(face(183, 140)))
    assert after.number == before.number
    assert tracker.detections == 1


def test_after_a_reset_it_starts_over(tracker, face, picture) -> None:
    first = tracker(picture(face(90, 140, 60)))
    tracker.reset()
    again = tracker(picture(face(90, 140, 60)))
    assert again.number == first.number == 0
    assert np.array_equal(again.landmarks, first.landmarks)
