"""A whole measurement, from a manifest's path to scored utterances, with progress on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hearsight.assets import DEFAULT_MODEL
from hearsight.errors import HearsightError
from hearsight.evaluate.evaluate import Condition, Scored, Skipped, evaluate
from hearsight.evaluate.manifest import read_manifest
from hearsight.evaluate.noise import read_noise
from hearsight.evaluate.table import CONDITIONS
from hearsight.recognizer import Recognizer
from hearsight.recognizer.second_pass import Finals
from hearsight.types import Modality


@dataclass(slots=True)
class Measurement:
    """What was measured, also when it was broken off.

    Attributes:
        rows: utterances that were to be measured.
        scored: one per utterance and condition.
        skipped: utterances whose recording cannot be read.
        interrupted: whether Ctrl-C ended it early.
    """

    rows: int
    scored: list[Scored] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    interrupted: bool = False


def measure(
    manifest: str | Path,
    *,
    model: str | Path = DEFAULT_MODEL,
    beam_width: int | None = None,
    finals: Finals | None = None,
    splits: Sequence[str] = (),
    modality: Modality | None = "av",
    noise: str | Path | None = None,
    snr_db: float | None = None,
) -> Measurement:
    """Evaluate a model on a manifest, showing progress on standard error when it is a terminal.

    Ctrl-C ends it with what was measured so far.

    Args:
        manifest: path of the JSON lines.
        model: name of a bundle, or its folder.
        beam_width: hypotheses kept by the search; as many as the model says if None.
        finals: by one pass or two; None is two if the model has the second.
        splits: only these; empty measures all rows.
        modality: what to recognise by; None measures the whole table.
        noise: a recording of noise; the clips are clean without it.
        snr_db: how strong the noise is, unless the whole table is measured.

    Raises:
        BundleError: the model cannot be loaded.
        ManifestError: the manifest is not right.
        MediaError: the noise cannot be read.
        HearsightError: noise without a level, or a level without noise.
    """
    conditions = _conditions(modality, noise, snr_db)
    rows = read_manifest(manifest, splits=splits)
    samples = None if noise is None else read_noise(noise)
    recognizer = Recognizer.load(model, beam_width=beam_width, finals=finals)
    measurement = Measurement(len(rows))
    columns = TextColumn("utterances"), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(rows))
        try:
            for outcome in evaluate(recognizer, rows, conditions, noise=samples):
                if isinstance(outcome, Skipped):
                    measurement.skipped.append(outcome)
                    progress.advance(task)
                else:
                    measurement.scored.append(outcome)
                    progress.advance(task, 1 / len(conditions))
        except KeyboardInterrupt:
            measurement.interrupted = True
    return measurement


def _conditions(
    modality: Modality | None, noise: str | Path | None, snr_db: float | None
) -> Sequence[Condition]:
    if modality is not None:
        if (noise is None) != (snr_db is None):
            raise HearsightError("noise and its level go together: give both --noise FILE and --snr DB")
        return [Condition(modality, snr_db)]
    if noise is None or snr_db is not None:
        raise HearsightError("the table has its own noise levels: give it --noise FILE and no --snr")
    return CONDITIONS
