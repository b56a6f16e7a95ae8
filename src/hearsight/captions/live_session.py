"""A whole session of live captions: shown, saved, steered by keys, ended by Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console

from hearsight.captions.keys import Keys
from hearsight.captions.live_view import PlainView, TerminalView
from hearsight.captions.saving import Saver
from hearsight.errors import HearsightError
from hearsight.types import Modality

if TYPE_CHECKING:
    from hearsight.recognizer.live import LiveCaptions

REFRESH_S = 0.25
"""How often the status is shown."""
LOOK_S = 0.1
"""Longest wait for an event, so that keys are soon noticed."""
MODALITY_KEYS: dict[str, Modality] = {"a": "audio", "v": "video", "b": "av"}
END_KEY = "q"


def run_live(captions: LiveCaptions, *, save: Path | None = None, console: Console | None = None) -> None:
    """Show captions until the input ends or someone ends it.

    On a terminal the keys ``a``, ``v`` and ``b`` choose ears, eyes or both, and ``q`` ends. Ctrl-C also
    ends: the last words are finished and all files completed; a second Ctrl-C breaks off.

    Args:
        captions: not entered yet.
        save: file for the finals; its ending is its format.
        console: where to show them; the standard output if None.

    Raises:
        HearsightError: a device or file cannot be opened, or one broke off on the way.
    """
    console = console or Console(highlight=False)
    saver = None if save is None else Saver(save)
    with ExitStack() as stack:
        stack.enter_context(captions)
        if saver is not None:
            stack.enter_context(saver)
        keys = stack.enter_context(Keys())
        view = TerminalView(console) if console.is_terminal else PlainView(console, Console(stderr=True))
        stack.enter_context(view)
        stack.enter_context(_stopped_by_signals(captions))
        _Session(captions, view, saver, keys).run()


class _Session:
    """The loop."""

    def __init__(
        self, captions: LiveCaptions, view: TerminalView | PlainView, saver: Saver | None, keys: Keys
    ) -> None:
        self._captions, self._view, self._saver, self._keys = captions, view, saver, keys
        self._save_error: HearsightError | None = None
        self._refresh_at = 0.0

    def run(self) -> None:
        """Until the last event."""
        while not self._captions.ended:
            if (event := self._captions.poll(LOOK_S)) is not None:
                self._view.show(event)
                if self._saver is not None and self._save_error is None:
                    # A full disk must not end the captions; it is told at the end.
                    try:
                        self._saver.write(event)
                    except HearsightError as error:
                        self._save_error = error
            self._obey()
            if time.monotonic() >= self._refresh_at:
                self._view.refresh(self._captions.status)
                self._refresh_at = time.monotonic() + REFRESH_S
        if self._save_error is not None:
            raise self._save_error

    def _obey(self) -> None:
        """What the keys ask for."""
        for key in self._keys.pressed().lower():
            if key == END_KEY:
                self._captions.stop()
            elif key in MODALITY_KEYS:
                self._captions.modality = MODALITY_KEYS[key]


@contextmanager
def _stopped_by_signals(captions: LiveCaptions) -> Iterator[None]:
    """Ctrl-C, or a request to terminate, finishes the last words; the second time it breaks off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        captions.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
