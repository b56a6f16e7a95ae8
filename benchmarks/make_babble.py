"""Mixes many voices of a speech corpus into a recording of babble, the same for the same seed.

    python benchmarks/make_babble.py CORPUS babble.wav

CORPUS is a folder of synthetic speech as ``hearsight.lab.data.speech_corpus`` reads it. The voices are those
of one split, so that the babble of the development figures is of voices that no training has heard.
"""

from __future__ import annotations

import argparse
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hearsight.lab.data.speech_corpus import read_sentence
from hearsight.types import SAMPLE_RATE

PEAK = 0.5
"""Of the babble, of full scale."""


def babble(
    corpus: Path, *, split: str = "dev", voices: int = 12, seconds: float = 120.0, seed: int = 0
) -> NDArray[np.float32]:
    """``(seconds * 16000,)``: talkers of equal power, each saying sentence after sentence in random order."""
    manifest = (corpus / "manifest.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, manifest) if row["split"] == split]
    generator = np.random.default_rng(seed)
    length = round(seconds * SAMPLE_RATE)
    mixed = np.zeros(length)
    for _ in range(voices):
        mixed += talker(corpus, rows, length, generator)
    return (PEAK * mixed / np.abs(mixed).max()).astype(np.float32)


def talker(
    corpus: Path, rows: list[dict[str, Any]], length: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """One voice of power 1, which is in the middle of a sentence when it begins."""
    parts: list[NDArray[np.float32]] = []
    begun = int(generator.integers(SAMPLE_RATE))
    while sum(map(len, parts)) < length + begun:
        samples = read_sentence(corpus, rows[generator.integers(len(rows))]).samples
        assert samples is not None
        parts.append(samples / np.sqrt(np.mean(np.square(samples))))
    return np.concatenate(parts)[begun : begun + length]


def write_wav(path: Path, samples: NDArray[np.float32]) -> None:
    """16 kHz, mono, 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", default="dev")
    parser.add_argument("--voices", type=int, default=12, help="talkers at a time")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    samples = babble(
        options.corpus,
        split=options.split,
        voices=options.voices,
        seconds=options.seconds,
        seed=options.seed,
    )
    write_wav(options.out, samples)


if __name__ == "__main__":
    main()
