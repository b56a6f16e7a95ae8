"""A measurement of latency as text: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from hearsight.evaluate.latency_run import LatencyMeasurement, ModelLatency
from hearsight.evaluate.word_errors import count_errors, pooled

PERCENTILES = (50, 90, 99)


def report(measurement: LatencyMeasurement, form: Literal["table", "json"]) -> str:
    """What a measurement found.

    Args:
        measurement: of one or several models.
        form: ``table`` for people (Markdown, one row a model), ``json`` for programs.
    """
    figures = [summary(latency) for latency in measurement.models]
    if form == "json":
        whole = {"models": figures, "memory_mb": _rounded(measurement.memory_mb, 1)}
        return json.dumps(whole, indent=2, ensure_ascii=False)
    return _table(figures) + _notes(figures, measurement.memory_mb)


def summary(latency: ModelLatency) -> dict[str, Any]:
    """Figures of one model, ready for JSON.

    Returns:
        ``shown_ms`` and ``final_ms``: percentiles over the rightly recognised words, from the end of a word
        to when it was shown and to its final; ``first_word_ms``: likewise over the recordings, from the
        beginning of their first word to when any was shown; ``rewritten`` in percent of the words ever
        shown; ``rtf`` (processor seconds a second of input) and ``cpu`` in percent of one core over the
        time it took; ``wer`` in percent; ``as_file``: recordings in which the same words were recognised as
        when they are read as files; ``skipped_ticks``; None where nothing was measured.
    """
    played = latency.played
    words = [word for one in played for word in one.latencies]
    seconds, wall = sum(one.seconds for one in played), sum(one.wall_s for one in played)
    cpu = sum(one.cpu_s for one in played)
    shown = sum(one.showing.shown for one in played)
    rewritten = sum(one.showing.rewritten for one in played)
    first = [one.first_word_s for one in played if one.first_word_s is not None]
    return {
        "model": latency.model,
        "segment_ms": round(1000 * latency.segment_s),
        "right_context_ms": round(1000 * latency.right_context_s),
        "recordings": len(played),
        "words": len(words),
        "shown_ms": _percentiles([word.shown_s for word in words]),
        "final_ms": _percentiles([word.final_s for word in words]),
        "first_word_ms": _percentiles(first),
        "rewritten": _rounded(100 * rewritten / shown, 2) if shown else None,
        "rtf": _rounded(cpu / seconds, 4) if seconds else None,
        "cpu": _rounded(100 * cpu / wall, 1) if wall else None,
        "wer": round(pooled(count_errors(one.row.text, one.text) for one in played).percent, 2),
        "as_file": sum(one.text == one.file_text for one in played),
        "skipped_ticks": sum(one.skipped_ticks for one in played),
    }


def _percentiles(seconds: Sequence[float]) -> dict[str, int] | None:
    if not seconds:
        return None
    values = np.percentile(seconds, PERCENTILES)
    return {f"p{rank}": round(1000 * value) for rank, value in zip(PERCENTILES, values, strict=True)}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _table(figures: Sequence[dict[str, Any]]) -> str:
    """Markdown, one row a model."""
    ranks = " / ".join(f"p{rank}" for rank in PERCENTILES)
    heads = [
        "model",
        "segment + right context ms",
        f"shown after ms ({ranks})",
        f"final after ms ({ranks})",
        f"first word ms ({ranks})",
        "rewritten %",
        "real-time factor",
        "CPU % of a core",
        "word errors %",
    ]
    rows = [
        [
            figure["model"],
            f"{figure['segment_ms']} + {figure['right_context_ms']}",
            _ranks(figure["shown_ms"]),
            _ranks(figure["final_ms"]),
            _ranks(figure["first_word_ms"]),
            *(_cell(figure[key]) for key in ("rewritten", "rtf", "cpu", "wer")),
        ]
        for figure in figures
    ]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _ranks(values: dict[str, int] | None) -> str:
    return "–" if values is None else " / ".join(map(str, values.values()))


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _notes(figures: Sequence[dict[str, Any]], memory_mb: float | None) -> str:
    recordings = sum(figure["recordings"] for figure in figures)
    words = sum(figure["words"] for figure in figures)
    same = sum(figure["as_file"] for figure in figures)
    lines = [
        f"\n{words} rightly recognised words of {recordings} recordings, played in real time.",
        f"The same words as from the file: {same} of {recordings} recordings.",
    ]
    if memory_mb is not None:
        lines.append(f"Most memory: {memory_mb:.0f} MB.")
    if skipped := sum(figure["skipped_ticks"] for figure in figures):
        lines.append(f"The computer was busy: {skipped} pictures were not looked at.")
    return "\n".join(lines)
