"""Inspect shows the path at work, whatever the input."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from hearsight.errors import MediaError
from hearsight.face.inspect import inspect


def write_video(file: Path, pictures: list[np.ndarray]) -> Path:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return file


def write_sound(file: Path) -> Path:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
        sound.sample_rate = 16_000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    return file


def animated_frames(file: Path) -> int:
    return file.read_bytes().count(b"ANMF")


def test_an_animation_and_a_contact_sheet_are_written(tmp_path, face, picture) -> None:
    pictures = [picture(face(170 + tick, 140, 90)) if tick > 4 else picture() for tick in range(15)]
    video = write_video(tmp_path / "clip.mkv", pictures)
    animation, sheet = inspect(video, tmp_path / "new" / "folder")
    assert (animation.name, sheet.name) == ("face.webp", "face.png")
    assert animated_frames(animation) == pytest.approx(15, abs=5)  # still frames may be joined
    drawing = cv2.imread(str(sheet))
    assert drawing is not None and drawing.shape[0] > 6 * 240 and drawing.shape[1] > 4 * 240


def test_only_the_beginning_of_a_long_input_is_shown(tmp_path, face, picture) -> None:
    pictures = [picture(face(150 + tick, 140, 90)) for tick in range(20)]
    video = write_video(tmp_path / "clip.mkv", pictures)
    animation, _ = inspect(video, tmp_path, seconds=0.2)
    assert animated_frames(animation) == 5


@pytest.mark.parametrize("size", [(96, 320), (640, 128), (250, 250)])
def test_pictures_of_any_shape_fit(tmp_path, picture, size) -> None:
    video = write_video(tmp_path / "clip.mkv", [picture(size=size)] * 3)
    for file in inspect(video, tmp_path):
        assert file.stat().st_size > 0


def test_an_input_without_pictures_is_refused_with_one_sentence(tmp_path) -> None:
    sound = write_sound(tmp_path / "sound.wav")
    with pytest.raises(MediaError, match=r"sound\.wav has no pictures"):
        inspect(sound, tmp_path / "out")
    assert not (tmp_path / "out").exists()
