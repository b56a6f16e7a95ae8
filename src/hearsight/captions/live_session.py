"""A whole session of live captions: shown, saved, steered by keys, ended by Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

from hearsight.captions.keys import Keys
from hearsight.captions.live_view import PlainView, TerminalView
from hearsight.captions.normalising import as_spoken
from hearsight.captions.saving import Saver
from hearsight.errors import HearsightError
from hearsight.types import Event, Modality

if TYPE_CHECKING:
    from hearsight.captions.window import Window
    from hearsight.recognizer.live import LiveCaptions, LiveStatus

LOOK_S = 0.1
"""Longest wait for an event, so that keys are soon noticed."""
MODALITY_KEYS: dict[str, Modality] = {"a": "audio", "v": "video", "b": "av"}
END_KEY = "q"


class View(Protocol):
    """Something that shows captions."""

    period_s: float
    """How often the status is shown."""

    def show(self, event: Event) -> None:
        """Show what was said."""

    def refresh(self, status: LiveStatus) -> None:
        """Show how it is going."""


def run_live(
    captions: LiveCaptions,
    *,
    save: Path | None = None,
    window: bool = False,
    console: Console | None = None,
    form: Callable[[Event], Event] = as_spoken,
) -> None:
    """Show captions until the input ends or someone ends it.

    On a terminal and in the window the keys ``a``, ``v`` and ``b`` choose ears, eyes or both, and ``q``
    ends. Ctrl-C and closing the window also end: the last words are finished and all files completed; a
    second Ctrl-C breaks off. After one the program is expected to end: signals are not handled as before.

    Args:
        captions: not entered yet.
        save: file for the finals; its ending is its format.
        window: open a window with the picture, the mouth and the captions as well.
        console: where to show them; the standard output if None.
        form: makes of each event what is shown and saved.

    Raises:
        HearsightError: a device, file or window cannot be opened, or one broke off on the way.
    """
    console = console or Console(highlight=False)
    saver = None if save is None else Saver(save)
    preview = _window(captions) if window else None
    with ExitStack() as opened:
        opened.enter_context(captions)
        if saver is not None:
            opened.enter_context(saver)
        keys = opened.enter_context(Keys())
        text = TerminalView(console) if console.is_terminal else PlainView(console, Console(stderr=True))
        session = _Session(captions, saver, form)
        opened.enter_context(text)
        session.add(text, keys.pressed)
        if preview is not None:
            opened.enter_context(preview)
            session.add(preview, preview.pressed)
        with _signals_to(_Interruption(captions)) as interruption, opened.pop_all():
            session.run(interruption)


def _window(captions: LiveCaptions) -> Window:
    """Imported only where it is asked for: not every Python has a toolkit."""
    from hearsight.captions.window import Window

    return Window(captions)


class _Session:
    """The loop."""

    def __init__(self, captions: LiveCaptions, saver: Saver | None, form: Callable[[Event], Event]) -> None:
        self._captions, self._saver, self._form = captions, saver, form
        self._views: list[View] = []
        self._due: list[float] = []
        self._keys: list[Callable[[], str]] = []
        self._save_error: HearsightError | None = None

    def add(self, view: View, keys: Callable[[], str]) -> None:
        """Show captions there too, and do what its keys ask for."""
        self._views.append(view)
        self._due.append(0.0)
        self._keys.append(keys)

    def run(self, interruption: _Interruption) -> None:
        """Until the last event.

        Raises:
            KeyboardInterrupt: it is to break off before.
        """
        look_s = min(LOOK_S, *(view.period_s / 2 for view in self._views))
        while not self._captions.ended:
            if interruption.breaks_off:
                raise KeyboardInterrupt
            if (news := self._captions.poll(look_s)) is not None:
                event = self._form(news)
                for view in self._views:
                    view.show(event)
                self._save(event)
            self._obey()
            self._refresh()
        if self._save_error is not None:
            raise self._save_error

    def _save(self, event: Event) -> None:
        """A full disk must not end the captions; it is told at the end."""
        if self._saver is not None and self._save_error is None:
            try:
                self._saver.write(event)
            except HearsightError as error:
                self._save_error = error

    def _refresh(self) -> None:
        now = time.monotonic()
        for index, view in enumerate(self._views):
            if now >= self._due[index]:
                view.refresh(self._captions.status)
                self._due[index] = now + view.period_s

    def _obey(self) -> None:
        """What the keys ask for."""
        for key in "".join(pressed() for pressed in self._keys).lower():
            if key == END_KEY:
                self._captions.stop()
            elif key in MODALITY_KEYS:
                self._captions.modality = MODALITY_KEYS[key]


class _Interruption:
    """Ctrl-C, or a request to terminate, finishes the last words; the second time it breaks off.

    It is for the loop to break off: what a handler raises is lost where Python happens to be in a finaliser.
    Only the third time, for a loop that hangs, is it raised at once.
    """

    def __init__(self, captions: LiveCaptions) -> None:
        self._captions = captions
        self._times = 0

    @property
    def came(self) -> bool:
        """Whether it was asked for."""
        return self._times > 0

    @property
    def breaks_off(self) -> bool:
        """Whether the last words are not to be waited for."""
        return self._times > 1

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        self._times += 1
        if self._times == 1:
            self._captions.stop()
        elif self._times > 2:
            raise KeyboardInterrupt


@contextmanager
def _signals_to(interruption: _Interruption) -> Iterator[_Interruption]:
    """Once it came the program is about to end: signals stay with it, so that the next cuts nothing short."""
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        if not interruption.came:
            for number, handler in before.items():
                signal.signal(number, handler)
