"""hearsight live, as a user types, reads and ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hearsight.capture.files import probe
from hearsight.cli import app
from tests.capture.media import Audio, write
from tests.recognizer.toy_bundle import write_toy_bundle

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "set_white_by_k_four_soon.mp4"
HEARSIGHT = [sys.executable, "-m", "hearsight"]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle that hears nonsense, but hears it in every sound."""
    return str(write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy"))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be interrupted while it plays; sound alone."""
    spans = tuple((start / 2, start / 2 + 0.3) for start in range(60))
    return write(tmp_path_factory.mktemp("media") / "long.flac", Audio(spans=spans))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["live", *(str(argument) for argument in arguments)])


def refusal(result: Result) -> str:
    """The one line on standard error of what was refused."""
    assert result.exit_code == 2, result.output
    [line] = result.stderr.splitlines()
    assert line.startswith("hearsight: ")
    return line


def test_the_words_of_the_file_come_live_and_are_kept(tmp_path: Path) -> None:
    saved, recorded = tmp_path / "talk.vtt", tmp_path / "talk.mkv"
    result = run("--input", EXAMPLE, "--save", saved, "--record", recorded)
    assert (result.exit_code, result.stdout) == (0, "set white by k four soon\n")
    assert saved.read_text().startswith("WEBVTT\n\n00:00:00.")
    assert "set white by k four soon\n" in saved.read_text()
    found = probe(recorded)
    assert found.has_audio and found.has_video
    assert found.duration_s == pytest.approx(3.0, abs=0.1)
    again = CliRunner().invoke(app, ["transcribe", str(recorded)])
    assert again.stdout == "set white by k four soon\n"


def test_it_ends_by_itself_after_the_time_asked_for(long_clip: Path, toy: str, tmp_path: Path) -> None:
    saved = tmp_path / "talk.jsonl"
    began = time.monotonic()
    result = run("--input", long_clip, "--model", toy, "--duration", "2", "--save", saved)
    assert result.exit_code == 0
    assert time.monotonic() - began < 15
    events = [json.loads(line) for line in saved.read_text().splitlines()]
    assert [event["text"] for event in events] == result.stdout.splitlines() != []
    assert all(event["end"] <= 2.0 for event in events)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_the_way_to_end_and_completes_everything(
    number: signal.Signals, long_clip: Path, toy: str, tmp_path: Path
) -> None:
    saved, recorded = tmp_path / "talk.srt", tmp_path / "talk.mkv"
    command = [*HEARSIGHT, "live", "--input", str(long_clip), "--model", toy]
    command += ["--save", str(saved), "--record", str(recorded)]
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    assert program.stdout is not None
    first = program.stdout.readline()
    program.send_signal(number)
    rest, complaints = program.communicate(timeout=20)
    assert (program.returncode, complaints) == (0, "")
    said = (first + rest).split()
    shown = [
        line for line in saved.read_text().splitlines() if line and "-->" not in line and not line.isdigit()
    ]
    assert " ".join(shown).split() == said
    length = probe(recorded).duration_s
    assert length is not None and 0.5 < length < 30


def test_a_second_ctrl_c_does_not_wait(long_clip: Path, toy: str) -> None:
    command = [*HEARSIGHT, "live", "--input", str(long_clip), "--model", toy]
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    assert program.stdout is not None
    program.stdout.readline()
    for _ in range(2):
        program.send_signal(signal.SIGINT)
    _, complaints = program.communicate(timeout=20)
    assert program.returncode in (0, 130)
    assert "Traceback" not in complaints


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_on_a_terminal_keys_choose_the_senses_and_end_it(long_clip: Path, toy: str) -> None:
    import pty

    program, terminal = pty.fork()
    if program == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "100", "OMP_NUM_THREADS": "1"})
        os.execv(HEARSIGHT[0], [*HEARSIGHT, "live", "--input", str(long_clip), "--model", toy])
    assert "ears" in read_until(terminal, "ears")
    os.write(terminal, b"v")
    assert "no input" in read_until(terminal, "no input"), "there are no lips in a sound file"
    os.write(terminal, b"bq")
    while read(terminal):
        pass
    _, status = os.waitpid(program, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode(errors="ignore")
    except OSError:  # the other end is closed
        return ""


def read_until(terminal: int, text: str) -> str:
    shown, deadline = "", time.monotonic() + 20
    while text not in shown and time.monotonic() < deadline and (more := read(terminal)):
        shown += more
    return shown


def test_what_cannot_begin_is_one_sentence(long_clip: Path, toy: str, tmp_path: Path) -> None:
    assert "absent.mp4" in refusal(run("--input", tmp_path / "absent.mp4", "--model", toy))
    assert ".vtt" in refusal(run("--input", long_clip, "--model", toy, "--save", tmp_path / "talk.docx"))
    assert "folder" in refusal(
        run("--input", long_clip, "--model", toy, "--record", tmp_path / "a" / "b.mkv")
    )
    assert "noise" in refusal(run("--input", long_clip, "--model", toy, "--noise", long_clip))
    assert "nothing to caption" in refusal(run("--camera", "none", "--microphone", "none", "--model", toy))


def test_a_refused_input_leaves_earlier_files_alone(toy: str, tmp_path: Path) -> None:
    kept = [tmp_path / "talk.vtt", tmp_path / "talk.mkv"]
    for path in kept:
        path.write_text("precious")
    arguments = ["--input", tmp_path / "absent.mp4", "--model", toy, "--save", kept[0], "--record", kept[1]]
    refusal(run(*arguments))
    assert [path.read_text() for path in kept] == ["precious", "precious"]


def test_a_reader_that_leaves_early_is_no_error(long_clip: Path, toy: str) -> None:
    command = [*HEARSIGHT, "live", "--input", str(long_clip), "--model", toy]
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    assert program.stdout is not None and program.stderr is not None
    program.stdout.close()
    with program:
        assert program.stderr.read() == ""
