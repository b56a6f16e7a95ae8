"""What recognising costs on one core: time, memory, delay, and, on request, disk.

    python benchmarks/cost.py CLIP [--model NAME|DIR] [--install]

Prints one line per figure. Times are CPU seconds, so a busy machine changes them little; run it with
OMP_NUM_THREADS=1 on an idle one for the figures in the documentation, and with GLIBC_TUNABLES= (empty) as
well to see what large pages of memory bring.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from hearsight.assets import DEFAULT_MODEL
from hearsight.large_pages import VARIABLE, begin_with_large_pages

REPOSITORY = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "hearsight"]
PASSES = 5
"""How often the clip is recognised; the median counts."""


def stages(clip: str, model: str) -> dict[str, float]:
    """CPU seconds per second of the clip for decoding, face, and network with beam search."""
    from hearsight.capture.files import read_chunks
    from hearsight.face import FacePath
    from hearsight.recognizer import Recognizer
    from hearsight.types import FRAME_RATE

    recognizer, face = Recognizer.load(model), FacePath.load()
    passes: list[Counter[str]] = []
    for _ in range(PASSES):
        spent, ticks = Counter[str](), 0
        face.reset()
        stream, chunks = recognizer.stream(), read_chunks(clip)
        clock = time.process_time()
        for chunk in chunks:
            ticks += len(chunk)
            clock = lap(spent, "decoding", clock)
            crops = face.process(chunk)
            clock = lap(spent, "face", clock)
            stream.push_crops(crops, chunk.samples, chunk.audio_present)
            clock = lap(spent, "network and beam", clock)
        stream.finish()
        lap(spent, "network and beam", clock)
        passes.append(Counter({stage: seconds * FRAME_RATE / ticks for stage, seconds in spent.items()}))
    middle = median(each.total() for each in passes)
    return next({**each, "all": middle} for each in passes if each.total() == middle)


def lap(spent: Counter[str], stage: str, since: float) -> float:
    now = time.process_time()
    spent[stage] += now - since  # type: ignore[assignment]
    return now


def program(clip: str, model: str) -> tuple[float, float]:
    """Seconds from the start of the program to its first event, and its peak memory in MB."""
    command = [*COMMAND, "transcribe", clip, "--model", model, "--format", "jsonl"]
    started = time.perf_counter()
    # As a user starts it: it has yet to ask for large pages by itself, unless it is not to.
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE or not value}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    first_event = time.perf_counter() - started
    process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    return first_event, usage.ru_maxrss / 1000


def disk() -> tuple[float, float]:
    """MB of a fresh environment beyond an empty one, and of the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        environment, wheels = Path(folder, "environment"), Path(folder, "wheels")
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        empty = size(environment)
        pip = [environment / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", wheels, REPOSITORY], check=True)
        constraints = REPOSITORY / "constraints.txt"
        subprocess.run([*pip, "install", "--constraint", constraints, *wheels.iterdir()], check=True)
        return size(environment) - empty, size(wheels)


def size(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--install", action="store_true", help="also install the package, to see its size")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    first_event, peak = program(options.clip, options.model)
    print(f"first event after process start   {first_event:.2f} s")
    print(f"peak memory                       {peak:.0f} MB")
    for stage, factor in stages(options.clip, options.model).items():
        print(f"real-time factor, {stage:<16} {factor:.4f}")
    if options.install:
        installed, wheel = disk()
        print(f"installed without extras          {installed:.0f} MB")
        print(f"wheel                             {wheel:.1f} MB")


if __name__ == "__main__":
    begin_with_large_pages()
    main()
