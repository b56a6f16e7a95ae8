"""What the benchmarks of live captions count is what they say they count."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from benchmarks import borders, cpu_share, never_worse, silence, soak
from benchmarks.live_input import UnpacedCapture, joined, live_events
from hearsight.capture.files import probe
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.evaluate.word_errors import WordErrors
from hearsight.recognizer import Recognizer
from tests.capture.media import Audio, Video, write
from tests.recognizer.toy_bundle import write_toy_bundle


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("media")
    paths = [write(folder / f"{name}.mkv", Video(), Audio()) for name in "ab"]
    return [Row(path.stem, path, "bin blue", speaker=path.stem) for path in paths]


def test_recordings_are_joined_without_gaps(rows: list[Row]) -> None:
    chunks = list(joined(rows, ticks=4))
    ends = [chunk.start + len(chunk) for chunk in chunks]
    assert [chunk.start for chunk in chunks] == [0, *ends[:-1]]
    assert ends[-1] == 2 * sum(len(chunk) for chunk in joined(rows[:1], ticks=4))


def test_any_chunks_go_through_the_live_path(rows: list[Row], tmp_path: Path) -> None:
    recognizer = Recognizer.load(write_toy_bundle(tmp_path / "toy"))
    assert all(event.emitted is not None for event in live_events(recognizer, joined(rows, ticks=4)))
    capture = UnpacedCapture(joined(rows, ticks=4))
    assert [chunk.start for chunk in capture] and capture.status.audio == "ok"


def test_missed_words_are_counted_by_their_place() -> None:
    said = [["bin", "blue", "now"], ["set", "red", "now"]]
    alone = borders.missed(said, [["blue", "now"], ["set", "now"]])
    assert (alone.first, alone.firsts, alone.other, alone.others) == (1, 2, 1, 4)
    assert borders.missed_in_one(said, ["blue", "now", "set", "now"]) == alone


def test_recordings_are_drawn_again_only_when_all_have_been(rows: list[Row]) -> None:
    drawn = borders.drawn(rows, minutes=0.2, seed=0)
    assert len(drawn) == 4
    assert {row.id for row in drawn[:2]} == {row.id for row in drawn[2:]} == {"a", "b"}


@pytest.mark.parametrize("knocks", [False, True])
def test_a_room_has_its_level_and_the_same_noise_every_time(knocks: bool) -> None:
    noise = silence.room(250, -40.0, knocks=knocks)
    assert noise.shape == (160_000,)
    level = 10 * np.log10(np.mean(np.square(noise)))
    assert level > -39.5 if knocks else level == pytest.approx(-40, abs=0.1)
    assert np.array_equal(noise, silence.room(250, -40.0, knocks=knocks))


@pytest.mark.shared_data
def test_silent_faces_are_those_of_people_before_they_speak(shared_data: Path) -> None:
    [row, *_] = read_manifest(shared_data / "grid" / "manifest.jsonl", splits=["dev_seen"])
    assert row.words
    still = silence.before_speech(row)
    assert 0 < len(still) <= 25 * row.words[0][1]
    shown = list(islice(silence.silent_faces([row]), 2 * len(still)))
    assert all(any(np.array_equal(picture, each) for each in still) for picture in shown)


def test_shifted_pictures_keep_their_number_and_move_by_five() -> None:
    pictures = [np.full((4, 4, 3), tick, np.uint8) for tick in range(60)]
    clip = never_worse.Clip(list(pictures), np.zeros(60 * 640, np.float32), [])
    late, early = never_worse.late(clip), never_worse.early(clip)
    assert [len(late), len(early)] == [60, 60]
    assert late[30] is pictures[25] and early[30] is pictures[35]
    frozen = never_worse.frozen(clip)
    assert np.array_equal(frozen[-1], pictures[24]) and frozen[-1] is not frozen[-2]


def test_the_interval_of_a_difference_is_paired() -> None:
    alone = [WordErrors(1, 6), WordErrors(3, 6)] * 10
    assert never_worse.interval(alone, alone) == (0.0, 0.0)
    worse = [WordErrors(one.errors + 1, 6) for one in alone]
    assert never_worse.interval(worse, alone) == pytest.approx((100 / 6, 100 / 6))


def test_a_recording_is_found_where_it_begins() -> None:
    generator = np.random.default_rng(0)
    sound = generator.normal(0, 1, 8000).astype(np.float32)
    assert soak.found_at(np.concatenate([np.zeros(321, np.float32), sound, sound[:50]]), sound) == 321
    pictures = generator.uniform(0, 255, (40, 12, 16))
    assert soak.shown_at(pictures, pictures[7:30]) == 7


def test_a_webcam_sends_its_size_at_its_rate(rows: list[Row], tmp_path: Path) -> None:
    cpu_share.write_webcam(rows, tmp_path / "webcam.mkv", seconds=1.0, codec="mjpeg")
    info = probe(tmp_path / "webcam.mkv")
    assert (info.width, info.height, info.has_audio) == (640, 480, True)
    assert info.frame_rate == pytest.approx(30)
