"""One input's transcript to a file, a pipe or the terminal, kept as far as it came when it breaks off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from hearsight.captions.terminal import show_captions
from hearsight.captions.writers import write_captions
from hearsight.errors import HearsightError
from hearsight.types import Event


def write_transcript(events: Iterator[Event], format: str, output: Path | None = None) -> None:
    """Write what is said as soon as it is known; nothing at all if the input is refused.

    If the input breaks off, or on Ctrl-C, what was heard so far is written in full form first.

    Args:
        events: of one input.
        format: a key of ``hearsight.captions.WRITERS``; ``txt`` on a terminal shows running captions.
        output: file to write; None is the standard output.

    Raises:
        HearsightError: what the events raise, or the file cannot be written.
    """
    heard = _UntilBroken(chain(list(islice(events, 1)), events))
    if output is not None:
        try:
            with output.open("w", encoding="utf-8") as stream:
                write_captions(heard, format, stream)
        except OSError as error:
            raise HearsightError(f"cannot write {output}: {error.strerror or error}") from error
    elif format == "txt" and sys.stdout.isatty():
        show_captions(heard)
    else:
        write_captions(heard, format, sys.stdout)
    if heard.broken is not None:
        raise heard.broken


class _UntilBroken:
    """Events up to where they break off; the last partial becomes final, so that nothing heard is lost."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self.broken: HearsightError | KeyboardInterrupt | None = None

    def __iter__(self) -> Iterator[Event]:
        latest: Event | None = None
        try:
            for latest in self._events:
                yield latest
        except (HearsightError, KeyboardInterrupt) as error:
            self.broken = error
            if latest is not None and latest.kind == "partial" and latest.words:
                yield replace(latest, kind="final", stable=len(latest.words))
