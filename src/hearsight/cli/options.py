"""Options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ModalityChoice(StrEnum):
    """Senses to recognise by."""

    av = "av"
    audio = "audio"
    video = "video"


class FinalsChoice(StrEnum):
    """Who writes the finals."""

    one = "one-pass"
    two = "two-pass"


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
BeamOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Hypotheses kept; the model says how many, 1 is quickest."),
]
ReportOption = Annotated[ReportFormat, typer.Option(help="For people or for programs.")]
HotwordsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Phrases that are likely to be said, one a line.")
]
NormalizeOption = Annotated[
    bool, typer.Option("--normalize", help="Numbers in digits, sentences with a capital.")
]
FinalsOption = Annotated[
    FinalsChoice | None,
    typer.Option(help="Read each utterance once more when it is over; if the model can, unless you say."),
]
OutOption = Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into; made if need be.")]
DeviceOption = Annotated[str, typer.Option(metavar="ID|none", help="As `hearsight devices` lists it.")]
ManifestArgument = Annotated[Path, typer.Argument(metavar="MANIFEST", help="JSON lines: docs/manifest.md.")]
