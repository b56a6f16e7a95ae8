"""What docs/serve.md shows runs against a server."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from hearsight.serve.limits import Limits
from tests.serve.conftest import ROOMY
from tests.serve.serving import EXAMPLE, SENTENCE, Running, running, webm

TEXT = (Path(__file__).parents[2] / "docs" / "serve.md").read_text()
ADDRESS = "127.0.0.1:8765"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def server(small: Recognizer) -> Iterator[Running]:
    with running(small, Options(port=0, room=ROOMY)) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "talk.mp4")
    (tmp_path / "talk.webm").write_bytes(webm())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("snippet", blocks("py"), ids=["openai", "websocket"])
def test_the_python_examples_print_what_is_said(server: Running, folder: Path, snippet: str) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(snippet.replace(ADDRESS, server.url.removeprefix("http://")), "serve.md", "exec"), {})
    assert said.getvalue().splitlines()[0] == SENTENCE


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_example_prints_captions(server: Running, folder: Path) -> None:
    line = next(line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl"))
    command = shlex.split(line.replace(ADDRESS, server.url.removeprefix("http://")))
    answer = subprocess.run([*command, "-s"], capture_output=True, text=True, check=True).stdout
    assert answer.startswith("1\n00:00:00,") and SENTENCE in answer


def test_the_limits_are_those_of_the_code() -> None:
    limits = Limits()
    for shown in (
        f"{limits.upload_bytes >> 20} MB, {limits.recording_s / 3600:g} hours; "
        f"received within {limits.upload_s / 60:.0f} minutes",
        f"{limits.session_s / 3600:g} hours; a message {limits.message_bytes >> 20} MB, "
        f"a JPEG {limits.picture_bytes >> 10} kB and {limits.picture_side} pixels",
        f"{limits.connections} connections; {limits.requests_per_minute} requests a minute",
        f"{limits.hello_s:.0f} s for headers and hello, {limits.idle_s:.0f} s between messages, "
        f"{limits.send_s:.0f} s until",
    ):
        assert shown in TEXT, shown
