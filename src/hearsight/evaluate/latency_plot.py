"""A measurement of latency as a picture: how many words are shown how long after they were spoken (SVG)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from hearsight.errors import HearsightError
from hearsight.evaluate.latency_run import ModelLatency

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 60, 200, 20, 50
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by the colour-blind: Okabe and Ito, "Color Universal Design" (2008)."""
TICK_MS = 500


def check_plot_path(path: Path) -> Path:
    """The path, if a plot can be written there.

    Raises:
        HearsightError: it does not end in ``.svg``.
    """
    if path.suffix.lower() != ".svg":
        raise HearsightError(f"{path}: plots are written as SVG: name a file that ends in .svg")
    return path


def write_plot(models: Sequence[ModelLatency], path: Path) -> None:
    """Draw what share of the words has been shown (solid) and is final (dashed) at each time after their end.

    Raises:
        HearsightError: the file cannot be written.
    """
    try:
        path.write_text(draw(models), encoding="utf-8")
    except OSError as error:
        raise HearsightError(f"{path} cannot be written ({error.strerror}): name another file") from error


def draw(models: Sequence[ModelLatency]) -> str:
    """The picture as SVG."""
    measured = [model for model in models if any(one.latencies for one in model.played)]
    values = [1000 * value for model in measured for kind in _seconds(model) for value in kind]
    low = TICK_MS * np.floor(min(values, default=0.0) / TICK_MS)
    high = max(TICK_MS * np.ceil(max(values, default=0.0) / TICK_MS), low + TICK_MS)
    axes = _Axes(float(low), float(high))
    parts = [*axes.frame()]
    for index, model in enumerate(measured):
        colour = COLOURS[index % len(COLOURS)]
        for seconds, dashes in zip(_seconds(model), ("", ' stroke-dasharray="6 4"'), strict=True):
            parts.append(axes.curve(seconds, f'stroke="{colour}"{dashes}'))
        parts += _legend(index, model, colour)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _seconds(model: ModelLatency) -> tuple[list[float], list[float]]:
    """Until words are shown, and until they are final."""
    words = [word for one in model.played for word in one.latencies]
    return [word.shown_s for word in words], [word.final_s for word in words]


def _legend(index: int, model: ModelLatency, colour: str) -> Iterator[str]:
    x, y = WIDTH - RIGHT + 16, TOP + 16 + 52 * index
    name = Path(model.model).name
    latency = f"{1000 * model.segment_s:.0f} + {1000 * model.right_context_s:.0f} ms"
    yield f'<text x="{x}" y="{y}" font-weight="bold" fill="{colour}">{escape(name)}, {latency}</text>'
    for row, (label, dashes) in enumerate((("shown", ""), ("final", ' stroke-dasharray="6 4"')), 1):
        line = y + 16 * row - 4
        yield f'<path d="M{x} {line}h28" stroke="{colour}" stroke-width="2"{dashes}/>'
        yield f'<text x="{x + 36}" y="{line + 4}">{label}</text>'


class _Axes:
    """Milliseconds to the right, percent upwards."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def x(self, ms: float) -> float:
        return LEFT + (ms - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def y(self, percent: float) -> float:
        return HEIGHT - BOTTOM - percent / 100 * (HEIGHT - TOP - BOTTOM)

    def frame(self) -> Iterator[str]:
        """Lines, numbers and what they mean."""
        for percent in range(0, 101, 10):
            y = self.y(percent)
            yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent}</text>'
        for ms in np.arange(self.low, self.high + 1, TICK_MS):
            x = self.x(float(ms))
            yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
            yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{ms:.0f}</text>'
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">ms after the end of the word</text>'
        yield (
            f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">% of words</text>'
        )

    def curve(self, seconds: Sequence[float], style: str) -> str:
        """A step upwards for each word."""
        points = [f"M{self.x(self.low):.1f} {self.y(0):.1f}"]
        for index, ms in enumerate(1000 * np.sort(seconds), 1):
            points.append(f"H{self.x(float(ms)):.1f}V{self.y(100 * index / len(seconds)):.1f}")
        points.append(f"H{self.x(self.high):.1f}")
        return f'<path d="{"".join(points)}" fill="none" stroke-width="2" {style}/>'
