"""What drawn faces do for real ones: a training on real faces, with and without lips that drawn ones taught.

    python benchmarks/drawn_faces.py CHECKPOINT SHARDS MANIFEST --noise FILE --out DIR [--lips LIPS.ckpt]
        [--steps 736] [--seed 0] [--validation DIR] [--split S ...]

Takes the weights of CHECKPOINT (such as ``tools/bundle_to_checkpoint.py`` makes of `small`) but for its lips
and its fusion, which begin anew, or with those of ``hearsight lips``; trains on SHARDS, a third of
the examples by lips alone; and prints a row of words wrong in percent: for each split of MANIFEST by lips
alone, with both senses, and with both in noise at 0 and -5 dB. Goes on where it was broken off.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from hearsight.evaluate.run import measure
from hearsight.evaluate.word_errors import pooled
from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.data.batches import Source
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.export import About, export_checkpoints
from hearsight.lab.train import TrainingOptions, train
from hearsight.types import Modality

CELLS: tuple[tuple[Modality, float | None], ...] = (
    ("video", None),
    ("av", None),
    ("av", 0.0),
    ("av", -5.0),
)
ANEW = ("video.", "fusion.")
SENSES = (0.5, 0.15, 0.35)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("shards")
    parser.add_argument("manifest")
    parser.add_argument("--noise", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lips", type=Path)
    parser.add_argument("--steps", type=int, default=736)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation", help="shards; those trained on if not given")
    parser.add_argument("--split", action="append", default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = read_checkpoint(options.checkpoint)
    trained = train(training(options, begun(options.checkpoint, options.out, ANEW)), checkpoint.pieces)
    bundle = exported(trained, options.out / "bundle")
    splits = options.split or ["dev_seen", "dev_unseen"]
    cells = [
        words_wrong(options, bundle, split, modality, snr) for split in splits for modality, snr in CELLS
    ]
    print(f"| {'with' if options.lips else 'without'}, seed {options.seed} | {' | '.join(cells)} |")


def begun(path: Path, out: Path, anew: tuple[str, ...]) -> Path:
    """The checkpoint without the parts that begin anew."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    content["state_dict"] = {
        name: value
        for name, value in content["state_dict"].items()
        if not name.removeprefix("model.").startswith(anew)
    }
    torch.save(content, initial := out / "initial.ckpt")
    return initial


def training(options: argparse.Namespace, initial: Path) -> TrainingOptions:
    """One that is as short as it may be."""
    return TrainingOptions(
        [Source.parse(options.shards)],
        [options.validation or options.shards],
        options.out,
        max_steps=options.steps,
        warmup_steps=50,
        frame_steps=50,
        ramp_steps=50,
        gentle_steps=200,
        average_decay=0.98,
        validate_every=options.steps,
        seed=options.seed,
        bf16=True,
        initial=initial,
        lips=options.lips,
        augmentation=Augmentation.chosen(SENSES, 1.0, 0.6, 0.0),
    )


def exported(checkpoints: Path, bundle: Path) -> Path:
    """The bundle of a training's last checkpoint."""
    about = About(name=bundle.parent.name, description="", licence="", origin="", card="")
    return export_checkpoints([max(checkpoints.glob("step*.ckpt"))], bundle, about, [])


def words_wrong(
    options: argparse.Namespace, bundle: Path, split: str, modality: Modality, snr: float | None
) -> str:
    """In percent."""
    noise = None if snr is None else options.noise
    measured = measure(
        options.manifest, model=bundle, splits=[split], modality=modality, noise=noise, snr_db=snr
    )
    return f"{pooled([scored.counts for scored in measured.scored]).percent:.1f}"


if __name__ == "__main__":
    main()
