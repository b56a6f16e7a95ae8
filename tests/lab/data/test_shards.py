"""What goes into a shard comes out of it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.errors import HearsightError, MediaError
from hearsight.lab.data.shards import (
    Sample,
    add_record,
    decode_sample,
    encode_sample,
    find_shards,
    read_shards,
)


def sample(
    ticks: int = 40, *, id: str = "a", seed: int = 0, sound: bool = True, faces: bool = True
) -> Sample:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 200, 96 * 96).reshape(96, 96)
    pixels = np.stack([np.roll(ramp, int(shift), axis=0) for shift in rng.integers(0, 96, ticks)])
    return Sample(
        id=id,
        speaker="s1",
        text="bin blue at f two now",
        words=(("bin", 0.25, 0.5), ("blue", 0.5, 0.75)),
        media="s1/a.mkv",
        split="train",
        pixels=pixels.astype(np.uint8) if faces else None,
        video_present=rng.random(ticks) < 0.8 if faces else np.zeros(ticks, np.bool_),
        samples=rng.uniform(-1, 1, ticks * 640).astype(np.float32) if sound else None,
        phones="".join(rng.choice(list(" əb"), ticks)) if faces else None,
        units=rng.uniform(-1, 1, (ticks, 3)).astype(np.float16) if faces else None,
    )


def write_tar(path: Path, *samples: Sample) -> None:
    with tarfile.open(path, "w") as tar:
        for sample in samples:
            add_record(tar, encode_sample(sample))


@settings(max_examples=20, deadline=None)
@given(ticks=st.integers(1, 100), seed=st.integers(0, 999), sound=st.booleans(), faces=st.booleans())
def test_a_sample_comes_back(ticks: int, seed: int, sound: bool, faces: bool) -> None:
    before = sample(ticks, seed=seed, sound=sound, faces=faces)
    after = decode_sample(encode_sample(before))
    for name in ("id", "speaker", "text", "words", "media", "split", "ticks", "phones"):
        assert getattr(after, name) == getattr(before, name)
    np.testing.assert_array_equal(after.video_present, before.video_present)
    np.testing.assert_array_equal(after.units, before.units)
    if before.samples is None or after.samples is None:
        assert before.samples is after.samples
    else:
        assert np.abs(after.samples - before.samples).max() <= 1 / 32_768
    if before.pixels is None or after.pixels is None:
        assert before.pixels is after.pixels
    else:
        assert np.abs(after.pixels.astype(int) - before.pixels).mean() < 2


def test_too_loud_sound_is_clipped_and_does_not_wrap() -> None:
    loud = Sample(
        id="a", speaker="", text="", words=None, media="", split=None, pixels=None,
        video_present=np.zeros(1, np.bool_), samples=np.full(640, 1.5, np.float32),
    )  # fmt: skip
    after = decode_sample(encode_sample(loud)).samples
    assert after is not None and after.min() > 0.999


@pytest.mark.parametrize("id", ["s1/bbaf2n", "name.with.dots", "ein Satz, größer", ".hidden"])
def test_any_id_survives_the_names_inside_a_tar(tmp_path: Path, id: str) -> None:
    path = tmp_path / "clips-000000.tar"
    write_tar(path, sample(2, id=id), sample(3, id=f"{id}.2"))
    assert [(after.id, after.ticks) for after in read_shards([path])] == [(id, 2), (f"{id}.2", 3)]


def test_shards_stream_from_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "clips-000000.tar"
    write_tar(path, sample(5))
    assert [after.ticks for after in read_shards([f"pipe:cat {path}"])] == [5]


def test_a_clip_too_long_for_one_picture_is_refused() -> None:
    hour = sample(1)
    ticks = 60 * 60 * 25
    long = Sample(
        id="a", speaker="", text="", words=None, media="long.mp4", split=None, pixels=hour.pixels,
        video_present=np.ones(ticks, np.bool_), samples=None,
    )  # fmt: skip
    with pytest.raises(MediaError, match=r"long\.mp4 is longer than 872 s"):
        encode_sample(long)


def test_a_foreign_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("a.json")
        content = b'{"caption": "a dog"}'
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    with pytest.raises(HearsightError, match=r"foreign\.tar, a: not a sample of hearsight"):
        list(read_shards([path]))


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HearsightError, match=r"has no index\.json"):
        find_shards(tmp_path)
