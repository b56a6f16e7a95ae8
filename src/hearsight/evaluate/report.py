"""A measurement as text: figures for people, JSON for programs, the whole table as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from hearsight.evaluate.evaluate import Scored, summary
from hearsight.evaluate.table import groups, markdown


def report(
    scored: Sequence[Scored], *, whole_table: bool, form: Literal["table", "json"], results: bool = False
) -> str:
    """What a measurement found.

    Args:
        scored: utterances, of one condition unless it is the whole table.
        whole_table: whether all conditions of ``hearsight.evaluate.table`` were measured.
        form: ``table`` for people (Markdown for the whole table), ``json`` for programs: the keys of
            ``summary``, for the whole table in a list with those of each split and condition.
        results: add each utterance by itself.
    """
    if form == "json":
        figures = _list(scored, results) if whole_table else summary(scored, results=results)
        return json.dumps(figures, indent=2, ensure_ascii=False)
    if not whole_table:
        return _text(summary(scored, results=results))
    return markdown(scored)


def _list(scored: Sequence[Scored], results: bool) -> list[dict[str, Any]]:
    return [
        {"split": split, "modality": condition.modality, "snr_db": condition.snr_db}
        | summary(group, results=results)
        for (split, condition), group in groups(scored).items()
    ]


def _text(figures: dict[str, Any]) -> str:
    low, high = figures["interval"]
    said = f"{figures['words']} words of {figures['utterances']} utterances"
    lines = [
        f"word error rate   {figures['wer']:.1f} %  (95 % interval {low:.1f} to {high:.1f} %)",
        f"errors            {figures['errors']} in {said}",
    ]
    if figures["rtf"] is not None:
        lines.append(f"real-time factor  {figures['rtf']:.3f}")
    if "slots" in figures:
        slots = (f"{slot} {percent:.1f}" for slot, percent in figures["slots"].items())
        lines.append(f"errors per slot   {', '.join(slots)} %")
    return "\n".join([*lines, *map(_line, figures.get("results", []))])


def _line(result: dict[str, Any]) -> str:
    share = f"{result['errors']}/{result['words']}"
    if result["errors"] == 0:
        return f"{result['id']}  {share}  {result['reference']}"
    return f"{result['id']}  {share}  {result['reference']}  heard as  {result['hypothesis'] or '(nothing)'}"
