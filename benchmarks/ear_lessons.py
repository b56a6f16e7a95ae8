"""Three ways to an ear that streams: distillation, fine-tuning, and from nothing.

    python -m benchmarks.ear_lessons SHARDS ... --manifest M --split S --out DIR [--steps 375] [--seed 0]
        [--cache DIR]

The same encoder, in its streaming form, learns from as many batches of the same sound: from the published
weights the published features of the clean sound (``python -m hearsight.lab.ear distil``); from the
published weights what makes the published decoder, which is held, say the right text (cross entropy); and
that from random weights. Prints the minutes of each and the words wrong, each ear read by the published
decoder. Goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hearsight.lab.data.batches import Source
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.distil import EarDistillation
from hearsight.lab.ear.distillation import (
    CHECKPOINT,
    Distillation,
    DistilOptions,
    prepare_distillation,
    resumed,
    run,
)
from hearsight.lab.ear.encoder import Encoder
from hearsight.lab.ear.heeding import Heeding
from hearsight.lab.ear.log_mel import relative_to_reference
from hearsight.lab.ear.measure import Setting, measure
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.sounds import Pair, PairStream


class Dictation(Heeding):
    """The published decoder, as a judge of features by the text alone."""

    def cross_entropy(self, features: Tensor, texts: Sequence[str]) -> Tensor:
        """In nats per token."""
        tokens, following = self._tokens(texts)
        return F.nll_loss(self._read(features, tokens).flatten(0, 1), following.flatten(), ignore_index=-1)


class FineTuning(EarDistillation):
    """As usual: what counts is the text."""

    def __init__(self, options: DistilOptions, assets: EarAssets) -> None:
        Distillation.__init__(self, options, assets, self.first(options, assets))
        self.dictation = Dictation(assets, options.batch_size)

    def first(self, options: DistilOptions, assets: EarAssets) -> Encoder:
        """The ear before the first step."""
        return pretrained_encoder(assets, options.chunking)

    def loss(self, lesson: Pair) -> Tensor:
        """See the base class."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.options.bf16):
            heard = relative_to_reference(self.log_mel.whole(lesson.heard))
            features = self.student(heard, lesson.offset)
            return self.dictation.cross_entropy(features, lesson.texts)


class FromNothing(FineTuning):
    """The same without what was published."""

    def first(self, options: DistilOptions, assets: EarAssets) -> Encoder:
        """See the base class."""
        return Encoder(options.chunking)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shards", nargs="+")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=375)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    assets = EarAssets.open(options.cache)
    learnt = []
    for kind in (EarDistillation, FineTuning, FromNothing):
        minutes, path = taught(kind, options, assets)
        print(f"{path.parent.name}: {minutes:.1f} minutes", flush=True)
        learnt.append(path)
    measure(assets, learnt, Setting(options.manifest, tuple(options.split)), offline=False)


def taught(kind: type[EarDistillation], options: argparse.Namespace, assets: EarAssets) -> tuple[float, Path]:
    """Minutes, and the checkpoint."""
    settings = DistilOptions(
        data=[Source.parse(each) for each in options.shards],
        out=options.out / kind.__name__,
        steps=options.steps,
        seed=options.seed,
    )
    prepare_distillation(settings)
    training = resumed(kind(settings, assets))
    pairs = PairStream(
        settings.data,
        settings.mishearing,
        [],
        batch_size=settings.batch_size,
        seed=options.seed * 1_000_003 + training.step,
    )
    begun = time.monotonic()
    run(training, iter(pairs), [])
    return (time.monotonic() - begun) / 60, settings.out / CHECKPOINT


if __name__ == "__main__":
    main()
