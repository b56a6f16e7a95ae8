"""A manifest is read, or refused with one sentence that names the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearsight.errors import ManifestError
from hearsight.lab.data.manifest import read_manifest

GOOD = '{"id": "a", "media": "a.mkv", "text": "set red", "words": [["set", 0, 0.5], ["red", 0.5, 1]]}'


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: is not JSON"),
        ("[1]", "line 2: is not a JSON object"),
        ('{"id": "b", "text": "x"}', "line 2: needs 'media' as a string"),
        ('{"id": "b", "media": 3, "text": "x"}', "line 2: needs 'media' as a string"),
        ('{"id": "", "media": "b", "text": "x"}', "line 2: needs 'id' as a string"),
        ('{"id": "b", "media": "b", "text": "x", "split": 1}', "line 2: 'split' must be a string"),
        ('{"id": "b", "media": "b", "text": "x", "words": [["x", "1", 2]]}', "line 2: 'words' must be"),
        ('{"id": "b", "media": "b", "text": "x", "words": "x"}', "line 2: 'words' must be"),
        (GOOD, "line 2: the id 'a' occurs twice"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(ManifestError, match=complaint):
        read_manifest(path)


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(f"\n{GOOD}\n\n")
    assert [row["id"] for row in read_manifest(path)] == ["a"]


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "manifest.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"manifest\.jsonl"):
        read_manifest(path)
