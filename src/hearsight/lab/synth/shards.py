"""Drawn mouths for spoken sentences, as training shards like those of `hearsight prepare`."""

from __future__ import annotations

import hashlib
import json
import random
import tarfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from hearsight.errors import ManifestError
from hearsight.lab.data.shard_writing import ShardIndex, write_shards
from hearsight.lab.data.shards import Sample
from hearsight.lab.data.speech_corpus import read_sentence
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.budget import Budget
from hearsight.lab.synth.casting import is_male
from hearsight.lab.synth.crops import MouthArtist, sample_scene
from hearsight.lab.synth.head import HeadMesh, load_head
from hearsight.lab.synth.identity import sample_identity
from hearsight.lab.synth.visemes import UNITS, curves, without_side

COPIES = 1000
"""More than the identities that ever say one sentence: seeds of sentence n lie from n * COPIES on."""


def draw_corpus(
    folder: str | Path,
    out_dir: str | Path,
    assets: Assets,
    *,
    split: str = "train",
    source: str | None = None,
    limit: int | None = None,
    copies: range = range(1),
    workers: int = 1,
    clips_per_shard: int = 200,
    say: Callable[[str], object] = lambda line: None,
) -> ShardIndex:
    """Draw random people saying the sentences of a folder of synthetic speech; resumes where it stopped.

    Args:
        folder: has ``manifest.jsonl`` with id, shard, source and split of each sentence, and the shards.
        out_dir: folder of the new shards; made if need be.
        assets: the packages that hold the head.
        split: only the sentences of this split.
        source: only the sentences of this source of text.
        limit: at most so many sentences, chosen at random.
        copies: numbers of the identities for each sentence; another range gives other people.
        workers: processes.
        clips_per_shard: clips in each shard.
        say: is told beforehand how much it will be.

    Raises:
        ManifestError: there is no such manifest, or no such sentence in it.
        HearsightError: the folder holds other shards, the head cannot be read, or there is no room for it.
    """
    folder = Path(folder)
    sentences, digest = _sentences(folder / "manifest.jsonl", split, source, limit)
    seconds = len(copies) * sum(row["seconds"] for row in sentences)
    say(Budget.of_drawing(len(copies) * len(sentences), seconds).describe(Path(out_dir), workers))
    load_head(assets.head_wheel, assets.head_cache)  # so that the workers find it read
    rows = [(row["id"], {**row, "copy": copy}) for copy in copies for row in sentences]
    made_from = {"manifest": digest, "split": split, "source": source, "limit": limit, "copies": str(copies)}
    draw = partial(draw_sentence, folder, assets)
    return write_shards(
        rows,
        draw,
        Path(out_dir),
        made_from=made_from,
        workers=workers,
        clips_per_shard=clips_per_shard,
        name="drawn",
    )


def _sentences(
    manifest: Path, split: str, source: str | None, limit: int | None
) -> tuple[list[dict[str, Any]], str]:
    try:
        content = manifest.read_bytes()
        rows = [json.loads(line) for line in content.splitlines()]
    except (OSError, ValueError) as error:
        raise ManifestError(f"{manifest}: cannot be read as a manifest ({error}).") from error
    rows = [row for row in rows if row["split"] == split and source in (None, row["source"])]
    if not rows:
        raise ManifestError(f"{manifest}: has no sentences of that split and source.")
    if limit is not None and limit < len(rows):
        chosen = sorted(random.Random(0).sample(range(len(rows)), limit))
        rows = [rows[index] for index in chosen]
    return rows, hashlib.sha256(content).hexdigest()


def draw_sentence(folder: Path, assets: Assets, row: dict[str, Any]) -> Sample:
    """The sentence of a manifest line with the mouth of a person who depends on its id and ``copy``."""
    spoken = read_sentence(folder, row)
    said = _descriptions(folder / row["shard"])[row["id"]]
    seed = int(row["id"]) * COPIES + row["copy"]
    rng = np.random.default_rng(seed)
    mesh = _head(assets)
    person = sample_identity(mesh, rng, male=is_male(said["voice"]))
    weights = curves(said["phones"], said["durations"], spoken.ticks, mesh.unit_names)
    # Some people mumble, some mouth every sound, and each uses the face in another way.
    manner = rng.uniform(0.8, 1.5) * np.exp(rng.normal(0, 0.15, weights.shape[1]))
    weights = weights * manner.astype(np.float32)
    scene = sample_scene(rng, spoken.ticks)
    crops = MouthArtist(mesh, person).draw(weights, scene, rng)
    moved = [column for column, unit in enumerate(mesh.unit_names) if without_side(unit) in UNITS]
    return replace(
        spoken,
        id=f"drawn-{row['id']}-{row['copy']}",
        speaker=f"drawn-{seed}",
        pixels=crops,
        video_present=np.ones(spoken.ticks, np.bool_),
        units=weights[:, moved].astype(np.float16),
    )


@cache
def _head(assets: Assets) -> HeadMesh:
    return load_head(assets.head_wheel, assets.head_cache)


@cache
def _descriptions(shard: Path) -> dict[str, dict[str, Any]]:
    """Description (with phones and durations) of every sentence in a shard."""
    with tarfile.open(shard) as tar:
        members = [member for member in tar if member.name.endswith(".json")]
        files = {Path(member.name): tar.extractfile(member) for member in members}
        return {name.stem: json.loads(file.read()) for name, file in files.items() if file is not None}
