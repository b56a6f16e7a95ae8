"""Verbs that caption: recordings, live input, other programs' streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hearsight.assets import DEFAULT_MODEL
from hearsight.cli.app import app, complain, extra_installed
from hearsight.cli.options import (
    BeamOption,
    CaptionFormat,
    DeviceOption,
    FinalsOption,
    HotwordsOption,
    ModalityChoice,
    ModalityOption,
    ModelOption,
    NormalizeOption,
    OutOption,
)
from hearsight.errors import HearsightError

if TYPE_CHECKING:
    from hearsight.types import Event


@app.command()
def transcribe(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Recordings or addresses.")],
    format: Annotated[CaptionFormat, typer.Option(help="Form of the transcript.")] = CaptionFormat.txt,
    modality: ModalityOption = ModalityChoice.av,
    model: ModelOption = DEFAULT_MODEL,
    beam: BeamOption = None,
    hotwords: HotwordsOption = None,
    normalize: NormalizeOption = False,
    finals: FinalsOption = None,
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
    recognizer = Recognizer.load(
        model,
        beam_width=beam,
        modality=modality.value,
        hotwords=phrases,
        finals=None if finals is None else finals.value,
    )
    form = form_of_text(recognizer.bundle.config.language, normalize=normalize)
    refused = False
    for source in inputs:
        if len(inputs) > 1 and format is CaptionFormat.txt:
            typer.echo(f"==> {source} <==")
        try:
            events = _or_say_so(map(form, recognizer.transcribe(source, realtime=realtime)), source)
            write_transcript(events, format.value, output)
        except HearsightError as error:
            complain(error)
            refused = True
    if refused:
        raise typer.Exit(2)


def _or_say_so(events: Iterator[Event], source: str) -> Iterator[Event]:
    """The events; if there is no final among them, whoever waits for a transcript is told so."""
    said = False
    for event in events:
        said = said or event.kind == "final"
        yield event
    if not said:
        complain(f"{source}: no words were recognised")


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
    model: ModelOption = DEFAULT_MODEL,
    beam: BeamOption = None,
    hotwords: HotwordsOption = None,
    normalize: NormalizeOption = False,
    finals: FinalsOption = None,
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
    from hearsight.recognizer import Recognizer, memory
    from hearsight.recognizer.biasing import read_hotwords

    memory.keep_little()
    phrases = None if hotwords is None else read_hotwords(hotwords)
    recognizer = Recognizer.load(
        model,
        beam_width=beam,
        modality=modality.value,
        hotwords=phrases,
        finals=None if finals is None else finals.value,
    )
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
    model: ModelOption = DEFAULT_MODEL,
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
