"""How much corpus two cores make in an hour: spoken by an engine, drawn as mouth crops, in CPU time.

python benchmarks/corpus_speed.py [SENTENCES] [FOLDER OF THE PACKAGES, "" for the usual] [ENGINE]
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import cv2

from hearsight.lab.data.shards import encode_sample
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.engine_names import EngineName
from hearsight.lab.synth.grammars import templates
from hearsight.lab.synth.shards import draw_sentence
from hearsight.lab.synth.speaking import Line, SpeechOptions, read_lines, shard_name, speak_shard


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process and the programs that it runs."""
    start = sum(os.times()[:4])
    work()
    return sum(os.times()[:4]) - start


def main() -> None:
    cv2.setNumThreads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    assets = Assets.open(sys.argv[2] if len(sys.argv) > 2 else None)
    engine = EngineName(sys.argv[3] if len(sys.argv) > 3 else "kokoro")
    with tempfile.TemporaryDirectory() as name:
        folder, options = Path(name), SpeechOptions(dev_share=0, engine=engine)
        (folder / "text.txt").write_text("\n".join(islice(templates(Random(0)), count)))
        lines = read_lines(folder / "text.txt", options)
        rows: list[dict[str, Any]] = []
        crops = 0

        def speak(number: int, some: list[Line]) -> None:
            rows[:] = speak_shard(folder / shard_name(number), some, assets, options).rows

        def draw() -> None:
            nonlocal crops
            crops = 0
            for row in rows:
                sample = draw_sentence(folder, assets, {**row, "copy": 0})
                encode_sample(sample)
                crops += sample.ticks

        speak(0, lines[:6])  # the first time loads the network, dictionaries and voices,
        draw()  # compiles the renderer
        speaking, drawing = cpu_seconds(lambda: speak(1, lines)), cpu_seconds(draw)
        seconds = sum(row["seconds"] for row in rows)
    print(f"{len(rows)} sentences, {seconds:.0f} s")
    print(f"speaking: {speaking / seconds:.2f} CPU-seconds per second")
    print(f"drawing, a new person per sentence, with encoding: {crops / drawing:.0f} crops per CPU-second")
    print(f"hours of spoken and drawn corpus per hour of two cores: {2 * seconds / (speaking + drawing):.1f}")


if __name__ == "__main__":
    main()
