"""The names of what can speak, apart so that the command line loads nothing else."""

from __future__ import annotations

from enum import StrEnum


class EngineName(StrEnum):
    """What `--engine` takes."""

    kokoro = "kokoro"
    piper = "piper"
    flite = "flite"
