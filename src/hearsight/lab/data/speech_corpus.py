"""Synthetic speech (tars of ``.opus`` and ``.json`` with phone durations) as shards without pictures."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from functools import cache, partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from hearsight.errors import ManifestError
from hearsight.lab.data.shard_writing import ShardIndex, write_shards
from hearsight.lab.data.shards import Sample
from hearsight.types import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

_PHONE_STEP = 1 / 40
"""Seconds in one step of a phone's duration."""
_PAUSES = frozenset(" .,;:!?—")
_MARKS = frozenset("ˈˌː")


def prepare_speech(
    folder: str | Path,
    out_dir: str | Path,
    *,
    split: str | None = None,
    source: str | None = None,
    workers: int = 1,
    clips_per_shard: int = 256,
    name: str = "speech",
) -> ShardIndex:
    """Write a folder of synthetic speech as shards; resumes like `prepare`.

    Args:
        folder: has ``manifest.jsonl`` with id, shard, source and split of each sentence, and the shards.
        out_dir: folder of the new shards; made if need be.
        split: only the sentences of this split.
        source: only the sentences of this source of text.
        workers: processes.
        clips_per_shard: sentences in each shard.
        name: beginning of the shards' names.

    Raises:
        ManifestError: there is no such manifest, or no such sentence in it.
        HearsightError: the folder holds other shards.
    """
    manifest = Path(folder) / "manifest.jsonl"
    try:
        content = manifest.read_bytes()
        rows = [json.loads(line) for line in content.splitlines()]
    except (OSError, ValueError) as error:
        raise ManifestError(f"{manifest}: cannot be read as a manifest ({error}).") from error
    rows = [row for row in rows if split in (None, row["split"]) and source in (None, row["source"])]
    if not rows:
        raise ManifestError(f"{manifest}: has no sentences of that split and source.")
    return write_shards(
        [(row["id"], row) for row in rows],
        partial(read_sentence, Path(folder)),
        Path(out_dir),
        made_from={"manifest": hashlib.sha256(content).hexdigest(), "split": split, "source": source},
        workers=workers,
        clips_per_shard=clips_per_shard,
        name=name,
    )


def is_speech_corpus(manifest: Path) -> bool:
    """Whether the manifest is that of a folder of synthetic speech, rather than one of recordings."""
    try:
        with manifest.open("rb") as lines:
            row = json.loads(lines.readline())
    except (OSError, ValueError):
        return False
    return isinstance(row, dict) and "shard" in row and "media" not in row


def read_sentence(folder: Path, row: dict[str, Any]) -> Sample:
    """The sentence of a manifest line; its id becomes ``source-id``, its end is padded to a whole frame."""
    description, content = _open(folder / row["shard"])[row["id"]]
    samples = _decode(content)
    ticks = -(-len(samples) // SAMPLES_PER_FRAME)
    return Sample(
        id=f"{row['source']}-{row['id']}",
        speaker=description["speaker"],
        text=description["text"],
        words=word_times(description["text"], description["phones"], description["durations"]),
        media=f"{row['shard']}/{row['id']}.opus",
        split=row["split"],
        pixels=None,
        video_present=np.zeros(ticks, np.bool_),
        samples=np.pad(samples, (0, ticks * SAMPLES_PER_FRAME - len(samples))),
        phones=phones_by_tick(description["phones"], description["durations"], ticks),
    )


def word_times(text: str, phones: str, durations: list[int]) -> tuple[tuple[str, float, float], ...] | None:
    """Start and end of each word in seconds, or None where the phones are not grouped as the text's words.

    Args:
        text: words separated by spaces.
        phones: one symbol per phone, spaces and punctuation between words.
        durations: steps of 25 ms: a leading pad, each symbol of ``phones``, a trailing pad.
    """
    times, start = [], None
    now = durations[0] * _PHONE_STEP
    for phone, duration in zip([*phones, " "], durations[1:], strict=True):
        if phone not in _PAUSES and start is None:
            start = now
        elif phone in _PAUSES and start is not None:
            times.append((round(start, 3), round(now, 3)))
            start = None
        now += duration * _PHONE_STEP
    words = text.split()
    if len(words) != len(times):
        return None
    return tuple((word, *time) for word, time in zip(words, times, strict=True))


def phones_by_tick(phones: str, durations: list[int], ticks: int) -> str:
    """The phone in the middle of each tick; a mark of stress belongs to the phone before, pauses are spaces.

    Args:
        phones: one symbol per phone, spaces and punctuation between words.
        durations: as for :func:`word_times`.
        ticks: frames of 40 ms.
    """
    steps, phone = [" "] * durations[0], " "
    for symbol, duration in zip([*phones, " "], durations[1:], strict=True):
        if symbol not in _MARKS:
            phone = symbol if symbol.isalpha() else " "
        steps += [phone] * duration
    middles = [int((tick + 0.5) / FRAME_RATE / _PHONE_STEP) for tick in range(ticks)]
    return "".join(steps[middle] if middle < len(steps) else " " for middle in middles)


@cache
def _open(shard: Path) -> dict[str, tuple[dict[str, Any], bytes]]:
    """Description and sound of every sentence in a shard: about 2 MB each, read once."""
    contents: dict[str, dict[str, bytes]] = {}
    with tarfile.open(shard) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                path = Path(member.name)
                contents.setdefault(path.stem, {})[path.suffix] = file.read()
    return {id: (json.loads(files[".json"]), files[".opus"]) for id, files in contents.items()}


def _decode(content: bytes) -> NDArray[np.float32]:
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(io.BytesIO(content), mode="r") as container:
        frames = [*container.decode(audio=0), None]
        parts = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float32)
