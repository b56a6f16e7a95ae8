"""Verbs that make a model: they need the extra ``lab``."""

from __future__ import annotations

import logging
import re
import warnings
from pathlib import Path
from typing import Annotated

import typer

from hearsight.cli.app import app, complain, extra_installed, read_text
from hearsight.cli.options import (
    ManifestArgument,
    OutOption,
)


@app.command()
def prepare(
    manifest: ManifestArgument,
    out: OutOption,
    split: Annotated[str | None, typer.Option(metavar="S", help="Only the rows of this split.")] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only sentences of this source of synthetic speech.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Processes.")] = 1,
) -> None:
    """Turn recordings, or synthetic speech, into shards of mouth crops and sound, to train on."""
    with extra_installed("prepare", "lab"):
        from hearsight.lab.data.prepare import prepare_corpus

    index = prepare_corpus(manifest, out, split=split, source=source, workers=workers)
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
    size: Annotated[str, typer.Option(help="Of the network: small, small-en, device, recipe.")] = "small",
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
    lips: Annotated[
        Path | None,
        typer.Option(metavar="CHECKPOINT", help="Begin with the lips of `hearsight lips`, or of a training."),
    ] = None,
    ear: Annotated[
        Path | None,
        typer.Option(metavar="CHECKPOINT", help="Of the ear of small-en, distilled before."),
    ] = None,
    frozen_senses: Annotated[
        bool, typer.Option("--frozen-senses", help="Ear and eyes of small-en stay as they are.")
    ] = False,
    learning_lips: Annotated[
        bool,
        typer.Option("--learning-lips", help="With --frozen-senses: the lips' own features learn."),
    ] = False,
    pruned: Annotated[
        bool,
        typer.Option("--pruned", help="Join only where alignments are likely to pass: less time a step."),
    ] = False,
    senses: Annotated[
        tuple[float, float, float],
        typer.Option(metavar="AV A V", help="Shares of examples with both senses, sound, pictures alone."),
    ] = (0.5, 0.25, 0.25),
    mishaps: Annotated[
        float, typer.Option(min=0, metavar="X", help="How often lips mislead; 0 never, 2 twice the usual.")
    ] = 1.0,
    recombine: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Share of examples that get words of others.")
    ] = 0.6,
    running: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Share of examples with another one before.")
    ] = 0.25,
    speaker_balance: Annotated[
        float, typer.Option(min=0, max=1, metavar="X", help="1: all speakers are heard equally often.")
    ] = 0.35,
    validate_every: Annotated[int, typer.Option(min=1, metavar="N", help="Steps between error rates.")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Of chance.")] = 0,
    bf16: Annotated[bool, typer.Option("--bf16", help="Where the processor has it, twice as fast.")] = False,
) -> None:
    """Train a model on shards; the same command goes on where it was broken off."""
    with extra_installed("train", "lab"):
        from hearsight.lab.data.batches import Source
        from hearsight.lab.data.examples import Augmentation
        from hearsight.lab.train import TrainingOptions, train
        from hearsight.lab.trainer import first_process_only
        from hearsight.lab.vocabulary import vocabulary_for
    _quieten("lightning.pytorch", "lightning.fabric", "torch")
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
        speaker_balance=speaker_balance,
        augmentation=Augmentation.chosen(senses, mishaps, recombine, running),
        validate_every=validate_every,
        seed=seed,
        bf16=bf16,
        initial=initial,
        lips=lips,
        ear=ear,
        frozen_senses=frozen_senses,
        learning_lips=learning_lips,
        pruned=pruned,
    )
    checkpoints = train(options, vocabulary_for(folders, out, size=pieces, extra_texts=texts))
    first_process_only(typer.echo)(checkpoints)


@app.command()
def lips(
    data: Annotated[
        list[str],
        typer.Option(metavar="DIR[=SHARE]", help="Shards of drawn faces, with their share; several too."),
    ],
    validation: Annotated[str, typer.Option(metavar="DIR", help="Shards of other drawn faces.")],
    out: OutOption,
    size: Annotated[str, typer.Option(help="Of the network whose lips they are to be.")] = "small",
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Batches to train on.")] = 4000,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Parts of clips in a batch.")] = 40,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Its highest value.")] = 2e-3,
    validate_every: Annotated[int, typer.Option(min=1, metavar="N", help="Steps between looks.")] = 200,
    seed: Annotated[int, typer.Option(metavar="N", help="Of chance.")] = 0,
    bf16: Annotated[bool, typer.Option("--bf16", help="Where the processor has it, twice as fast.")] = False,
) -> None:
    """Teach lips from drawn faces to tell phones, for `train --lips`; the same command goes on."""
    with extra_installed("lips", "lab"):
        from hearsight.lab.data.batches import Source
        from hearsight.lab.lips import LipOptions, train_lips
    _quieten("lightning.pytorch", "lightning.fabric", "torch")
    options = LipOptions(
        data=[Source.parse(each) for each in data],
        validation=validation,
        out=out,
        size=size,
        batch_size=batch_size,
        max_steps=steps,
        learning_rate=learning_rate,
        validate_every=validate_every,
        seed=seed,
        bf16=bf16,
    )
    typer.echo(train_lips(options))


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
    _quieten("torch.onnx")
    logging.getLogger().addFilter(lambda record: record.module != "quantize")  # onnxruntime's
    text = f"# {name}\n\n{description}\n" if card is None else read_text(card)
    about = About(name=name, description=description, licence=licence, origin=origin, card=text)
    latency = (segment, right_context)
    typer.echo(export_checkpoints(checkpoints, out, about, validation or [], latency=latency, int8=not fp32))


def _quieten(*libraries: str) -> None:
    """Hints and remarks of a library on its own workings are nothing that the user could mend."""
    for library in libraries:
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=re.escape(library))


@app.command()
def language(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder that gets it.")],
    texts: Annotated[list[Path], typer.Argument(metavar="TEXTFILE...", help="One sentence a line.")],
    words: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Further words that there are, one a line.")
    ] = None,
    dictionary: Annotated[
        bool, typer.Option("--dictionary", help="And those of the dictionary of `hearsight synth`.")
    ] = False,
    most: Annotated[int, typer.Option(min=1000, metavar="N", help="N-grams kept.")] = 120_000,
    weight: Annotated[float, typer.Option(metavar="X", help="Of the n-grams.")] = 0.25,
    internal: Annotated[
        float, typer.Option(metavar="X", help="Of what the transducer expects by itself, taken off.")
    ] = 0.25,
    bonus: Annotated[float, typer.Option(metavar="X", help="For each piece, in natural log.")] = 0.25,
    unknown: Annotated[
        float, typer.Option(metavar="X", help="Cost of a word that is in no list, in natural log.")
    ] = 2.0,
    beam: Annotated[
        int, typer.Option(min=1, metavar="N", help="Hypotheses that are worth keeping with it.")
    ] = 16,
) -> None:
    """Give a bundle a language model, made of text: what is likely to be said, and how it is spelled."""
    with extra_installed("language", "lab"):
        from hearsight.lab.language_model import add_language_model
        from hearsight.lab.synth.assets import Assets
        from hearsight.recognizer.language_model import LanguageModelConfig

    sentences = [line for path in texts for line in read_text(path).splitlines()]
    known = read_text(words).splitlines() if words is not None else []
    if dictionary:
        known += Assets.open().words()
    config = LanguageModelConfig(weight, internal, bonus, unknown)
    spelled = add_language_model(bundle, sentences, known, config, most=most, beam_width=beam)
    typer.echo(f"a language model of {spelled} sentences is in {bundle}")
