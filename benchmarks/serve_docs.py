"""Writes what `serve_load` has measured into docs/serve.md, and its curve into docs/pictures.

    python -m benchmarks.serve_load CLIP --streams 4,8,16,24,32 --arrivals 40 --cores 0,1 --out load
    python -m benchmarks.serve_load CLIP --streams 16 --format crops --cores 0,1 --out load
    python -m benchmarks.serve_load CLIP --streams 8 --separate --cores 0,1 --out load/separate
    python -m benchmarks.serve_docs load

What stands between the two comments in docs/serve.md is replaced.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.serve_curve import milliseconds, plot
from benchmarks.serve_load import GOAL_S

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- measured: benchmarks/serve_docs.py -->", "<!-- until here -->"
WIDTH = 120
HEADS = (
    "streams",
    "half of the events within",
    "95 % within",
    "99 % within",
    "processors busy",
    "CPU seconds a second and stream",
    "memory",
)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def seconds(value: float) -> str:
    return milliseconds(value) if value < 1 else f"{value:.1f} s"


def table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}"]
    for row in rows:
        lags = [seconds(row[key]) for key in ("median_s", "p95_s", "p99_s")]
        busy = row["cpu_share"] + row["cpu_clients"]
        cells = [
            row["streams"],
            *lags,
            f"{busy:.2f}",
            f"{row['cpu_per_stream']:.3f}",
            f"{row['memory_mb']:,} MB",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def admitted(arrivals: dict[str, Any]) -> str:
    """What became of streams that came one after the other."""
    before, after = (arrivals[part]["p95_s"] for part in ("before", "after"))
    told = (
        "Those are streams let in whatever they cost. Left to itself the server takes no more than it "
        f"can carry: of {arrivals['came']} that came one a second (`--arrivals {arrivals['came']}`) it "
        f"took {arrivals['taken']}"
    )
    if arrivals["first_refused_s"] is None:
        return f"{told}; 95 % of their events came within {seconds(before)}."
    return (
        f"{told} and answered the others that it is busy; 95 % of the events of those that ran came within "
        f"{seconds(before)} before the first refusal, and within {seconds(after)} after it."
    )


def compared(row: dict[str, Any], crops: dict[str, Any]) -> str:
    """With a process for each stream, and with streams whose mouths the browser crops."""
    other, cost = row["separate"], row["cpu_per_stream"]
    return (
        f"With a process for each of {row['streams']} streams (`--separate`, on the same processors) a "
        f"stream takes {other['cpu_per_stream']:.3f} CPU seconds a second, with one server {cost:.3f}, "
        f"which is {cost / other['cpu_per_stream']:.2f} of it; all take {other['memory_mb']:,} MB, with "
        f"one server {row['memory_mb']:,}. For more people let browsers crop: {crops['streams']} streams "
        f"of mouth crops and sound (`--format crops`) take {crops['cpu_per_stream']:.3f} CPU seconds "
        f"each, 95 % of their events come within {seconds(crops['p95_s'])}."
    )


def wrapped(text: str) -> str:
    """In lines, of which none breaks inside code."""
    lines = [""]
    for word in re.findall(r"(?:`[^`]*`|\S)+", text):
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return "\n".join(lines)


def measured(folder: Path) -> tuple[str, str]:
    """What goes into the page, and the picture."""
    curve = read(folder / "serve_load_webm.json")
    [crops] = read(folder / "serve_load_crops.json")["streams"]
    [separate] = read(folder / "separate" / "serve_load_webm.json")["streams"]
    told = [wrapped(admitted(curve["arrivals"])), wrapped(compared(separate, crops))]
    parts = [table(curve["streams"]), "![Lag against streams](pictures/serve-load.svg)", *told]
    return "\n\n".join(parts), plot(curve["streams"], GOAL_S)


def replaced(page: str, text: str) -> str:
    """The page with another text between the two comments."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("folder", type=Path, help="where the results of `serve_load` lie")
    text, picture = measured(about.parse_args().folder)
    page = DOCS / "serve.md"
    page.write_text(replaced(page.read_text(), text))
    (DOCS / "pictures" / "serve-load.svg").write_text(picture)


if __name__ == "__main__":
    main()
