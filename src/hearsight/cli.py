"""The command line: each verb parses its options and calls one function.

What a verb needs is imported inside it, so that ``hearsight --help`` answers at once.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hearsight.errors import HearsightError
from hearsight.lab.synth.verbs import synth

if TYPE_CHECKING:
    from hearsight.recognizer import Bundle


class Verbs(TyperGroup):
    """Turns what a user can mend into one line on standard error and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        logging.basicConfig(format="hearsight: %(message)s")
        try:
            return super().invoke(ctx)
        except HearsightError as error:
            complain(error)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=Verbs,
    help="Turns a face and a voice into text while the person is still speaking, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class LabVerbs(Verbs):
    """Verbs that need the extra ``lab``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb, or say how to install what it lacks."""
        with extra_installed("synth", "lab"):
            return super().invoke(ctx)


bench = typer.Typer(cls=Verbs, help="Measure how models do live.", no_args_is_help=True)
app.add_typer(bench, name="bench")
app.add_typer(synth, name="synth", cls=LabVerbs)


class ModalityChoice(StrEnum):
    """Senses to recognise by."""

    av = "av"
    audio = "audio"
    video = "video"


class CaptionFormat(StrEnum):
    """Forms of a transcript."""

    txt = "txt"
    srt = "srt"
    vtt = "vtt"
    json = "json"
    jsonl = "jsonl"


class ReportFormat(StrEnum):
    """Forms of a report."""

    table = "table"
    json = "json"


ModalityOption = Annotated[ModalityChoice, typer.Option(help="Recognise by ears, eyes, or both.")]
ModelOption = Annotated[str, typer.Option(metavar="NAME|DIR", help="A model that comes along, or a bundle.")]
BeamOption = Annotated[int, typer.Option(min=1, metavar="N", help="Hypotheses kept; 1 is greedy search.")]
ReportOption = Annotated[ReportFormat, typer.Option(help="For people or for programs.")]
HotwordsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Phrases that are likely to be said, one a line.")
]
NormalizeOption = Annotated[
    bool, typer.Option("--normalize", help="Numbers in digits, sentences with a capital.")
]
OutOption = Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into; made if need be.")]
DeviceOption = Annotated[str, typer.Option(metavar="ID|none", help="As `hearsight devices` lists it.")]
ManifestArgument = Annotated[Path, typer.Argument(metavar="MANIFEST", help="JSON lines: docs/manifest.md.")]


@app.command()
def transcribe(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Recordings or addresses.")],
    format: Annotated[CaptionFormat, typer.Option(help="Form of the transcript.")] = CaptionFormat.txt,
    modality: ModalityOption = ModalityChoice.av,
    model: ModelOption = "small",
    beam: BeamOption = 4,
    hotwords: HotwordsOption = None,
    normalize: NormalizeOption = False,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Play at its own pace; jsonl says when each event came.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here; only with a single input.")
    ] = None,
) -> None:
    """Print what the person in a recording says."""
    from hearsight.captions.normalising import form_of_text
    from hearsight.captions.transcript import write_transcript
    from hearsight.recognizer import Recognizer
    from hearsight.recognizer.biasing import read_hotwords

    if output is not None and len(inputs) > 1:
        raise HearsightError("--output takes the transcript of one input: give the inputs one at a time")
    phrases = None if hotwords is None else read_hotwords(hotwords)
    recognizer = Recognizer.load(model, beam_width=beam, modality=modality.value, hotwords=phrases)
    form = form_of_text(recognizer.bundle.config.language, normalize=normalize)
    refused = False
    for source in inputs:
        if len(inputs) > 1 and format is CaptionFormat.txt:
            typer.echo(f"==> {source} <==")
        try:
            events = map(form, recognizer.transcribe(source, realtime=realtime))
            write_transcript(events, format.value, output)
        except HearsightError as error:
            complain(error)
            refused = True
    if refused:
        raise typer.Exit(2)


