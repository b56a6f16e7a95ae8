"""What is recorded plays again: the same ticks, in step, whatever was missing."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from hearsight.capture import read_chunks
from hearsight.capture.recording import Recorder
from hearsight.errors import MediaError
from hearsight.types import Chunk
from tests.capture.media import Audio, Video, write
from tests.capture.reading import read


def record(path: Path, chunks) -> Path:
    with Recorder(path) as recorder:
        for chunk in chunks:
            recorder.write(chunk)
    return path


def chunk_of(start: int, pictures: list, loud: bool = True) -> Chunk:
    samples = np.full(640 * len(pictures), 0.25 if loud else 0.0, np.float32)
    return Chunk(start, pictures, samples, np.full(len(pictures), loud))


def grey(level: int, size: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


def test_a_recording_plays_as_it_was_captured(tmp_path):
    clip = write(tmp_path / "clip.mkv", Video(), Audio())
    original = read(clip)
    again = read(record(tmp_path / "again.mkv", read_chunks(clip, ticks=3)))
    assert len(again) == len(original) == 50
    assert again.video_present.all() and again.audio_present.all()
    assert again.flashes == original.flashes
    np.testing.assert_allclose(again.samples, original.samples, atol=1 / 16_000)
    for picture, expected in zip(again.pictures, original.pictures, strict=True):
        assert picture is not None and expected is not None
        assert np.abs(picture.astype(int) - expected).mean() < 3


def test_missing_pictures_and_sound_leave_the_rest_in_step(tmp_path):
    pictures = [grey(96)] * 25 + [None] * 50 + [grey(255)] * 25
    chunks = [chunk_of(k, pictures[k : k + 4], loud=k < 40 or k >= 60) for k in range(0, 100, 4)]
    again = read(record(tmp_path / "holes.mkv", chunks))
    assert len(again) == 100
    assert again.flashes == [75 / 25]
    assert again.video_present[:25].all() and again.video_present[75:].all()
    # The last picture stands for half a second.
    assert not again.video_present[40:75].any()
    heard = np.abs(again.samples).reshape(-1, 640).mean(axis=1) > 0.2
    assert heard.tolist() == [True] * 40 + [False] * 20 + [True] * 40


def test_pictures_may_come_later_than_sound(tmp_path):
    pictures = [None] * 75 + [grey(200)] * 25
    again = read(record(tmp_path / "late.mkv", [chunk_of(k, pictures[k : k + 5]) for k in range(0, 100, 5)]))
    assert np.flatnonzero(again.video_present)[0] == 75
    assert again.audio_present.all()


def test_sound_alone_is_recorded_without_pictures(tmp_path):
    chunks = [chunk_of(k, [None] * 25) for k in range(0, 500, 25)]
    path = record(tmp_path / "sound.mkv", chunks)
    assert len(read(path)) == 500
    with av.open(str(path)) as container:
        assert not container.streams.video


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (96, 128), (64, 48)])
def test_another_size_in_the_middle_is_fitted(size, tmp_path):
    chunks = [chunk_of(0, [grey(90)] * 10), chunk_of(10, [grey(90, size)] * 10)]
    again = read(record(tmp_path / "sizes.mkv", chunks))
    assert {picture.shape for picture in again.pictures if picture is not None} == {(48, 64, 3)}
    assert again.video_present.all()


def test_odd_sizes_are_recorded(tmp_path):
    again = read(record(tmp_path / "odd.mkv", [chunk_of(0, [grey(90, (47, 63))] * 10)]))
    assert again.video_present.all()


def test_what_was_recorded_before_a_crash_plays(tmp_path):
    recorder = Recorder(tmp_path / "crash.mkv")
    for start in range(0, 500, 5):
        recorder.write(chunk_of(start, [grey(start % 256)] * 5))
    (tmp_path / "copy.mkv").write_bytes((tmp_path / "crash.mkv").read_bytes())
    recorder.close()
    assert len(read(tmp_path / "copy.mkv")) > 400
    assert len(read(tmp_path / "crash.mkv")) == 500


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path):
    with pytest.raises(MediaError, match=r"no-such-folder.*cannot be written"):
        Recorder(tmp_path / "no-such-folder" / "talk.mkv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_said():
    recorder = Recorder("/dev/full")
    with pytest.raises(MediaError, match=r"/dev/full cannot be written .*space"):
        for start in range(0, 1_000, 5):
            recorder.write(chunk_of(start, [grey(start % 256)] * 5))
    recorder.close()


def test_a_recording_of_nothing_is_closed(tmp_path):
    assert record(tmp_path / "nothing.mkv", []).exists()


def test_memory_does_not_grow_with_the_recording(tmp_path):
    process, memory = psutil.Process(), []
    with Recorder(tmp_path / "long.mkv") as recorder:
        for start in range(0, 6_000, 20):
            pictures = [grey((start + k) % 256, (120, 160)) for k in range(20)]
            recorder.write(chunk_of(start, [None] * 20 if 2_000 < start < 4_000 else pictures))
            if start % 400 == 0:
                memory.append(process.memory_info().rss / 1e6)
    assert max(memory[4:]) - memory[4] < 8.0
