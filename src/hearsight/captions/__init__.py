"""Events -> text, SRT, VTT, JSON, JSON lines, the terminal."""

from hearsight.captions.terminal import show_captions
from hearsight.captions.writers import WRITERS, write_captions

__all__ = ["WRITERS", "show_captions", "write_captions"]
