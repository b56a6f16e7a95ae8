"""Manifests: JSON lines that say which recording holds which words (see docs/manifest.md)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hearsight.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Row:
    """One recording and what is said in it.

    Attributes:
        id: a name that no other row of the manifest has.
        media: the recording, a file or a URL.
        text: the words, lower case, no punctuation.
        speaker: who speaks, "" where unknown.
        split: the part of the data the row belongs to, "" where there are no parts.
        words: ``(word, start, end)`` in seconds, where known.
    """

    id: str
    media: Path | str
    text: str
    speaker: str = ""
    split: str = ""
    words: tuple[tuple[str, float, float], ...] | None = None


def read_manifest(path: str | Path, *, splits: Collection[str] = ()) -> list[Row]:
    """Read a manifest, or the named splits of it.

    Args:
        path: JSON lines; media paths in it are relative to its folder.
        splits: keep only rows of these splits; empty keeps every row.

    Raises:
        ManifestError: the file cannot be read, a line is not what it should be (the message names
            the line), or a split has no rows.
    """
    path = Path(path)
    rows = list(_rows(path))
    if not rows:
        raise ManifestError(f"{path} is empty: give one JSON object a line, as docs/manifest.md shows")
    known = {row.split for row in rows}
    for split in splits:
        if split not in known:
            names = ", ".join(sorted(known - {""})) or "none"
            raise ManifestError(f"{path} has no split {split!r}: its splits are {names}")
    return [row for row in rows if not splits or row.split in splits]


def _rows(path: Path) -> Iterator[Row]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ManifestError(f"cannot read the manifest {path}: {reason}") from error
    first_line: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _row(json.loads(line), path.parent)
        except ValueError as error:  # JSONDecodeError is one
            raise ManifestError(f"{path}, line {number}: {_one_line(error)}") from error
        if row.id in first_line:
            first = first_line[row.id]
            raise ManifestError(f"{path}, line {number}: the id {row.id!r} is already used in line {first}")
        first_line[row.id] = number
        yield row


def _one_line(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not a JSON object ({error.msg} at column {error.colno})"
    return str(error)


def _row(fields: Any, folder: Path) -> Row:
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")
    if "shard" in fields and "media" not in fields:
        raise ValueError('names a "shard" and no "media": give each row a file of its own')
    media = _text(fields, "media")
    return Row(
        id=_text(fields, "id"),
        media=media if "://" in media else folder / media,
        text=_text(fields, "text"),
        speaker=_text(fields, "speaker", default=""),
        split=_text(fields, "split", default=""),
        words=_words(fields.get("words")),
    )


def _text(fields: dict[str, Any], key: str, *, default: str | None = None) -> str:
    value = fields.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f'"{key}" is missing' if value is None else f'"{key}" must be text, not {value!r}')
    if not value.strip() and key in ("id", "media"):
        raise ValueError(f'"{key}" is empty')
    return value


def _words(value: Any) -> tuple[tuple[str, float, float], ...] | None:
    if value is None:
        return None
    problem = '"words" must be a list of [word, start, end] in seconds'
    if not isinstance(value, list):
        raise ValueError(problem)
    words = []
    for entry in value:
        match entry:
            case [str(word), int() | float() as start, int() | float() as end] if 0 <= start <= end:
                words.append((word, float(start), float(end)))
            case _:
                raise ValueError(f"{problem}, not {entry!r}")
    return tuple(words)
