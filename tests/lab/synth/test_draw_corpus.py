from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hearsight.errors import ManifestError
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.shards import draw_corpus


@pytest.mark.shared_data
def test_people_who_say_sentences_of_the_speech_corpus(assets: Assets, shared_data: Path, tmp_path: Path):
    def draw(folder: str, copies: range = range(2)) -> list:
        draw_corpus(shared_data / "speech", tmp_path / folder, assets, source="grid", limit=2, copies=copies)
        return list(read_shards(find_shards(tmp_path / folder)))

    clips = draw("one")
    assert len({clip.id for clip in clips}) == len({clip.speaker for clip in clips}) == 4
    for clip in clips:
        assert clip.pixels is not None and clip.samples is not None and clip.words is not None
        assert clip.video_present.all()
        assert clip.pixels.shape == (clip.ticks, 96, 96)
        assert len(clip.samples) == clip.ticks * 640
        assert [word for word, _, _ in clip.words] == clip.text.split()
    again = draw("two")
    np.testing.assert_array_equal(clips[3].pixels, again[3].pixels)
    other = draw("three", range(2, 3))
    assert other[0].text == clips[0].text and other[0].speaker != clips[0].speaker


def test_a_folder_without_a_manifest_is_one_sentence(tmp_path: Path):
    with pytest.raises(ManifestError, match="cannot be read as a manifest"):
        draw_corpus(tmp_path, tmp_path / "out", Assets(tmp_path))
