"""The command and its groups of verbs, and how they tell what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from hearsight.errors import HearsightError
from hearsight.lab.synth.verbs import synth


class Verbs(TyperGroup):
    """Turns what a user can mend into one line on standard error and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        logging.basicConfig(format="hearsight: %(message)s")
        try:
            return super().invoke(ctx)
        except HearsightError as error:
            complain(error)
            raise typer.Exit(2) from error


class LabVerbs(Verbs):
    """Verbs that need the extra ``lab``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb, or say how to install what it lacks."""
        with extra_installed("synth", "lab"):
            return super().invoke(ctx)


def complain(problem: object) -> None:
    """One line on standard error."""
    typer.echo(f"hearsight: {' '.join(str(problem).split())}", err=True)


@contextmanager
def extra_installed(verb: str, extra: str) -> Iterator[None]:
    """Say how to install what a verb imports beyond the ordinary, where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "hearsight").split(".")[0] == "hearsight":
            raise
        raise HearsightError(
            f"hearsight {verb} needs {error.name}, which is not installed: pip install 'hearsight[{extra}]'"
        ) from error


def read_text(path: Path) -> str:
    """The content of a text file that was named on the command line."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HearsightError(f"{path} cannot be read as text ({error}): check the path") from error


app = typer.Typer(
    cls=Verbs,
    help="Turns a face and a voice into text while the person is still speaking, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench = typer.Typer(cls=Verbs, help="Measure how models do live.", no_args_is_help=True)
app.add_typer(bench, name="bench")
app.add_typer(synth, name="synth", cls=LabVerbs)
