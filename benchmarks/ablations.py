"""What parts of the training are worth: short trainings with one thing changed each.

    python -m benchmarks.ablations CHECKPOINT SHARDS[=SHARE] ... --manifest M --validation DIR --noise FILE
        --out DIR [--change NAME ...] [--steps 250] [--seed 0] [--split S ...]

Takes the weights of CHECKPOINT (such as ``tools/bundle_to_checkpoint.py`` makes of `small`) but for those
that hear and its fusion, which begin anew, and trains by sound alone as ``hearsight train`` does, with
shorter ramps. Prints a row for each change: minutes of training, and words wrong in percent for each split
of the manifest, clean, at 10 dB and at 0 dB. Goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.drawn_faces import begun, exported, words_wrong
from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.data.augment_audio import AudioAugmentation
from hearsight.lab.data.batches import Source
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.train import TrainingOptions, train

ANEW = ("audio.",)
LEVELS = (None, 10.0, 0.0)
SOUND = (0.0, 1.0, 0.0)
"""Shares of both senses, of sound and of pictures."""
MILD = Augmentation(
    audio=AudioAugmentation(
        noise=0.5, lowest_snr=0.0, reverberation=0.0, telephone=0.0, colour=0.0, time_masks=0.0
    ),
    modes=SOUND,
    running=0.0,
    speed_range=(0.95, 1.05),
)


def augmented(**changes: object) -> Callable[[TrainingOptions], TrainingOptions]:
    """The same training with another augmentation."""

    def change(options: TrainingOptions) -> TrainingOptions:
        augmentation = dataclasses.replace(options.augmentation, **changes)  # type: ignore[arg-type]
        return dataclasses.replace(options, augmentation=augmentation)

    return change


CHANGES: dict[str, Callable[[TrainingOptions], TrainingOptions]] = {
    "nothing": lambda options: options,
    "pruned loss": lambda options: dataclasses.replace(options, pruned=True),
    "no framewise targets": lambda options: dataclasses.replace(options, frame_weight=0.0, frame_steps=0),
    "mild augmentation": lambda options: dataclasses.replace(options, augmentation=MILD),
    "one speed": augmented(speed=0.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("shards", nargs="+")
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--validation", required=True)
    parser.add_argument("--noise", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--change", action="append", default=[], choices=list(CHANGES))
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", action="append", default=[])
    options = parser.parse_args()
    for name in options.change or CHANGES:
        print(row(options, name), flush=True)


def row(options: argparse.Namespace, name: str) -> str:
    """One training and what it came to."""
    out = options.out / f"{name.replace(' ', '-')}-{options.seed}"
    out.mkdir(parents=True, exist_ok=True)
    initial = begun(options.checkpoint, out, ANEW)
    start = time.monotonic()
    trained = train(CHANGES[name](training(options, initial, out)), read_checkpoint(initial).pieces)
    minutes = (time.monotonic() - start) / 60
    bundle = exported(trained, out / "bundle")
    splits = options.split or ["dev_seen", "dev_unseen"]
    cells = [words_wrong(options, bundle, split, "audio", level) for split in splits for level in LEVELS]
    return f"| {name}, seed {options.seed} | {minutes:.1f} | {' | '.join(cells)} |"


def training(options: argparse.Namespace, initial: Path, out: Path) -> TrainingOptions:
    """One that is as short as it may be."""
    return TrainingOptions(
        [Source.parse(each) for each in options.shards],
        [options.validation],
        out,
        max_steps=options.steps,
        warmup_steps=30,
        frame_steps=30,
        ramp_steps=30,
        gentle_steps=100,
        average_decay=0.98,
        validate_every=options.steps,
        seed=options.seed,
        bf16=True,
        initial=initial,
        augmentation=Augmentation(modes=SOUND, running=0.0),
    )


if __name__ == "__main__":
    main()
