"""Pictures go in, steady mouths come out, however they are cut into chunks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hearsight.capture.files import read_chunks
from hearsight.face import FacePath
from hearsight.face.geometry import invert, transform
from hearsight.face.tracker import FaceTracker

SCENE_FRAMES = 40


@pytest.fixture(scope="module")
def scene(face, picture) -> list:
    """A face that moves, nods and speaks; goes away, comes back elsewhere; and two dropped pictures."""
    frames: list = []
    for tick in range(SCENE_FRAMES):
        sway = np.sin(tick / 8)  # quick and steady by turns
        drawn = face(170 + 20 * sway, 140, 90, roll=0.2 * sway, mouth=0.5 + 0.5 * np.sin(tick))
        frames.append(picture(drawn) if tick < 20 or tick > 24 else picture())
    frames[8] = frames[31] = None
    return frames


@given(st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chunking_gives_the_same_crops(path, scene, chunk_of, data) -> None:
    path.reset()
    whole = path.process(chunk_of(scene))
    path.reset()
    parts, start = [], 0
    while start < len(scene):
        ticks = data.draw(st.integers(1, 16))
        parts.append(path.process(chunk_of(scene[start : start + ticks], start)))
        assert parts[-1].start == start
        start += ticks
    assert np.array_equal(np.concatenate([part.pixels for part in parts]), whole.pixels)
    assert np.array_equal(np.concatenate([part.video_present for part in parts]), whole.video_present)


def test_presence_is_told_frame_by_frame_and_absence_is_black(path, scene, chunk_of) -> None:
    crops = path.process(chunk_of(scene))
    absent = np.flatnonzero(~crops.video_present).tolist()
    assert absent in ([8, 20, 21, 22, 23, 24, 31], [8, 21, 22, 23, 24, 31]), "one tick late at most"
    assert not crops.pixels[absent].any()
    assert crops.pixels[crops.video_present].std(axis=(1, 2)).min() > 10
    assert [track is None for track in path.last] == (~crops.video_present).tolist()


def test_looking_at_every_second_frame_hardly_moves_the_mouth(detector, mesh, scene, chunk_of) -> None:
    every, second = (FacePath(FaceTracker(detector, mesh, interval)) for interval in (1, 2))
    expected, found = every.process(chunk_of(scene)), second.process(chunk_of(scene))
    both = np.flatnonzero(expected.video_present & found.video_present)
    assert len(both) > 30
    middle = np.array([48.0, 48.0])
    for tick in both:
        in_picture = transform(invert(every.last[tick].transform), middle)
        assert transform(second.last[tick].transform, in_picture) == pytest.approx(middle, abs=3)


def test_no_face_and_no_picture_are_ordinary(path, picture, chunk_of) -> None:
    crops = path.process(chunk_of([None, picture(), None, picture()], 7))
    assert crops.start == 7
    assert crops.pixels.shape == (4, 96, 96) and crops.pixels.dtype == np.uint8
    assert not crops.video_present.any() and not crops.pixels.any()
    assert len(path.process(chunk_of([]))) == 0


@pytest.mark.parametrize("roll", [-0.9, -0.5, 0.0, 0.5, 0.9])
def test_a_tilted_head_comes_out_straight(path, face, picture, chunk_of, roll) -> None:
    drawn = face(180, 140, 90, roll=roll)
    path.process(chunk_of([picture(drawn)] * 3))
    track = path.last[-1]
    right, left = transform(track.canvas, np.array([drawn.place(-21, -14), drawn.place(21, -14)]))
    assert abs(np.arctan2(*(left - right)[::-1])) < 0.1
    assert transform(track.transform, drawn.mouth_centre) == pytest.approx([48, 48], abs=5)


@pytest.mark.parametrize("times", [2, 6])
def test_a_finer_picture_gives_the_same_mouth(path, face, picture, chunk_of, times) -> None:
    fine = picture(face(180 * times, 140 * times, 90 * times), size=(360 * times, 288 * times))
    coarse = picture(face(180, 140, 90))
    expected = path.process(chunk_of([coarse])).pixels[0].astype(int)
    path.reset()
    crop = path.process(chunk_of([fine])).pixels[0].astype(int)
    assert np.abs(crop - expected).mean() < 8


def test_the_box_holds_the_face(path, face, picture, chunk_of) -> None:
    path.process(chunk_of([picture(face(180, 140, 90))]))
    left, top, right, bottom = path.last[0].box
    assert 120 < left < 145 and 215 < right < 240
    assert 70 < top < 115 and 180 < bottom < 225


@pytest.mark.shared_data
def test_real_speakers_are_seen_in_every_frame(path, shared_data) -> None:
    """One clip of each GRID speaker: no frame is missed, and the detector runs once for each."""
    rows = map(json.loads, (shared_data / "grid" / "manifest.jsonl").read_text("utf-8").splitlines())
    clips = {row["speaker"]: row["media"] for row in rows}
    for media in clips.values():
        path.reset()
        for chunk in read_chunks(shared_data / "grid" / media):
            crops = path.process(chunk)
            seen = np.array([frame is not None for frame in chunk.frames])
            assert crops.video_present[seen].all(), media
            numbers = {track.number for track in path.last if track is not None}
            assert numbers <= {0}, media
