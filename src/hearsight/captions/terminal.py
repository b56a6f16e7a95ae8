"""Captions on the terminal: what may still change is dimmed, what is final stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hearsight.types import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def show_captions(events: Iterable[Event], console: Console | None = None) -> None:
    """Show events as they come.

    On a terminal the running utterance is dimmed on the last line, and finals stay above it. Anywhere else
    each final is one plain line.

    Args:
        events: from a recognizer.
        console: where to; the standard output if None.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    if console.is_terminal:
        _show_live(events, console)
        return
    for event in events:
        if event.kind == "final":
            console.print(event.text, markup=False, soft_wrap=True)


def _show_live(events: Iterable[Event], console: Console) -> None:
    from rich.live import Live
    from rich.text import Text

    # Refreshed by events alone: a thread that redraws would cost more than the recogniser's search.
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for event in events:
            if event.kind == "final":
                live.update(Text())
                live.console.print(_line(event))
            else:
                live.update(_line(event), refresh=True)


def _line(event: Event) -> Text:
    """When the utterance began, and its text."""
    from rich.text import Text

    minutes, seconds = divmod(int(event.start), 60)
    style = "dim" if event.kind == "partial" else ""
    return Text.assemble((f"{minutes:02}:{seconds:02}  ", "cyan"), (event.text, style))
