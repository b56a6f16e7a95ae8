"""Live captions on a terminal, plain lines anywhere else."""

from __future__ import annotations

import io

from rich.console import Console

from hearsight.captions import show_captions
from hearsight.types import Event, Word

WORDS = (Word("bin", 65.5, 65.75, 0.9), Word("[red]", 65.75, 66.25, 0.9))
EVENTS = [
    Event("partial", WORDS[:1], 65.5, 66, ("audio",)),
    Event("partial", WORDS, 65.5, 66.3, ("audio",)),
    Event("final", WORDS, 65.5, 67, ("audio",)),
]


def shown(terminal: bool) -> str:
    stream = io.StringIO()
    show_captions(EVENTS, Console(file=stream, force_terminal=terminal, width=80, highlight=False))
    return stream.getvalue()


def test_finals_are_plain_lines_in_a_pipe() -> None:
    assert shown(terminal=False) == "bin [red]\n"


def test_partials_are_dimmed_and_the_final_stays() -> None:
    text = shown(terminal=True)
    assert "\x1b[2mbin\x1b[0m" in text
    assert "bin [red]\n" in text.replace("\r", "")
    assert "01:05" in text
