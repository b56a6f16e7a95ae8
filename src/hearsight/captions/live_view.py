"""Live captions on a terminal, with how it is going; plain lines anywhere else."""

from __future__ import annotations

import logging
import math
import sys
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hearsight.types import SAMPLE_RATE, Event, Sense

if TYPE_CHECKING:
    from hearsight.recognizer.live import LiveStatus

METER_CELLS = 8
QUIETEST_DBFS, LOUDEST_DBFS = -60.0, -6.0
"""The meter's empty and full end; speech is between -40 and -15."""
SEPARATOR = " · "
_SENSES: dict[tuple[Sense, ...], str] = {
    ("audio", "video"): "ears + eyes",
    ("audio",): "ears",
    ("video",): "eyes",
    (): "no input",
}


class TerminalView:
    """Finals scroll; the running utterance stands below them, and how it is going on the last line.

    Args:
        console: a terminal.
    """

    period_s = 0.25

    def __init__(self, console: Console) -> None:
        self._console = console
        # Refreshed by the caller alone: a thread that redraws would cost more than the recogniser's search.
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._partial = self._status = Text()

    def __enter__(self) -> TerminalView:
        self._live.start()
        self._log_here()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        self._log_here()

    def show(self, event: Event) -> None:
        """Show what was said."""
        if event.kind == "final":
            self._partial = Text()
            self._draw()
            self._live.console.print(caption_line(event))
        else:
            self._partial = caption_line(event)
            self._draw()

    def refresh(self, status: LiveStatus) -> None:
        """Show how it is going."""
        self._status = status_line(status, plain=self._console.encoding.lower() not in ("utf-8", "utf8"))
        self._draw()

    def _draw(self) -> None:
        lines = [line for line in (self._partial, self._status) if line]
        self._live.update(Group(*lines), refresh=True)

    def _log_here(self) -> None:
        """Warnings go above the captions: the standard error has just been exchanged, or put back."""
        for handler in logging.getLogger().handlers:
            if type(handler) is logging.StreamHandler:
                handler.setStream(sys.stderr)


class PlainView:
    """Each final is a line of the standard output, each new notice one of the standard error."""

    period_s = 0.25

    def __init__(self, console: Console, errors: Console) -> None:
        self._console, self._errors = console, errors
        self._said: tuple[str, ...] = ()

    def __enter__(self) -> PlainView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, event: Event) -> None:
        """Print a final."""
        if event.kind == "final":
            self._console.print(event.text, markup=False, highlight=False, soft_wrap=True)
            self._console.file.flush()

    def refresh(self, status: LiveStatus) -> None:
        """Print the notices that are new."""
        for notice in status.notices:
            if notice not in self._said:
                self._errors.print(f"hearsight: {notice}", markup=False, highlight=False, soft_wrap=True)
        self._said = status.notices


def caption_line(event: Event) -> Text:
    """When the utterance began, and its text: what may still change is dimmed."""
    minutes, seconds = divmod(int(event.start), 60)
    words = [word.text for word in event.words]
    line = Text.assemble((f"{minutes:02}:{seconds:02}  ", "cyan"))
    line.append(" ".join(words[: event.stable]))
    if rest := " ".join(words[event.stable :]):
        line.append((" " if event.stable else "") + rest, "" if event.kind == "final" else "dim")
    if event.on_screen is False:
        line.append("  (someone else)", "dim italic")
    return line


def status_line(status: LiveStatus, *, plain: bool = False) -> Text:
    """Level, senses, face, pictures a second, lag, what was dropped, load, notices.

    Args:
        status: how it is going.
        plain: without characters that only UTF-8 has.
    """
    capture = status.capture
    parts = [_SENSES[status.senses]]
    if capture.video != "none":
        if status.looking:
            parts.append("face" if status.face else "no face")
        parts.append(f"{capture.video_fps:.0f} fps")
    parts += [f"lag {status.lag_s:.1f} s", _dropped(status), f"load {100 * status.load:.0f} %"]
    separator = " | " if plain else SEPARATOR
    line = meter(capture.level_dbfs, plain=plain)
    line.append("  " + separator.join(parts), "dim")
    for notice in status.notices:
        line.append(separator + notice, "yellow")
    return line


def meter(level_dbfs: float, *, plain: bool = False) -> Text:
    """The level as a bar, red where it is about to clip."""
    share = (level_dbfs - QUIETEST_DBFS) / (LOUDEST_DBFS - QUIETEST_DBFS)
    filled = 0 if math.isnan(share) else round(METER_CELLS * min(max(share, 0.0), 1.0))
    full, empty = "#-" if plain else "▮▯"
    colour = "red" if filled == METER_CELLS else "green"
    return Text.assemble((full * filled, colour), (empty * (METER_CELLS - filled), "dim"))


def _dropped(status: LiveStatus) -> str:
    """What got lost: pictures, and sound in seconds; pictures skipped on purpose are told apart."""
    text = f"dropped {status.capture.dropped_frames}"
    if status.capture.dropped_samples:
        text += f" + {status.capture.dropped_samples / SAMPLE_RATE:.1f} s of sound"
    return f"{text}, skipped {status.skipped_ticks}" if status.skipped_ticks else text
