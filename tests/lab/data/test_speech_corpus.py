"""Synthetic speech becomes samples whose word times follow from the phones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.errors import ManifestError
from hearsight.lab.data.prepare import prepare_corpus
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.data.speech_corpus import is_speech_corpus, phones_by_tick, prepare_speech, word_times


def test_words_begin_and_end_with_their_phones() -> None:
    times = word_times("a bee", "ə bˈi.", [4, 2, 1, 2, 1, 4, 3, 5])
    assert times == (("a", 0.1, 0.15), ("bee", 0.175, 0.35))


def test_words_that_the_phones_do_not_show_have_no_times() -> None:
    assert word_times("two words", "wˈʌn", [1, 1, 1, 1, 1, 1]) is None


def test_each_tick_has_its_phone_and_marks_of_stress_go_with_the_phone_before() -> None:
    # Steps of 25 ms under ticks of 40 ms: the middles lie in steps 0, 2, 4, 5, 7, 8, 10 and so on.
    assert phones_by_tick("ə bˈi.", [2, 2, 1, 2, 1, 4, 1, 3], 11) == " ə bbiii   "


@given(said=st.lists(st.tuples(st.sampled_from("əbi. ,"), st.integers(0, 9)), max_size=20))
def test_a_phone_lasts_as_long_as_its_durations_say(said: list[tuple[str, int]]) -> None:
    durations = [3, *(duration for _, duration in said), 4]
    ticks = -(-sum(durations) * 25 // 40)
    by_tick = phones_by_tick("".join(symbol for symbol, _ in said), durations, ticks)
    assert len(by_tick) == ticks
    for phone in "əbi":
        lasts = [duration for symbol, duration in said if symbol == phone]
        assert abs(by_tick.count(phone) * 40 - sum(lasts) * 25) <= 40 * len(lasts)


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
    for source, out in ((speech, tmp_path / "one"), (speech / "manifest.jsonl", tmp_path / "two")):
        index = prepare_corpus(source, out, split="dev", source="grid")
        assert sum(shard["samples"] for shard in index.shards) == 60


def test_recordings_are_not_taken_for_speech(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"id": "a", "media": "a.mp4", "text": "now"}\n')
    assert not is_speech_corpus(manifest) and not is_speech_corpus(tmp_path / "missing.jsonl")
    with pytest.raises(ManifestError, match="leave --source out"):
        prepare_corpus(manifest, tmp_path / "out", source="grid")
