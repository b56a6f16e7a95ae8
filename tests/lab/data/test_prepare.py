"""A manifest becomes shards: resumable, in parallel, past broken clips."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hearsight.errors import HearsightError, ManifestError
from hearsight.evaluate.manifest import read_manifest
from hearsight.lab.data.prepare import prepare, read_clip
from hearsight.lab.data.shard_writing import ShardIndex, write_shards
from hearsight.lab.data.shards import Sample, find_shards, read_shards


def write_tone(path: Path, seconds: float = 0.4) -> None:
    """A clip with sound and grey pictures, without a face."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for number in range(round(seconds * 25)):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
            picture.pts = number
            container.mux(video.encode(picture))
        times = np.arange(round(seconds * 16_000)) / 16_000
        pulses = (8000 * np.sin(2 * np.pi * 200 * times)).astype(np.int16)[np.newaxis]
        sound = av.AudioFrame.from_ndarray(pulses, format="s16", layout="mono")
        sound.sample_rate = 16_000
        container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))


def write_manifest(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "speaker": "s1", "media": f"{id}.mkv", "text": "set red", "split": "train", **more}


def test_a_clip_without_a_face_keeps_its_sound(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.mkv")
    manifest = write_manifest(tmp_path, [row("a", words=[["set", 0.1, 0.2], ["red", 0.2, 0.4]])])
    prepare(manifest, tmp_path / "out")
    (sample,) = read_shards(find_shards(tmp_path / "out"))
    assert sample.ticks == 10
    assert sample.pixels is None and not sample.video_present.any()
    assert sample.samples is not None and 0.1 < np.abs(sample.samples).max() < 0.3
    assert sample.words == (("set", 0.1, 0.2), ("red", 0.2, 0.4))


def test_broken_clips_are_listed_and_passed_over(tmp_path: Path) -> None:
    write_tone(tmp_path / "good.mkv")
    (tmp_path / "broken.mkv").write_bytes(b"not a film")
    manifest = write_manifest(tmp_path, [row("broken"), row("good"), row("absent")])
    index = prepare(manifest, tmp_path / "out")
    assert [sample.id for sample in read_shards(find_shards(tmp_path / "out"))] == ["good"]
    skipped = {entry["id"]: entry["reason"] for entry in index.skipped}
    assert set(skipped) == {"broken", "absent"}
    assert "broken.mkv" in skipped["broken"] and "absent.mkv" in skipped["absent"]
    kept = json.loads((tmp_path / "out" / "index.json").read_text())
    assert kept["speakers"] == {"s1": 1}
    assert kept["shards"] == [{"name": "clips-000000.tar", "samples": 1, "seconds": 0.4}]


def test_only_the_clips_of_the_split_are_taken(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.mkv")
    manifest = write_manifest(tmp_path, [row("a", split="dev"), row("b")])
    prepare(manifest, tmp_path / "out", split="dev")
    (sample,) = read_shards(find_shards(tmp_path / "out"))
    assert (sample.id, sample.split) == ("a", "dev")
    with pytest.raises(ManifestError, match="no split 'test'"):
        prepare(manifest, tmp_path / "other", split="test")


def test_one_broken_clip_after_another_ends_in_one_sentence(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, [row("a"), row("b")])
    with pytest.raises(HearsightError, match="none of the 2 clips can be used"):
        prepare(manifest, tmp_path / "out")


def test_a_folder_of_other_shards_is_left_alone(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.mkv")
    prepare(write_manifest(tmp_path, [row("a")]), tmp_path / "out")
    with pytest.raises(HearsightError, match="holds shards of another manifest"):
        prepare(write_manifest(tmp_path, [row("a", text="other words")]), tmp_path / "out")


def make_sample(row: dict[str, Any], *, fails_at: str = "") -> Sample:
    if row["id"] == fails_at:
        raise KeyboardInterrupt
    if row.get("broken"):
        raise ZeroDivisionError("an odd clip")
    return Sample(
        id=row["id"], speaker="s", text="", words=None, media="", split=None, pixels=None,
        video_present=np.zeros(25, np.bool_), samples=np.full(16_000, int(row["id"]) / 100, np.float32),
    )  # fmt: skip


ROWS = [(str(number), {"id": str(number), "broken": number == 5}) for number in range(10)]


def write(folder: Path, *, fails_at: str = "", workers: int = 1) -> ShardIndex:
    maker = partial(make_sample, fails_at=fails_at)
    return write_shards(ROWS, maker, folder, made_from={"rows": 1}, clips_per_shard=3, workers=workers)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_run_broken_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    write(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "halting", fails_at="7")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "halting").glob("*.tar")}
    assert [path.name for path in sorted(before)] == ["clips-000000.tar", "clips-000001.tar"]
    write(tmp_path / "halting")
    assert contents(tmp_path / "halting") == contents(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_workers_write_the_same_shards(tmp_path: Path) -> None:
    index = write(tmp_path / "alone")
    assert [shard["samples"] for shard in index.shards] == [3, 2, 3, 1]
    assert index.skipped == [{"id": "5", "reason": "ZeroDivisionError('an odd clip')"}]
    write(tmp_path / "together", workers=2)
    assert contents(tmp_path / "together") == contents(tmp_path / "alone")


def test_a_shard_of_broken_clips_alone_is_not_written_and_not_tried_again(tmp_path: Path) -> None:
    for clips_per_shard in (1, 1):
        index = write_shards(
            ROWS[4:7], make_sample, tmp_path, made_from={}, clips_per_shard=clips_per_shard
        )  # the second time finds everything done
        assert [shard["name"] for shard in index.shards] == ["clips-000000.tar", "clips-000002.tar"]
        assert len(index.skipped) == 1


@pytest.mark.shared_data
def test_real_clips_keep_their_faces_and_words(shared_data: Path, tmp_path: Path) -> None:
    lines = (shared_data / "grid" / "manifest.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines[:2]]
    absolute = [{**row, "media": str(shared_data / "grid" / row["media"])} for row in rows]
    samples = [read_clip(row) for row in read_manifest(shared_data / "grid" / "manifest.jsonl")[:2]]
    prepare(write_manifest(tmp_path, absolute), tmp_path / "out")
    kept = {sample.id: sample for sample in read_shards(find_shards(tmp_path / "out"))}
    for sample in samples:
        again = kept[sample.id]
        assert again.ticks == 75 and again.video_present.mean() > 0.95
        assert again.words == sample.words and again.text == sample.text
        assert again.pixels is not None and sample.pixels is not None
        # The face path starts afresh with every clip, and JPEG changes a pixel by a grey or two.
        assert np.abs(again.pixels.astype(int) - sample.pixels).mean() < 2
