"""The largest face first, then the one that is followed; a lost face is found again."""

from __future__ import annotations

import numpy as np
import pytest

from hearsight.face.tracker import MEMORY_FRAMES


def middle(found) -> np.ndarray:
    return found.landmarks.mean(axis=0)


def test_the_detector_runs_once_for_a_face_that_stays(tracker, face, picture) -> None:
    for step in range(20):
        found = tracker(picture(face(120 + 5 * step, 140, roll=0.02 * step)))
        assert middle(found)[0] == pytest.approx(120 + 5 * step, abs=10)
    assert tracker.detections == 1


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
