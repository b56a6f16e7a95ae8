"""Word errors of a model on shards of mouth crops and sound, such as drawn faces that nobody has trained on.

    python benchmarks/shard_words.py SHARDS [--model M] [--noise FILE --snr DB ...] [--finals F] [--limit N]

Pushes the crops and the sound of each sample through a stream and prints word error rates of both senses, of
sound alone and of pictures alone, clean and at each level.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from numpy.typing import NDArray

from hearsight import Recognizer
from hearsight.assets import DEFAULT_MODEL
from hearsight.evaluate.noise import add_noise, read_noise
from hearsight.evaluate.word_errors import WordErrors, count_errors, pooled
from hearsight.lab.data.shards import Sample, find_shards, read_shards
from hearsight.types import CROP_SIZE, Crops, Modality

MODALITIES: tuple[Modality, ...] = ("av", "audio", "video")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shards")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--noise")
    parser.add_argument("--snr", type=float, action="append", default=[])
    parser.add_argument("--finals", choices=("one-pass", "two-pass"), action="append", default=[])
    parser.add_argument("--limit", type=int, help="samples at most")
    options = parser.parse_args()
    if (options.noise is None) != (not options.snr):
        parser.error("noise and its levels go together: give both --noise FILE and --snr DB")
    samples = list(itertools.islice(read_shards(find_shards(options.shards)), options.limit))
    levels = [None, *options.snr]
    noise = None if options.noise is None else read_noise(options.noise)
    heads = " | ".join("clean" if level is None else f"{level:g} dB" for level in levels)
    print(f"{len(samples)} samples; words wrong %\n")
    print(f"| finals, senses | {heads} |\n| --- |{' --- |' * len(levels)}")
    for finals in options.finals or [None]:
        recognizer = Recognizer.load(options.model, finals=finals)
        for modality in MODALITIES:
            cells = []
            for level in levels:
                errors = [
                    word_errors(recognizer, sample, heard(sample, noise, level), modality)
                    for sample in samples
                ]
                cells.append(f"{pooled(errors).percent:.1f}")
            print(f"| {finals or 'as loaded'}, {modality} | {' | '.join(cells)} |", flush=True)


def heard(sample: Sample, noise: NDArray[np.float32] | None, level: float | None) -> NDArray[np.float32]:
    """The sound ``(ticks * 640,)`` of a sample, perhaps in noise."""
    assert sample.samples is not None
    if noise is None or level is None:
        return sample.samples
    return add_noise(sample.samples, noise, level, key=sample.id)


def word_errors(
    recognizer: Recognizer, sample: Sample, sound: NDArray[np.float32], modality: Modality
) -> WordErrors:
    """Of one sample."""
    pixels = sample.pixels
    if pixels is None:
        pixels = np.zeros((sample.ticks, CROP_SIZE, CROP_SIZE), np.uint8)
    stream = recognizer.stream(modality)
    present = np.ones(sample.ticks, np.bool_)
    events = stream.push_crops(Crops(0, pixels, sample.video_present), sound, present)
    finals = [event.text for event in [*events, *stream.finish()] if event.kind == "final"]
    return count_errors(sample.text, " ".join(finals))


if __name__ == "__main__":
    main()
