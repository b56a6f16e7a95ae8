"""Shows what `serve_load.py` has measured: a table, a sentence, and the curve as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

CURVES = (
    ("p99_s", "99 % within", "#cc79a7"),
    ("p95_s", "95 % within", "#d55e00"),
    ("median_s", "half within", "#0072b2"),
)
LAGS = ("median_s", "p95_s", "p99_s", "worst_s")


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """For people."""
    heads = [
        "streams",
        "taken",
        "median lag",
        "p95 lag",
        "p99 lag",
        "worst",
        "processors",
        "for the clients",
        "CPU s per stream s",
        "memory",
    ]
    if separate := any("separate" in row for row in rows):
        heads += ["as processes: p95 lag", "CPU s per stream s", "memory"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in rows:
        cells = [row["streams"], row["taken"], *(milliseconds(row[key]) for key in LAGS)]
        cells += [row["cpu_share"], row["cpu_clients"], row["cpu_per_stream"], f"{row['memory_mb']} MB"]
        if separate:
            other = row["separate"]
            cells += [milliseconds(other["p95_s"]), other["cpu_per_stream"], f"{other['memory_mb']} MB"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def sentence(arrivals: dict[str, Any]) -> str:
    """What became of streams that came one after the other."""
    came = f"{arrivals['came']} streams came, one a second: {arrivals['taken']} were taken"
    if arrivals["first_refused_s"] is None:
        return f"{came}, none refused; 95 % of events within {milliseconds(arrivals['before']['p95_s'])}."
    before, after = (milliseconds(arrivals[part]["p95_s"]) for part in ("before", "after"))
    return (
        f"{came}, the others refused ({', '.join(arrivals['refused'])}) from second "
        f"{arrivals['first_refused_s']} on. 95 % of the events of those that ran: within {before} before, "
        f"{after} after."
    )


def plot(rows: Sequence[dict[str, Any]], goal_s: float) -> str:
    """The curve as SVG: percentiles of the lag against the number of streams, and the goal."""
    rows = [row for row in rows if row["p95_s"] is not None]
    width, height, left, bottom = 640, 400, 60, 50
    most = max(row["streams"] for row in rows)
    top_s = max(1.0, min(5.0, 1.1 * max(row["p95_s"] for row in rows)))

    def x(streams: float) -> float:
        return left + (width - left - 20) * streams / most

    def y(seconds: float) -> float:
        return (height - bottom) * (1 - min(seconds, top_s) / top_s) + 10

    parts = [
        f'<line x1="{left}" x2="{width - 20}" y1="{y(goal_s):.1f}" y2="{y(goal_s):.1f}" stroke="#888" '
        'stroke-dasharray="5 4"/>',
        f'<path d="M{left} 10 V{height - bottom + 10} H{width - 20}" fill="none" stroke="black"/>',
        f'<text x="{width / 2}" y="{height - 5}" text-anchor="middle">live streams</text>',
        f'<text x="{left + 8}" y="20">lag of events, s</text>',
    ]
    for seconds in np.arange(0, top_s + 0.01, 0.5 if top_s > 2 else 0.1):
        parts.append(f'<text x="{left - 8}" y="{y(seconds) + 4:.1f}" text-anchor="end">{seconds:g}</text>')
    for row in rows:
        place = f'x="{x(row["streams"]):.1f}" y="{height - bottom + 28}"'
        parts.append(f'<text {place} text-anchor="middle">{row["streams"]}</text>')
    for key, name, colour in CURVES:
        points = " ".join(f"{x(row['streams']):.1f},{y(row[key]):.1f}" for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        end = f'x="{width - 24}" y="{y(rows[-1][key]) - 6:.1f}"'
        parts.append(f'<text {end} text-anchor="end" fill="{colour}">{name}</text>')
    parts.insert(0, f'<rect width="{width}" height="{height}" fill="white"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    return f'{head}font-family="sans-serif" font-size="12">{"".join(parts)}</svg>\n'
