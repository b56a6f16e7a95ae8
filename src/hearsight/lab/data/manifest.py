"""Manifests: a JSON object per line that names a clip and what is said in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hearsight.errors import ManifestError

_NEEDED = ("id", "media", "text")


def read_manifest(path: str | Path, split: str | None = None) -> list[dict[str, Any]]:
    """The rows of a manifest, or those of one split.

    Each line has ``id``, ``media`` (a URL, or a path relative to the manifest) and ``text``, and may have
    ``speaker``, ``split`` and ``words`` (``[[word, start_s, end_s], …]``).

    Raises:
        ManifestError: the file cannot be read, a line is not such an object, an id occurs twice, or no
            line is of the split.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read as a manifest ({error}).") from error
    rows, seen = [], set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _parse(line, f"{path}, line {number}")
        if row["id"] in seen:
            raise ManifestError(f"{path}, line {number}: the id {row['id']!r} occurs twice; make it unique.")
        seen.add(row["id"])
        if split is None or row.get("split") == split:
            rows.append(row)
    if not rows:
        wanted = "clips" if split is None else f"clips of the split {split!r}"
        raise ManifestError(f"{path}: has no {wanted}.")
    return rows


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{where}: is not JSON ({error.msg}); write one object per line.") from error
    if not isinstance(row, dict):
        raise ManifestError(f"{where}: is not a JSON object; write one object per line.")
    for key in _NEEDED:
        if not isinstance(row.get(key), str) or (key != "text" and not row[key]):
            raise ManifestError(f"{where}: needs {key!r} as a string.")
    for key in ("speaker", "split"):
        if not isinstance(row.get(key, ""), str):
            raise ManifestError(f"{where}: {key!r} must be a string.")
    if not _are_words(row.get("words")):
        raise ManifestError(f"{where}: 'words' must be a list of [word, start in seconds, end in seconds].")
    return row


def _are_words(words: object) -> bool:
    if words is None:
        return True
    return isinstance(words, list) and all(
        isinstance(word, list)
        and len(word) == 3
        and isinstance(word[0], str)
        and all(isinstance(time, int | float) for time in word[1:])
        for word in words
    )
