"""Turns the clips of a manifest into shards of mouth crops and sound."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hearsight.capture.files import read_chunks
from hearsight.errors import ManifestError, MediaError
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.face import FacePath
from hearsight.lab.data.shard_writing import ShardIndex, write_shards
from hearsight.lab.data.shards import Sample
from hearsight.lab.data.speech_corpus import is_speech_corpus, prepare_speech


def prepare_corpus(
    manifest: Path, out_dir: Path, *, split: str | None = None, source: str | None = None, workers: int = 1
) -> ShardIndex:
    """Write a manifest's recordings, or a folder of synthetic speech, as shards.

    Args:
        manifest: of recordings or of synthetic speech; or the folder in which it is ``manifest.jsonl``.
        out_dir: folder of the shards; made if need be.
        split: only what is of this split.
        source: only sentences of this source of text; synthetic speech alone has sources.
        workers: processes.

    Raises:
        ManifestError: the manifest cannot be read, or has nothing of that split and source.
        HearsightError: the folder holds other shards, or nothing can be used.
    """
    if manifest.is_dir():
        manifest = manifest / "manifest.jsonl"
    if is_speech_corpus(manifest):
        return prepare_speech(manifest.parent, out_dir, split=split, source=source, workers=workers)
    if source is not None:
        raise ManifestError(
            f"{manifest} has no sources, as it is not of synthetic speech: leave --source out."
        )
    return prepare(manifest, out_dir, split=split, workers=workers)


def prepare(
    manifest: str | Path,
    out_dir: str | Path,
    *,
    split: str | None = None,
    workers: int = 1,
    clips_per_shard: int = 64,
    name: str = "clips",
) -> ShardIndex:
    """Write the clips of a manifest (see `read_manifest`) as shards (see `shards`).

    A run that was broken off goes on where it stopped when called again in the same way. A clip that cannot
    be read, or that has neither sound nor a face, is entered in the index under ``skipped`` with the reason.
    The clips are spread over the shards by a hash of their ids, so that every shard is a fair draw even if
    the manifest is sorted by speaker.

    Args:
        manifest: JSON lines.
        out_dir: folder of the shards; made if need be.
        split: only the clips of this split.
        workers: processes.
        clips_per_shard: clips in each shard.
        name: beginning of the shards' names.

    Raises:
        ManifestError: the manifest is not what `read_manifest` reads.
        HearsightError: the folder holds other shards, or not one clip can be used.
    """
    manifest = Path(manifest)
    rows = read_manifest(manifest, splits=() if split is None else (split,))
    rows.sort(key=lambda row: _hash(row.id.encode()))
    made_from = {"manifest": _hash(manifest.read_bytes()), "split": split}
    return write_shards(
        [(row.id, row) for row in rows],
        read_clip,
        Path(out_dir),
        made_from=made_from,
        workers=workers,
        clips_per_shard=clips_per_shard,
        name=name,
    )


def read_clip(row: Row) -> Sample:
    """Decode the clip of a manifest row and crop its mouth.

    Raises:
        MediaError: the clip cannot be read, or has neither sound nor a face.
    """
    pixels, video_present, samples, audio_present = crop_clip(row.media, _face_path())
    if not video_present.any() and not audio_present.any():
        raise MediaError(f"{row.media} has neither sound nor a face; take it out of the manifest.")
    return Sample(
        id=row.id,
        speaker=row.speaker,
        text=row.text,
        words=row.words or None,
        media=Path(row.media).name,
        split=row.split or None,
        pixels=pixels if video_present.any() else None,
        video_present=video_present,
        samples=samples if audio_present.any() else None,
    )


def crop_clip(
    source: str | Path, face_path: FacePath
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float32], NDArray[np.bool_]]:
    """A whole clip: crops ``(T, 96, 96)``, their presence ``(T,)``, samples ``(T * 640,)``, their presence.

    Raises:
        MediaError: the clip cannot be read, or has no content.
    """
    face_path.reset()
    chunks = []
    for chunk in read_chunks(source):
        crops = face_path.process(chunk)
        chunks.append((crops.pixels, crops.video_present, chunk.samples, chunk.audio_present))
    if not chunks:
        raise MediaError(f"{source} has neither pictures nor sound.")
    pixels, video_present, samples, audio_present = (
        np.concatenate(parts) for parts in zip(*chunks, strict=True)
    )
    return pixels, video_present, samples, audio_present


@cache
def _face_path() -> FacePath:
    """One per process: loading takes longer than a clip."""
    return FacePath.load()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
