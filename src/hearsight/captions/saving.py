"""Captions into a file while they come: whole at every moment, not only at the end."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from hearsight.captions.cues import Cue, CueMaker
from hearsight.captions.writers import VTT_HEADER, json_line, srt_cue, vtt_cue
from hearsight.errors import HearsightError
from hearsight.types import Event

FORMATS = ("vtt", "srt", "jsonl", "txt")
"""Endings of file names that :class:`Saver` knows."""


class Saver:
    """Writes each final as it comes; after each the file is a whole file of its format.

    How long the last caption is shown depends on what follows it, so its lines are written again with
    the next one. In the end the file holds what :func:`hearsight.captions.write_captions` writes of the
    same finals.

    Args:
        path: the file; its ending is the format: ``.vtt``, ``.srt``, ``.jsonl`` or ``.txt``.

    Raises:
        HearsightError: the ending is none of these.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        form = path.suffix.lower().lstrip(".")
        if form not in FORMATS:
            known = ", ".join(f".{each}" for each in FORMATS)
            raise HearsightError(f"captions cannot be saved as {path}: let its name end in one of {known}")
        self._pieces: _Cues | _Lines
        if form in ("vtt", "srt"):
            self._pieces = _Cues(form)
        else:
            self._pieces = _Lines(json_line if form == "jsonl" else lambda event: f"{event.text}\n")
        self._header = VTT_HEADER if form == "vtt" else ""
        self._complete = 0
        self._file: io.FileIO | None = None

    def __enter__(self) -> Saver:
        """Open the file; one that is there is replaced.

        Raises:
            HearsightError: it cannot be written.
        """
        try:
            self._file = self._path.open("wb", buffering=0)
        except OSError as error:
            raise self._refusal(error) from error
        self._write(self._header, "")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, which is complete already."""
        if self._file is not None:
            self._file.close()

    def write(self, event: Event) -> None:
        """Take in an event; only finals are written.

        Raises:
            HearsightError: the disk is full, or the like.
        """
        if event.kind == "final":
            self._write(*self._pieces.push(event))

    def _write(self, complete: str, provisional: str) -> None:
        """Replace what was provisional so far."""
        assert self._file is not None, "use a Saver as a context manager"
        lasting = complete.encode()
        try:
            self._file.seek(self._complete)
            _write_all(self._file, lasting + provisional.encode())
            self._file.truncate()
        except OSError as error:
            raise self._refusal(error) from error
        self._complete += len(lasting)

    def _refusal(self, error: OSError) -> HearsightError:
        return HearsightError(f"cannot write {self._path}: {error.strerror or error}")


class _Lines:
    """A line for each final, complete at once."""

    def __init__(self, line: Callable[[Event], str]) -> None:
        self._line = line

    def push(self, final: Event) -> tuple[str, str]:
        """What is complete with this final, and what is provisional."""
        return self._line(final), ""


class _Cues:
    """Subtitles: the last cue is provisional."""

    def __init__(self, form: str) -> None:
        self._form, self._maker, self._number = form, CueMaker(), 1

    def push(self, final: Event) -> tuple[str, str]:
        """What is complete with this final, and what is provisional."""
        complete = "".join(self._numbered(self._maker.push(final)))
        number = self._number
        provisional = "".join(self._numbered(self._maker.rest()))
        self._number = number
        return complete, provisional

    def _numbered(self, cues: Iterator[Cue]) -> Iterator[str]:
        for cue in cues:
            yield vtt_cue(cue) if self._form == "vtt" else srt_cue(self._number, cue)
            self._number += 1


def _write_all(file: io.FileIO, data: bytes) -> None:
    """An unbuffered file may take less than it is given."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
