"""A whole measurement of latency: a manifest played live with one model after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hearsight.assets import DEFAULT_MODEL
from hearsight.errors import ManifestError, MediaError
from hearsight.evaluate.evaluate import Skipped
from hearsight.evaluate.latency import Playback, play
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.recognizer import Recognizer
from hearsight.types import FRAME_RATE, Modality


@dataclass(slots=True)
class ModelLatency:
    """What was measured of one model.

    Attributes:
        model: its name or folder, as it was asked for.
        segment_s: input by which its encoder advances, in seconds.
        right_context_s: further input that it waits for.
        played: recordings, one after the other.
    """

    model: str
    segment_s: float
    right_context_s: float
    played: list[Playback] = field(default_factory=list)


@dataclass(slots=True)
class LatencyMeasurement:
    """What was measured, also when it was broken off.

    Attributes:
        models: one after the other.
        skipped: rows whose recording cannot be read.
        untimed: rows passed over because the times of their words are not known.
        memory_mb: the most memory that the program took, None where the system does not say.
        interrupted: whether Ctrl-C ended it early.
    """

    models: list[ModelLatency] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    untimed: int = 0
    memory_mb: float | None = None
    interrupted: bool = False


def measure_latency(
    manifest: str | Path,
    *,
    models: Sequence[str] = (DEFAULT_MODEL,),
    splits: Sequence[str] = (),
    limit: int | None = None,
    modality: Modality = "av",
    beam_width: int | None = None,
) -> LatencyMeasurement:
    """Play a manifest's recordings in real time, showing progress on standard error when it is a terminal.

    Ctrl-C ends it with what was measured so far.

    Args:
        manifest: path of the JSON lines; rows without ``words`` are passed over.
        models: names of bundles, or their folders.
        splits: only these; empty takes all rows.
        limit: no more than so many recordings, spread evenly over the rows.
        modality: what to recognise by.
        beam_width: hypotheses kept by the search; as many as the model says if None.

    Raises:
        BundleError: a model cannot be loaded.
        ManifestError: the manifest is not right, or no row has the times of its words.
    """
    rows = read_manifest(manifest, splits=splits)
    timed = [row for row in rows if row.words]
    if not timed:
        raise ManifestError(
            f"{manifest} has no word times in these rows: give each its words [word, start, end]"
        )
    chosen = spread(timed, limit)
    recognizers = {model: Recognizer.load(model, beam_width=beam_width) for model in models}
    measurement = LatencyMeasurement(untimed=len(rows) - len(timed))
    columns = TextColumn("recordings"), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(chosen) * len(recognizers))
        try:
            for model, recognizer in recognizers.items():
                config = recognizer.bundle.config
                latency = ModelLatency(model, config.segment / FRAME_RATE, config.right_context / FRAME_RATE)
                measurement.models.append(latency)
                for row in chosen:
                    try:
                        latency.played.append(play(recognizer, row, modality=modality))
                    except MediaError as error:
                        measurement.skipped.append(Skipped(row, str(error)))
                    progress.advance(task)
        except KeyboardInterrupt:
            measurement.interrupted = True
    measurement.memory_mb = peak_memory_mb()
    return measurement


def spread(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """So many rows at most, evenly spread over all of them."""
    if limit is None or limit >= len(rows):
        return list(rows)
    return [rows[index * len(rows) // limit] for index in range(limit)]


def peak_memory_mb() -> float | None:
    """The most memory this program has taken so far in MB, None on Windows."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
