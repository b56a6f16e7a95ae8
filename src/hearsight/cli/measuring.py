"""Verbs that measure models and tell about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hearsight.assets import DEFAULT_MODEL
from hearsight.cli.app import app, bench, complain
from hearsight.cli.options import (
    BeamOption,
    FinalsOption,
    ManifestArgument,
    ModalityChoice,
    ModalityOption,
    ModelOption,
    ReportFormat,
    ReportOption,
)

if TYPE_CHECKING:
    from hearsight.recognizer import Bundle


@app.command()
def evaluate(
    manifest: ManifestArgument,
    split: Annotated[
        list[str] | None, typer.Option(metavar="S", help="Only this split; may be given several times.")
    ] = None,
    modality: ModalityOption = ModalityChoice.av,
    model: ModelOption = DEFAULT_MODEL,
    beam: BeamOption = None,
    finals: FinalsOption = None,
    noise: Annotated[str | None, typer.Option(metavar="FILE", help="Recording of noise to mix in.")] = None,
    snr: Annotated[
        float | None, typer.Option(metavar="DB", help="Power of the clip over that of the noise.")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="All senses by all noise levels.")] = False,
    format: ReportOption = ReportFormat.table,
    utterances: Annotated[bool, typer.Option("--utterances", help="Also each utterance by itself.")] = False,
) -> None:
    """Measure a model's word error rate and cost on a manifest."""
    from hearsight.evaluate.report import report
    from hearsight.evaluate.run import measure

    measurement = measure(
        manifest,
        model=model,
        beam_width=beam,
        finals=None if finals is None else finals.value,
        splits=split or [],
        modality=None if table else modality.value,
        noise=noise,
        snr_db=snr,
    )
    typer.echo(report(measurement.scored, whole_table=table, form=format.value, results=utterances))
    for skipped in measurement.skipped:
        complain(f"skipped {skipped.row.id}: {skipped.reason}")
    if measurement.interrupted:
        raise KeyboardInterrupt
    if measurement.skipped:
        raise typer.Exit(2)


@bench.command()
def latency(
    manifest: ManifestArgument,
    split: Annotated[
        list[str] | None, typer.Option(metavar="S", help="Only this split; may be given several times.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Recordings at most.")] = None,
    modality: ModalityOption = ModalityChoice.av,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|DIR", help="A model that comes along, or a bundle; repeat for several."),
    ] = None,
    beam: BeamOption = None,
    format: ReportOption = ReportFormat.table,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw how many words are shown after how long.")
    ] = None,
) -> None:
    """Play labelled recordings live, and measure how long after it was spoken each word is shown."""
    from hearsight.evaluate.latency_plot import check_plot_path, write_plot
    from hearsight.evaluate.latency_report import report
    from hearsight.evaluate.latency_run import measure_latency

    if plot is not None:
        check_plot_path(plot)
    measurement = measure_latency(
        manifest,
        models=model or [DEFAULT_MODEL],
        splits=split or [],
        limit=limit,
        modality=modality.value,
        beam_width=beam,
    )
    typer.echo(report(measurement, format.value))
    if plot is not None:
        write_plot(measurement.models, plot)
    if measurement.untimed:
        complain(f"passed over {measurement.untimed} rows whose words have no times")
    for skipped in measurement.skipped:
        complain(f"skipped {skipped.row.id}: {skipped.reason}")
    if measurement.interrupted:
        raise KeyboardInterrupt
    if measurement.skipped:
        raise typer.Exit(2)


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME|DIR]", help="Print this model's card.")] = None,
    format: ReportOption = ReportFormat.table,
) -> None:
    """List the models that come with hearsight, or print the card of one."""
    from hearsight.recognizer import Bundle, available

    bundles = [Bundle.load(each) for each in (available() if name is None else [name])]
    if format is ReportFormat.json:
        typer.echo(json.dumps([describe(bundle) for bundle in bundles], indent=2, ensure_ascii=False))
    elif name is not None:
        typer.echo(bundles[0].card)
    else:
        for bundle in bundles:
            about = describe(bundle)
            size = f"{about['megabytes']} MB, {about['language']}"
            typer.echo(f"{about['name']}  ({size})  {about['description']}")
        typer.echo("\nFor the card of one, with its data, licences and figures: hearsight models NAME")


def describe(bundle: Bundle) -> dict[str, Any]:
    """What a program wants to know about a bundle."""
    config = bundle.config
    return {
        "name": config.name,
        "description": config.description,
        "language": config.language,
        "licence": config.licence,
        "origin": config.origin,
        "megabytes": round(sum(map(len, bundle.contents.values())) / 1e6, 1),
        "folder": str(bundle.folder),
        "card": bundle.card,
    }
