"""How long the second pass takes for an utterance.

    python benchmarks/second_pass_cost.py MANIFEST [--split S ...] [--model M] [--modality A]

Transcribes the recordings and prints, by length of the utterance, how long its final was read (a beam of
texts) and how long the readings for partials took.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from hearsight import Recognizer
from hearsight.assets import DEFAULT_MODEL
from hearsight.capture.files import read_chunks
from hearsight.evaluate.manifest import read_manifest
from hearsight.large_pages import begin_with_large_pages
from hearsight.types import FRAME_RATE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--modality", choices=("av", "audio", "video"), default="av")
    options = parser.parse_args()
    recognizer = Recognizer.load(options.model, finals="two-pass")
    taken = timed(recognizer)
    for row in read_manifest(options.manifest, splits=tuple(options.split)):
        stream = recognizer.stream(options.modality)
        for chunk in read_chunks(row.media):
            stream.push_chunk(chunk)
        stream.finish()
    print(
        "| utterance | finals | seconds, median | longest | readings along | median | longest |\n|"
        + " --- |" * 7
    )
    for seconds in sorted({at for _, at in taken}):
        cells = []
        for kind in ("tokens", "glance"):
            times = taken.get((kind, seconds), [])
            cells += [
                str(len(times)),
                *([f"{np.median(times):.2f}", f"{max(times):.2f}"] if times else ["", ""]),
            ]
        print(f"| {seconds} to {seconds + 2} s | {' | '.join(cells)} |")


def timed(recognizer: Recognizer) -> dict[tuple[str, int], list[float]]:
    """Let the second pass note how long it takes, by kind and by length in steps of 2 s."""
    second_pass: Any = recognizer.bundle.second_pass
    taken: dict[tuple[str, int], list[float]] = defaultdict(list)
    inner, inside = {"tokens": second_pass.tokens, "glance": second_pass.glance}, []

    def wrapped(kind: str) -> Any:
        def call(features: Any, *others: Any) -> Any:
            inside.append(kind)
            began = time.perf_counter()
            result = inner[kind](features, *others)
            seconds = time.perf_counter() - began
            inside.pop()
            if not inside:  # a glance reads tokens, too
                taken[kind, int(len(features) / FRAME_RATE) // 2 * 2].append(seconds)
            return result

        return call

    second_pass.tokens, second_pass.glance = wrapped("tokens"), wrapped("glance")
    return taken


if __name__ == "__main__":
    begin_with_large_pages()
    main()
