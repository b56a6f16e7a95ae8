"""Single keys from the terminal, without waiting and without Enter."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Keys:
    """What is typed while the program runs; nothing where the input is no terminal of ours."""

    def __init__(self) -> None:
        self._restore: Any = None

    def __enter__(self) -> Keys:
        """From now on keys come singly and are not shown. Ctrl-C stays what it is."""
        if sys.platform != "win32" and _is_ours():
            import termios
            import tty

            self._restore = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The terminal is again as it was."""
        if sys.platform != "win32" and self._restore is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._restore)
            self._restore = None

    def pressed(self) -> str:
        """The keys pressed since the last call, in order; empty if none."""
        if sys.platform == "win32":
            return _pressed_on_windows()
        if self._restore is None or not _is_ours():
            return ""
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return os.read(sys.stdin.fileno(), 64).decode(errors="ignore") if ready else ""


def _is_ours() -> bool:
    """Whether standard input is a terminal and this program is in its foreground."""
    import os

    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return False


def _pressed_on_windows() -> str:
    import importlib

    msvcrt: Any = importlib.import_module("msvcrt")
    keys = ""
    while sys.stdin.isatty() and msvcrt.kbhit():
        keys += msvcrt.getwch()
    return keys