@app.command()
def live(
    camera: DeviceOption = "default",
    microphone: DeviceOption = "default",
    input: Annotated[
        str | None, typer.Option(metavar="X", help="Instead of both, what FFmpeg opens; a file is played.")
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="F", help="FFmpeg's format of the input, such as lavfi.")
    ] = None,
    modality: ModalityOption = ModalityChoice.av,
    model: ModelOption = "small",
    beam: BeamOption = 4,
    hotwords: HotwordsOption = None,
    normalize: NormalizeOption = False,
    duration: Annotated[
        float | None, typer.Option(min=0.04, metavar="S", help="End after S seconds.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save captions: .vtt, .srt, .jsonl or .txt.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record pictures and sound, as Matroska: .mkv.")
    ] = None,
    noise: Annotated[str | None, typer.Option(metavar="FILE", help="Noise to mix into the sound.")] = None,
    snr: Annotated[
        float | None, typer.Option(metavar="DB", help="Power of the speech over that of the noise.")
    ] = None,
    window: Annotated[
        bool, typer.Option("--window", help="Also a window: picture, mouth and captions.")
    ] = False,
) -> None:
    """Caption what is said before the camera and the microphone, while it is said."""
    from hearsight.captions.live_session import run_live
    from hearsight.captions.normalising import form_of_text
    from hearsight.evaluate.noise import read_noise
    from hearsight.recognizer import Recognizer
    from hearsight.recognizer.biasing import read_hotwords

    phrases = None if hotwords is None else read_hotwords(hotwords)
    recognizer = Recognizer.load(model, beam_width=beam, modality=modality.value, hotwords=phrases)
    form = form_of_text(recognizer.bundle.config.language, normalize=normalize)
    captions = recognizer.live(
        camera=None if camera == "none" else camera,
        microphone=None if microphone == "none" else microphone,
        input=input,
        format=format,
        noise=None if noise is None else read_noise(noise),
        snr_db=snr,
        record=record,
        duration_s=duration,
    )
    run_live(captions, save=save, window=window, form=form)


@app.command()
def devices(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List cameras and microphones with the ids to pass to hearsight live."""
    from hearsight.capture.devices import describe_devices, list_devices

    found = list_devices()
    typer.echo(json.dumps([asdict(each) for each in found], indent=2) if as_json else describe_devices(found))


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="NAME", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 takes any free one.")] = 8765,
    model: ModelOption = "small",
    max_streams: Annotated[int, typer.Option(min=1, metavar="N", help="Live streams at a time.")] = 64,
    token: Annotated[
        str | None,
        typer.Option(envvar="HEARSIGHT_TOKEN", metavar="SECRET", help="What clients have to know."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="Web pages elsewhere that may use it.")
    ] = None,
    onnxruntime_web: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Its dist folder: faces need not leave the browser.")
    ] = None,
) -> None:
    """Serve a page for live captions, a WebSocket, and OpenAI's transcription endpoint."""
    from hearsight.recognizer import Recognizer

    with extra_installed("serve", "serve"):
        from hearsight.serve.admission import Room
        from hearsight.serve.app import Options, serve
    room = Room(max_streams=max_streams)
    options = Options(host, port, token, tuple(allow_origin or ()), room, runtime=onnxruntime_web)
    serve(Recognizer.load(model), options, say=typer.echo)


@app.command()
def inspect(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A recording with a face.")],
    out: OutOption,
) -> None:
    """Show what the face path sees: original, detected, aligned, cropped."""
    from hearsight.face.inspect import inspect

    for path in inspect(source, out):
        typer.echo(path)


@app.command()
def prepare(
    manifest: ManifestArgument,
    out: OutOption,
    split: Annotated[str | None, typer.Option(metavar="S", help="Only the rows of this split.")] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Processes.")] = 1,
) -> None:
    """Turn a manifest's recordings into shards of mouth crops and sound, to train on."""
    from hearsight.lab.data.prepare import prepare

    index = prepare(manifest, out, split=split, workers=workers)
    clips = sum(shard["samples"] for shard in index.shards)
    typer.echo(f"{clips} clips in {len(index.shards)} shards in {out}")
    for skipped in index.skipped:
        complain(f"skipped {skipped['id']}: {skipped['reason']}")


@app.command()
def train(
    data: Annotated[
        list[str], typer.Option(metavar="DIR[=SHARE]", help="Shards, with their share; repeat for several.")
    ],
    validation: Annotated[list[str], typer.Option(metavar="DIR", help="Shards that choose the checkpoint.")],
    out: OutOption,
    size: Annotated[str, typer.Option(help="Named size of the network: small, device, recipe.")] = "small",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Batches to train on.")] = 4000,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Utterances per process.")] = 16,
    processes: Annotated[int, typer.Option(min=1, metavar="N", help="Processes of one thread each.")] = 1,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Its highest value.")] = 1e-3,
    pieces: Annotated[int, typer.Option(min=8, metavar="N", help="Vocabulary of a new training.")] = 256,
    texts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Further sentences for the vocabulary, one a line.")
    ] = None,
    initial: Annotated[
        Path | None, typer.Option(metavar="CHECKPOINT", help="Begin with the weights of another training.")
    ] = None,
    validate_every: Annotated[int, typer.Option(min=1, metavar="N", help="Steps between error rates.")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Of chance.")] = 0,
    bf16: Annotated[bool, typer.Option("--bf16", help="Where the processor has it, twice as fast.")] = False,
) -> None:
    """Train a model on shards; the same command goes on where it was broken off."""
    with extra_installed("train", "lab"):
        from hearsight.lab.data.batches import Source
        from hearsight.lab.train import TrainingOptions, train
        from hearsight.lab.vocabulary import vocabulary_for
    sources = [Source.parse(each) for each in data]
    folders = [source.folder for source in sources]
    options = TrainingOptions(
        sources,
        validation,
        out,
        size=size,
        batch_size=batch_size,
        processes=processes,
        max_steps=steps,
        learning_rate=learning_rate,
        validate_every=validate_every,
        seed=seed,
        bf16=bf16,
        initial=initial,
    )
    typer.echo(train(options, vocabulary_for(folders, out, size=pieces, extra_texts=texts)))


