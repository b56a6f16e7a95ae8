"""Shows what `serve_load.py` has measured: a table, a sentence, and the curve as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

CURVES = (
    ("p99_s", "99 % within", "#cc79a7"),
    ("p95_s", "95 % within", "#d55e00"),
    ("median_s", "half within", "#0072b2"),
)
MARKS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Places on the scale of lags."""
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


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 60, 20, 10, 40


class Axes:
    """Places of streams and of lags, which are on a logarithmic scale.

    Args:
        streams: the most.
        lag_s: the largest.
    """

    def __init__(self, streams: int, lag_s: float) -> None:
        self._streams = streams
        self.marks = [mark for mark in MARKS_S if mark <= 1 or mark < 3 * lag_s]

    def x(self, streams: float) -> str:
        """Where a number of streams stands."""
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * streams / self._streams:.1f}"

    def y(self, seconds: float, above: float = 0) -> str:
        """Where a lag stands, or so many points above it."""
        first, last = self.marks[0], self.marks[-1]
        share = math.log(max(seconds, first) / first) / math.log(last / first)
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - share) - above:.1f}"

    def across(self, seconds: float, look: str) -> str:
        """A line at a lag."""
        return f'<path d="M{LEFT} {self.y(seconds)} H{WIDTH - RIGHT}" fill="none" {look}/>'

    def drawn(self, streams: Sequence[int]) -> list[str]:
        """Ground, scales and their names."""
        corner = HEIGHT - BOTTOM
        parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
        for mark in self.marks:
            parts.append(self.across(mark, 'stroke="#e4e4e4"'))
            parts.append(f'<text x="{LEFT - 8}" y="{self.y(mark, -4)}" text-anchor="end">{mark:g} s</text>')
        for each in streams:
            parts.append(f'<text x="{self.x(each)}" y="{corner + 18}" text-anchor="middle">{each}</text>')
        parts.append(f'<path d="M{LEFT} {TOP} V{corner} H{WIDTH - RIGHT}" fill="none" stroke="black"/>')
        parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 5}" text-anchor="middle">live streams</text>')
        parts.append(f'<text x="{LEFT + 12}" y="28" font-weight="bold">lag of events</text>')
        return parts


def plot(rows: Sequence[dict[str, Any]], goal_s: float) -> str:
    """The curve as SVG: percentiles of the lag against the number of streams, and the goal."""
    rows = [row for row in rows if row["p95_s"] is not None]
    axes = Axes(max(row["streams"] for row in rows), max(row["p99_s"] for row in rows))
    parts = axes.drawn([row["streams"] for row in rows])
    goal = f'x="{LEFT + 12}" y="{axes.y(goal_s, 6)}" fill="#555"'
    parts.append(axes.across(goal_s, 'stroke="#888" stroke-dasharray="5 4"'))
    parts.append(f"<text {goal}>at most {goal_s:g} s is wanted of 95 %</text>")
    for number, (key, name, colour) in enumerate(CURVES):
        points = [(axes.x(row["streams"]), axes.y(row[key])) for row in rows]
        line = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(f'<text x="{LEFT + 12}" y="{46 + 16 * number}" fill="{colour}">{name}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    return f'{head}font-family="sans-serif" font-size="12">{"".join(parts)}</svg>\n'
