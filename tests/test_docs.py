"""What the documentation shows can be typed and run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer

import hearsight
from hearsight.cli import app
from tests.capture.media import Audio, Video, write
from tests.recognizer.toy_bundle import write_toy_bundle

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            yield page.name, block


def commands() -> list[str]:
    lines = [line for _, block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("hearsight ") and "[" not in line]


@pytest.mark.parametrize("command", commands())
def test_every_command_shown_is_understood(command: str) -> None:
    _, verb, *arguments = shlex.split(command, comments=True)
    parser = VERBS[verb]
    while hasattr(parser, "commands"):  # a group of verbs
        verb, *arguments = arguments
        parser = parser.commands[verb]
    parser.make_context(verb, arguments)


def ear_commands() -> list[str]:
    return [
        line
        for _, block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("python -m hearsight.lab.ear ")
    ]


@pytest.mark.parametrize("command", ear_commands())
def test_every_command_of_the_ear_is_understood(command: str) -> None:
    from hearsight.lab.ear.__main__ import app as ear

    _, _, _, verb, *arguments = shlex.split(command, comments=True)
    typer.main.get_command(ear).commands[verb].make_context(verb, arguments)  # type: ignore[attr-defined]


def test_every_verb_is_shown() -> None:
    assert {command.split()[1] for command in commands()} == set(VERBS)


@pytest.mark.parametrize("snippet", [block for _, block in blocks("python")])
def test_every_piece_of_python_runs(snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = hearsight.Recognizer.load(write_toy_bundle(tmp_path / "toy"))
    monkeypatch.setattr(hearsight.Recognizer, "load", lambda *_, **__: toy)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "talk.mp4", Video(), Audio(codec="aac", format="fltp"))
    pushed = {"frames": [None] * 8, "samples": np.zeros(8 * 640, np.float32)}
    exec(compile(snippet, "documentation", "exec"), pushed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []
