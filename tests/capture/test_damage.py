"""No damage to a file ends in anything but what can still be read, or one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.errors import MediaError
from tests.capture.media import AAC, Audio, Video, video_at, write
from tests.capture.reading import read

SECONDS_PER_BYTE = 1 / 100
CLIPS = {
    "clip.mkv": (Video(), Audio()),
    "clip.mp4": (video_at(25), AAC),
    "clip.ts": (Video(), AAC),
    "clip.avi": (Video(codec="mjpeg", pixels="yuvj420p"), Audio(codec="pcm_s16le")),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    for name, streams in CLIPS.items():
        write(folder / name, *streams)
    return folder


def damaged(content: bytes, how: str, seed: int) -> bytes:
    random = np.random.default_rng(seed)
    if how == "cut off":
        return content[: random.integers(len(content))]
    if how == "a piece lost":
        first = random.integers(len(content))
        return content[:first] + content[first + random.integers(1, 400) :]
    end = 600 if how == "header" else len(content)
    changed = bytearray(content)
    for place in random.integers(0, end, random.integers(1, 20)):
        changed[place] = random.integers(256)
    return bytes(changed)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(CLIPS)),
    how=st.sampled_from(["cut off", "a piece lost", "header", "anywhere"]),
    seed=st.integers(0, 2**32),
)
def test_damaged_files_are_read_as_far_as_they_go(folder, name, how, seed):
    path = folder / f"damaged-{name}"
    path.write_bytes(damaged((folder / name).read_bytes(), how, seed))
    try:
        reading = read(path)
    except MediaError as refusal:
        assert str(refusal).startswith(str(path))
    else:
        # A wrong time stamp or rate cannot make hours out of seconds.
        assert len(reading) / 25 < 60 + 2 * path.stat().st_size * SECONDS_PER_BYTE
