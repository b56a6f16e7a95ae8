"""Synthetic speech becomes samples whose word times follow from the phones."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearsight.errors import ManifestError
from hearsight.lab.data.prepare import prepare_corpus
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.data.speech_corpus import is_speech_corpus, prepare_speech, word_times


def test_words_begin_and_end_with_their_phones() -> None:
    times = word_times("a bee", "ə bˈi.", [4, 2, 1, 2, 1, 4, 3, 5])
    assert times == (("a", 0.1, 0.15), ("bee", 0.175, 0.35))


def test_words_that_the_phones_do_not_show_have_no_times() -> None:
    assert word_times("two words", "wˈʌn", [1, 1, 1, 1, 1, 1]) is None


@pytest.mark.shared_data
def test_the_corpus_is_read(shared_data: Path, tmp_path: Path) -> None:
    index = prepare_speech(shared_data / "speech", tmp_path, split="dev", source="grid")
    samples = list(read_shards(find_shards(tmp_path)))
    assert len(samples) == index.shards[0]["samples"] == 60
    for sample in samples:
        assert sample.id.startswith("grid-") and sample.split == "dev"
        assert sample.samples is not None and sample.pixels is None and sample.words is not None
        assert [word for word, _, _ in sample.words] == sample.text.split()
        assert sample.words[0][1] > 0 and sample.words[-1][2] <= sample.ticks / 25


@pytest.mark.shared_data
def test_a_manifest_of_speech_is_recognised_and_so_is_its_folder(shared_data: Path, tmp_path: Path) -> None:
    speech = shared_data / "speech"
    for given, out in ((speech, tmp_path / "one"), (speech / "manifest.jsonl", tmp_path / "two")):
        index = prepare_corpus(given, out, split="dev", source="grid")
        assert sum(shard["samples"] for shard in index.shards) == 60


def test_recordings_are_not_taken_for_speech(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"id": "a", "media": "a.mp4", "text": "now"}\n')
    assert not is_speech_corpus(manifest) and not is_speech_corpus(tmp_path / "missing.jsonl")
    with pytest.raises(ManifestError, match="leave --source out"):
        prepare_corpus(manifest, tmp_path / "out", source="grid")
