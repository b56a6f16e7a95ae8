"""The command line: what a user types, reads and gets back, also when something is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hearsight.cli import app
from hearsight.evaluate import run as running
from tests.capture.media import Audio, Video, frame_times, write
from tests.capture.odd_media import ODD_MEDIA
from tests.recognizer.toy_bundle import write_toy_bundle

HEARSIGHT = [sys.executable, "-m", "hearsight"]
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle that hears nonsense, but hears it in every sound."""
    return str(write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound alone: quicker to recognise than pictures."""
    return write(tmp_path_factory.mktemp("media") / "clip.flac", Audio(spans=((0.0, 2.4),)))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough to be interrupted while it plays."""
    return write(tmp_path_factory.mktemp("media") / "long.flac", Audio(spans=((0.0, 20.0),)))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refusal(result: Result) -> str:
    """The one line on standard error of what was refused."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    [line] = result.stderr.splitlines()
    assert line.startswith("hearsight: ")
    return line


def test_help_needs_none_of_the_heavy_libraries() -> None:
    heavy = "{'PIL', 'av', 'cv2', 'kornia_rs', 'numpy', 'onnxruntime', 'sentencepiece', 'torch'}"
    code = f"import sys, hearsight.cli; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "verb", ["transcribe", "inspect", "prepare", "train", "export", "evaluate", "models"]
)
def test_every_verb_says_what_it_does(verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert verb in result.stdout


def test_a_transcript_comes_in_every_format(clip: Path, toy: str) -> None:
    text = run("transcribe", clip, "--model", toy)
    assert text.exit_code == 0
    assert text.stdout.strip()
    document = json.loads(run("transcribe", clip, "--model", toy, "--format", "json").stdout)
    assert document["text"].split() == text.stdout.split()
    lines = run("transcribe", clip, "--model", toy, "--format", "jsonl").stdout.splitlines()
    finals = [event for event in map(json.loads, lines) if event["kind"] == "final"]
    assert " ".join(event["text"] for event in finals).split() == text.stdout.split()
    assert "-->" in run("transcribe", clip, "--model", toy, "--format", "srt").stdout
    assert run("transcribe", clip, "--model", toy, "--format", "vtt").stdout.startswith("WEBVTT\n")


def test_a_wider_beam_and_another_sense_are_a_word_away(clip: Path, toy: str) -> None:
    for choice in (["--beam", "1"], ["--modality", "audio"]):
        assert run("transcribe", clip, "--model", toy, *choice).exit_code == 0
    assert "no pictures" in refusal(run("transcribe", clip, "--model", toy, "--modality", "video"))
    assert run("transcribe", clip, "--model", toy, "--modality", "smell").exit_code == 2


def test_real_time_is_paced_by_the_clock_and_stamped(clip: Path, toy: str) -> None:
    started = time.monotonic()
    result = run("transcribe", clip, "--model", toy, "--format", "jsonl", "--realtime")
    assert time.monotonic() - started >= 2.4
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(events) > 1
    assert all(event["emitted"] >= event["end"] - 0.05 for event in events)


def test_one_refused_input_does_not_lose_the_others(clip: Path, toy: str, tmp_path: Path) -> None:
    alone = run("transcribe", clip, "--model", toy).stdout
    result = run("transcribe", clip, tmp_path / "absent.mp4", clip, "--model", toy)
    assert "absent.mp4" in refusal(result)
    assert result.stdout.count(alone) == 2
    assert result.stdout.startswith(f"==> {clip} <==\n")


def test_that_nobody_says_anything_is_said(clip: Path, toy: str, tmp_path: Path) -> None:
    nobody = write(tmp_path / "nobody.mkv", Video())
    result = run("transcribe", nobody, "--model", toy, "--format", "json")
    assert result.exit_code == 0 and json.loads(result.stdout)["utterances"] == []
    assert result.stderr == f"hearsight: {nobody}: no words were recognised\n"
    assert run("transcribe", clip, "--model", toy).stderr == ""


def test_a_transcript_can_go_into_a_file(clip: Path, toy: str, tmp_path: Path) -> None:
    target = tmp_path / "words.srt"
    result = run("transcribe", clip, "--model", toy, "--format", "srt", "--output", target)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "-->" in target.read_text()


def test_a_refused_input_leaves_an_earlier_transcript_alone(toy: str, tmp_path: Path) -> None:
    target = tmp_path / "words.vtt"
    target.write_text("precious")
    refusal(run("transcribe", tmp_path / "absent", "--model", toy, "--format", "vtt", "--output", target))
    assert target.read_text() == "precious"


def test_where_nothing_can_be_written_is_said(clip: Path, toy: str, tmp_path: Path) -> None:
    assert "cannot write" in refusal(run("transcribe", clip, "--model", toy, "--output", tmp_path))
    assert "one input" in refusal(run("transcribe", clip, clip, "--model", toy, "--output", tmp_path / "a"))


def test_an_unknown_model_is_named(clip: Path) -> None:
    assert "'nobody'" in refusal(run("transcribe", clip, "--model", "nobody"))


@pytest.mark.parametrize("kind", ODD_MEDIA)
def test_odd_media_are_transcribed_or_refused_with_one_sentence(kind: str, toy: str, tmp_path: Path) -> None:
    odd = ODD_MEDIA[kind]
    result = run("transcribe", odd.write(tmp_path), "--model", toy)
    if odd.readable:
        assert result.exit_code == 0, result.output
    else:
        refusal(result)
        assert result.stdout == ""


@pytest.mark.parametrize("kind", ["MP4 without its index", "cut off (Matroska)", "missing file"])
def test_no_traceback_leaves_the_program(kind: str, toy: str, tmp_path: Path) -> None:
    odd = ODD_MEDIA[kind]
    command = [*HEARSIGHT, "transcribe", str(odd.write(tmp_path)), "--model", toy]
    ended = subprocess.run(command, capture_output=True, text=True, env=ONE_THREAD)
    assert ended.returncode == (0 if odd.readable else 2)
    assert "Traceback" not in ended.stderr
    assert all(line.startswith("hearsight: ") for line in ended.stderr.splitlines())


def test_ctrl_c_ends_cleanly_and_keeps_what_was_heard(long_clip: Path, toy: str) -> None:
    command = [*HEARSIGHT, "transcribe", str(long_clip), "--model", toy, "--realtime", "--format"]
    with subprocess.Popen(
        [*command, "jsonl"], stdout=subprocess.PIPE, text=True, env=ONE_THREAD
    ) as until_word:
        assert until_word.stdout is not None
        until_word.stdout.readline()
        began = time.monotonic()
        until_word.send_signal(signal.SIGINT)
        rest, _ = until_word.communicate(timeout=20)
        assert until_word.returncode == 130
        assert time.monotonic() - began < 2.0
    assert all(json.loads(line) for line in rest.splitlines())


def test_ctrl_c_leaves_a_whole_document(long_clip: Path, toy: str, tmp_path: Path) -> None:
    target = tmp_path / "words.json"
    command = [*HEARSIGHT, "transcribe", str(long_clip), "--model", toy, "--realtime", "--format", "json"]
    program = subprocess.Popen(
        [*command, "--output", str(target)], stderr=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    while not target.exists() and program.poll() is None:  # it begins with the first event
        time.sleep(0.02)
    time.sleep(0.3)
    program.send_signal(signal.SIGINT)
    _, complaints = program.communicate(timeout=20)
    assert (program.returncode, complaints) == (130, "")
    assert json.loads(target.read_text())["text"]


def test_a_reader_that_leaves_early_is_no_error(clip: Path, toy: str) -> None:
    command = [*HEARSIGHT, "transcribe", *[str(clip)] * 3, "--model", toy, "--format", "jsonl"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ONE_THREAD)
    assert program.stdout is not None and program.stderr is not None
    program.stdout.close()
    with program:
        assert program.stderr.read() == b""


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--data", "a", "--validation", "b", "--out", "d"],
        ["export", "last.ckpt", "--out", "d", "--name", "mine"],
    ],
)
def test_what_needs_the_lab_says_how_to_install_it(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("hearsight.lab")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    line = refusal(run(*command))
    assert "needs torch" in line
    assert "pip install 'hearsight[lab]'" in line


def manifest(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_model_is_measured_on_a_manifest(clip: Path, toy: str, tmp_path: Path) -> None:
    rows = [
        {"id": name, "media": str(clip), "text": "bin blue at f two now", "split": "dev"} for name in "ab"
    ]
    path = manifest(tmp_path, *rows)
    result = run("evaluate", path, "--model", toy, "--format", "json", "--utterances", "--modality", "audio")
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert {"wer", "errors", "words", "utterances", "rtf"} <= figures.keys()
    assert (figures["words"], figures["utterances"]) == (12, 2)
    assert figures["wer"] == pytest.approx(100 * figures["errors"] / 12, abs=0.01)
    assert figures["errors"] == sum(each["errors"] for each in figures["results"])
    assert figures["rtf"] > 0
    assert [each["id"] for each in figures["results"]] == ["a", "b"]
    for_people = run("evaluate", path, "--model", toy).stdout
    assert re.search(r"word error rate +\d+\.\d %", for_people)


def test_noise_changes_what_is_measured_and_the_table_holds_it_all(
    clip: Path, toy: str, tmp_path: Path
) -> None:
    path = manifest(tmp_path, {"id": "a", "media": str(clip), "text": "bin blue", "split": "dev"})
    command = ["evaluate", path, "--model", toy, "--noise", clip, "--format", "json"]
    assert json.loads(run(*command, "--snr", "-5").stdout)["utterances"] == 1
    figures = json.loads(run(*command, "--table").stdout)
    assert len({(each["modality"], each["snr_db"]) for each in figures}) == 13
    assert {each["split"] for each in figures} == {"dev"}
    assert "--snr" in refusal(run("evaluate", path, "--model", toy, "--noise", clip))
    assert "--noise" in refusal(run("evaluate", path, "--model", toy, "--table"))


def test_a_broken_recording_costs_only_its_row(clip: Path, toy: str, tmp_path: Path) -> None:
    rows = [
        {"id": name, "media": media, "text": "bin"} for name, media in (("a", "absent"), ("b", str(clip)))
    ]
    result = run("evaluate", manifest(tmp_path, *rows), "--model", toy, "--format", "json")
    assert "skipped a: " in refusal(result)
    assert json.loads(result.stdout)["utterances"] == 1


def test_ctrl_c_keeps_what_was_measured(
    clip: Path, toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = running.evaluate

    def interrupted(*arguments: Any, **options: Any) -> Iterator[Any]:
        yield next(measured(*arguments, **options))
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "evaluate", interrupted)
    rows = [{"id": name, "media": str(clip), "text": "bin"} for name in "ab"]
    result = run("evaluate", manifest(tmp_path, *rows), "--model", toy, "--format", "json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["utterances"] == 1


def test_a_wrong_manifest_line_is_named(toy: str, tmp_path: Path) -> None:
    path = manifest(tmp_path, {"id": "a", "text": "bin"})
    assert f"{path}, line 1: " in refusal(run("evaluate", path, "--model", toy))


def test_models_are_listed_with_their_cards(toy: str) -> None:
    listed = run("models", "--format", "json")
    assert listed.exit_code == 0
    assert all(
        {"name", "language", "licence", "card"} <= bundle.keys() for bundle in json.loads(listed.stdout)
    )
    assert run("models").exit_code == 0
    assert "Understands nothing." in run("models", toy).stdout


def test_the_face_path_can_be_looked_at(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mkv", Video(times=frame_times(25, 1.0)))
    result = run("inspect", clip, "--out", tmp_path / "pictures")
    assert result.exit_code == 0, result.output
    written = [Path(line) for line in result.stdout.splitlines()]
    assert len(written) >= 2
    assert all(path.stat().st_size > 0 for path in written)
    assert "absent.mp4" in refusal(run("inspect", tmp_path / "absent.mp4", "--out", tmp_path))


def test_the_example_is_heard_rightly_by_the_model_that_comes_along() -> None:
    [example] = (Path(__file__).resolve().parents[1] / "examples").glob("*.mp4")
    for choice in ([], ["--realtime"]):
        result = run("transcribe", example, *choice)
        assert (result.exit_code, result.stdout) == (0, "set white by k four soon\n")


def test_context_phrases_that_cannot_apply_are_refused(clip: Path, toy: str, tmp_path: Path) -> None:
    phrases = tmp_path / "phrases.txt"
    for content, why in [("", "no context phrases"), ("café\n", "no é"), ("blue\tvery\n", "'very'")]:
        phrases.write_text(content, encoding="utf-8")
        for verb in (["transcribe", clip], ["live", "--input", clip]):
            assert why in refusal(run(*verb, "--model", toy, "--hotwords", phrases))
    assert "cannot be read" in refusal(
        run("transcribe", clip, "--model", toy, "--hotwords", tmp_path / "absent")
    )


def test_numbers_are_written_in_digits_on_request() -> None:
    example = Path(__file__).resolve().parents[1] / "examples" / "set_white_by_k_four_soon.mp4"
    assert run("transcribe", example, "--normalize").stdout == "Set white by k 4 soon\n"
    assert run("live", "--input", example, "--normalize").stdout == "Set white by k 4 soon\n"
