"""The whole table: senses by noise by split, with intervals and errors per slot, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hearsight.evaluate.evaluate import Condition, Scored, summary
from hearsight.types import Modality

SENSES: dict[Modality, str] = {"av": "audio + video", "audio": "audio", "video": "video"}
LEVELS: tuple[float | None, ...] = (None, 10.0, 5.0, 0.0, -5.0, -10.0)
"""Signal-to-noise ratios in dB; None is the recording as it is."""

CONDITIONS = [
    *(Condition(modality, level) for modality in ("av", "audio") for level in LEVELS),
    Condition("video"),
]
"""What the table needs measured. Noise changes nothing for the eyes alone: one condition serves its row."""

Figures = dict[Condition, dict[str, Any]]
"""Of one split: what ``summary`` says about each condition."""


def groups(scored: Sequence[Scored]) -> dict[tuple[str, Condition], list[Scored]]:
    """Utterances by split and condition, in the order in which they were measured."""
    found: dict[tuple[str, Condition], list[Scored]] = {}
    for one in scored:
        found.setdefault((one.row.split, one.condition), []).append(one)
    return found


def markdown(scored: Sequence[Scored]) -> str:
    """The table of each split found in ``scored``, which was measured under ``CONDITIONS``."""
    splits: dict[str, Figures] = {}
    for (split, condition), group in groups(scored).items():
        splits.setdefault(split, {})[condition] = summary(group)
    return "\n".join(_split(split, figures) for split, figures in splits.items())


def _split(split: str, figures: Figures) -> str:
    first = next(iter(figures.values()))
    title = f"### {split or 'all'}: {first['utterances']} utterances, {first['words']} words\n"
    parts = [title, _rates(figures)]
    if all("slots" in figure for figure in figures.values()):
        parts.append(_slots(figures))
    return "\n".join(parts)


def _rates(figures: Figures) -> str:
    lines = ["| words wrong % (95 % interval) |" + "".join(f" {_name(level)} |" for level in LEVELS)]
    lines.append("| --- |" + " --- |" * len(LEVELS))
    for modality, senses in SENSES.items():
        cells = (_cell(figures.get(_measured(modality, level))) for level in LEVELS)
        lines.append(f"| {senses} |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join(lines) + "\n"


def _measured(modality: Modality, level: float | None) -> Condition:
    return Condition(modality, None if modality == "video" else level)


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "–"
    low, high = figure["interval"]
    return f"{figure['wer']:.1f} ({low:.1f} to {high:.1f})"


def _slots(figures: Figures) -> str:
    slots = list(next(iter(figures.values()))["slots"])
    lines = ["| errors per slot % |" + "".join(f" {slot} |" for slot in slots)]
    lines.append("| --- |" + " --- |" * len(slots))
    for condition, figure in figures.items():
        name = SENSES[condition.modality]
        if condition.modality != "video":
            name += f", {_name(condition.snr_db)}"
        lines.append(f"| {name} |" + "".join(f" {figure['slots'][slot]:.1f} |" for slot in slots))
    return "\n".join(lines) + "\n"


def _name(level: float | None) -> str:
    return "clean" if level is None else f"{level:g} dB"
