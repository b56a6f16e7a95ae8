"""A manifest line that is not right is named, with what is wrong about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hearsight.errors import ManifestError
from hearsight.evaluate.manifest import Row, read_manifest

GOOD = {"id": "a", "media": "clips/a.mkv", "text": "bin blue"}


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_a_row_needs_an_id_a_recording_and_its_words(tmp_path: Path) -> None:
    manifest = write(tmp_path / "m.jsonl", GOOD, "")
    assert read_manifest(manifest) == [Row("a", tmp_path / "clips/a.mkv", "bin blue")]


def test_what_is_known_beyond_that_is_kept(tmp_path: Path) -> None:
    more = {
        "id": "b",
        "speaker": "s1",
        "split": "dev",
        "words": [["bin", 0, 0.5]],
        "media": "https://e.org/b",
    }
    [row] = read_manifest(write(tmp_path / "m.jsonl", GOOD | more))
    assert row == Row("b", "https://e.org/b", "bin blue", "s1", "dev", (("bin", 0.0, 0.5),))


def test_splits_choose_rows(tmp_path: Path) -> None:
    rows = [GOOD | {"id": split, "split": split} for split in ("train", "dev", "test")]
    manifest = write(tmp_path / "m.jsonl", *rows)
    assert [row.id for row in read_manifest(manifest, splits=["dev", "test"])] == ["dev", "test"]
    with pytest.raises(ManifestError, match=r"no split 'eval': its splits are dev, test, train"):
        read_manifest(manifest, splits=["eval"])


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not a JSON object"),
        ("[1, 2]", "not a JSON object"),
        ({"id": "b", "text": "bin"}, '"media" is missing'),
        ({"media": "b.mkv", "text": "bin"}, '"id" is missing'),
        ({"id": "b", "media": "b.mkv"}, '"text" is missing'),
        ({"id": 5, "media": "b.mkv", "text": "bin"}, '"id" must be text, not 5'),
        ({"id": "b", "media": "", "text": "bin"}, '"media" is empty'),
        ({"id": "b", "shard": "x.tar", "text": "bin"}, 'names a "shard"'),
        (GOOD | {"id": "b", "words": [["bin", 0.5]]}, r'"words" must be a list'),
        (GOOD | {"id": "b", "words": [["bin", 0.5, 0.2]]}, r'"words" must be a list'),
        (GOOD, "the id 'a' is already used in line 1"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: object, complaint: str) -> None:
    manifest = write(tmp_path / "m.jsonl", GOOD, "", line)
    with pytest.raises(ManifestError, match=complaint) as caught:
        read_manifest(manifest)
    assert f"{manifest}, line 3: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        read_manifest(tmp_path / "absent.jsonl")
    with pytest.raises(ManifestError, match="Is a directory"):
        read_manifest(tmp_path)
    with pytest.raises(ManifestError, match="is empty"):
        read_manifest(write(tmp_path / "m.jsonl"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="not UTF-8"):
        read_manifest(tmp_path / "binary")


@pytest.mark.shared_data
def test_the_grid_manifest_is_read(shared_data: Path) -> None:
    rows = read_manifest(shared_data / "grid" / "manifest.jsonl", splits=["dev_seen", "dev_unseen"])
    assert len(rows) == 74
    assert all(Path(row.media).is_file() for row in rows)