@app.command()
def export(
    checkpoints: Annotated[
        list[Path], typer.Argument(metavar="CHECKPOINT...", help="Of one training; several are averaged.")
    ],
    out: OutOption,
    name: Annotated[str, typer.Option(help="Name of the model.")],
    description: Annotated[str, typer.Option(help="What it is for, in one line.")] = "",
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "unknown",
    origin: Annotated[str, typer.Option(help="What it was made from.")] = "hearsight train",
    card: Annotated[Path | None, typer.Option(metavar="FILE", help="Model card, in Markdown.")] = None,
    validation: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="Shards with word times, to time the words by.")
    ] = None,
    segment: Annotated[int | None, typer.Option(min=1, metavar="FRAMES", help="Another latency.")] = None,
    right_context: Annotated[
        int | None, typer.Option(min=0, metavar="FRAMES", help="Another latency.")
    ] = None,
    fp32: Annotated[bool, typer.Option("--fp32", help="Keep the encoder's matrices as floats.")] = False,
) -> None:
    """Turn trained checkpoints into a bundle, which runs without torch."""
    with extra_installed("export", "lab"):
        from hearsight.lab.export import About, export_checkpoints
    text = f"# {name}\n\n{description}\n" if card is None else read_text(card)
    about = About(name=name, description=description, licence=licence, origin=origin, card=text)
    latency = (segment, right_context)
    typer.echo(export_checkpoints(checkpoints, out, about, validation or [], latency=latency, int8=not fp32))


@app.command()
def evaluate(
    manifest: ManifestArgument,
    split: Annotated[
        list[str] | None, typer.Option(metavar="S", help="Only this split; may be given several times.")
    ] = None,
    modality: ModalityOption = ModalityChoice.av,
    model: ModelOption = "small",
    beam: BeamOption = 4,
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
    beam: BeamOption = 4,
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
        models=model or ["small"],
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


def read_text(path: Path) -> str:
    """The content of a text file that was named on the command line."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HearsightError(f"{path} cannot be read as text ({error}): check the path") from error


def complain(problem: object) -> None:
    """One line on standard error."""
    typer.echo(f"hearsight: {' '.join(str(problem).split())}", err=True)


@contextmanager
def extra_installed(verb: str, extra: str) -> Iterator[None]:
    """Say how to install what a verb imports beyond the ordinary, where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "hearsight").split(".")[0] == "hearsight":
            raise
        raise HearsightError(
            f"hearsight {verb} needs {error.name}, which is not installed: pip install 'hearsight[{extra}]'"
        ) from error


def main() -> None:
    """Entry point of the command ``hearsight``."""
    # OpenCV reads it when it is imported; for pictures of this size a second thread is only overhead.
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
    app()
