"""The command line: each verb parses its options and calls one function.

What a verb needs is imported inside it, so that ``hearsight --help`` answers at once.
"""

from __future__ import annotations

import os
import signal

# Importing a module of verbs puts them under the command, in the order of these lines.
from hearsight.cli import captioning, training, measuring  # isort: skip
from hearsight.cli.app import app

__all__ = ["app", "captioning", "main", "measuring", "training"]


def main() -> None:
    """Entry point of the command ``hearsight``."""
    # For pictures of this size a second thread is only overhead: of kornia-rs, and of OpenCV in the lab.
    for variable in ("RAYON_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(variable, "1")
    try:
        app()
    finally:
        # Python's own end is not to be cut short by a second Ctrl-C, with another exit code or a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
