"""How right the text on the screen is while somebody speaks.

    python benchmarks/partials.py MANIFEST [--split S ...] [--model M] [--modality A] [--limit N]

Pushes each recording and prints word error rates of what was shown last before each final, beside those of
the finals, with one pass and with two.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from hearsight import Recognizer
from hearsight.assets import DEFAULT_MODEL
from hearsight.capture.files import read_chunks
from hearsight.evaluate.manifest import read_manifest
from hearsight.evaluate.word_errors import WordErrors, count_errors, pooled
from hearsight.types import Modality


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--modality", choices=("av", "audio", "video"), default="av")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    rows = read_manifest(options.manifest, splits=tuple(options.split))[: options.limit]
    print("| passes | last partials, words wrong % | finals | real-time factor |\n| --- | --- | --- | --- |")
    for finals in ("one-pass", "two-pass"):
        recognizer = Recognizer.load(options.model, finals=finals)
        shown, ended, taken_s, heard_s = list[WordErrors](), list[WordErrors](), 0.0, 0.0
        for row in rows:
            before, after, seconds, cost = last_shown(recognizer, row.media, options.modality)
            shown.append(count_errors(row.text, before))
            ended.append(count_errors(row.text, after))
            taken_s, heard_s = taken_s + cost, heard_s + seconds
        cells = f"{pooled(shown).percent:.1f} | {pooled(ended).percent:.1f} | {taken_s / heard_s:.3f}"
        print(f"| {finals} | {cells} |", flush=True)


def last_shown(
    recognizer: Recognizer, media: str | Path, modality: Modality
) -> tuple[str, str, float, float]:
    """The last partial of each utterance, the finals, seconds of input, seconds of processor time."""
    stream = recognizer.stream(modality)
    partial, shown, finals, ticks = "", list[str](), list[str](), 0
    begun = time.process_time()
    for chunk in read_chunks(media):
        ticks += len(chunk)
        for event in stream.push_chunk(chunk):
            if event.kind == "final":
                shown, finals, partial = [*shown, partial], [*finals, event.text], ""
            else:
                partial = event.text
    for event in stream.finish():
        if event.kind == "final":
            shown, finals, partial = [*shown, partial], [*finals, event.text], ""
        else:
            partial = event.text
    return " ".join(shown), " ".join(finals), ticks / 25, time.process_time() - begun


if __name__ == "__main__":
    main()
