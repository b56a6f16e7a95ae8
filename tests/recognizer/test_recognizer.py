"""From a file to events: pacing, senses, and inputs that have nothing to recognise by."""

from __future__ import annotations

import os
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from hearsight.errors import HearsightError, MediaError
from hearsight.recognizer import Recognizer
from hearsight.recognizer.biasing import Hotword


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quiet moment and a second of noise as a WAV file."""
    path = tmp_path_factory.mktemp("media") / "noise.wav"
    random = np.random.default_rng(0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        loudness = np.repeat([3, 3000], [4_000, 16_000])
        file.writeframes((loudness * random.standard_normal(20_000)).astype("<i2").tobytes())
    return path


@pytest.fixture
def no_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if the face path is loaded."""
    from hearsight.face import FacePath

    def refuse() -> FacePath:
        raise AssertionError("the face path was loaded")

    monkeypatch.setattr(FacePath, "load", refuse)


def test_a_file_becomes_events(recognizer: Recognizer, sound: Path) -> None:
    events = list(recognizer.transcribe(sound))
    assert events[-1].kind == "final"
    assert events[-1].senses == ("audio",)
    assert events[-1].emitted is None


def test_a_path_may_be_a_string(recognizer: Recognizer, sound: Path) -> None:
    assert list(recognizer.transcribe(str(sound))) == list(recognizer.transcribe(sound))


@pytest.mark.usefixtures("no_face")
def test_ears_alone_never_load_the_face_path(recognizer: Recognizer, sound: Path) -> None:
    assert list(recognizer.transcribe(sound, modality="audio"))
    picture = np.zeros((48, 64, 3), np.uint8)
    recognizer.stream("audio").push([picture] * 20, np.zeros(20 * 640, np.float32))


@pytest.mark.usefixtures("no_face")
def test_an_input_without_pictures_never_loads_the_face_path(recognizer: Recognizer, sound: Path) -> None:
    assert list(recognizer.transcribe(sound, modality="av"))


def test_eyes_alone_need_pictures(recognizer: Recognizer, sound: Path) -> None:
    with pytest.raises(MediaError, match=f"{sound} has no pictures"):
        list(recognizer.transcribe(sound, modality="video"))


def test_a_pipe_is_read_only_once(recognizer: Recognizer, sound: Path, tmp_path: Path) -> None:
    def transcribed(modality: str) -> list:
        pipe = tmp_path / f"pipe-{modality}.wav"
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_bytes(sound.read_bytes()))
        writer.start()
        try:
            return list(recognizer.transcribe(pipe, modality=modality))
        finally:
            writer.join()

    assert transcribed("audio") == list(recognizer.transcribe(sound, modality="audio"))
    with pytest.raises(MediaError, match="has no pictures"):
        transcribed("video")


@pytest.mark.parametrize("modality", ["av", "audio", "video"])
def test_a_missing_file_is_one_sentence(recognizer: Recognizer, tmp_path: Path, modality) -> None:
    with pytest.raises(MediaError, match=r"none\.mp4") as caught:
        list(recognizer.transcribe(tmp_path / "none.mp4", modality=modality))
    assert "\n" not in str(caught.value)


def test_real_time_is_paced_and_stamped(recognizer: Recognizer, sound: Path) -> None:
    events = list(recognizer.transcribe(sound, realtime=True))
    assert [event.text for event in events] == [event.text for event in recognizer.transcribe(sound)]
    for event in events:
        assert event.emitted is not None
        assert event.end <= event.emitted < event.end + 5.0


def test_an_unknown_modality_is_refused_at_once(recognizer: Recognizer, sound: Path) -> None:
    with pytest.raises(ValueError, match="smell"):
        list(recognizer.transcribe(sound, modality="smell"))
    with pytest.raises(ValueError, match="smell"):
        Recognizer.load(recognizer.bundle.folder, modality="smell")


def test_a_recognizer_loads_from_a_folder(toy_folder: Path) -> None:
    loaded = Recognizer.load(toy_folder, beam_width=2, modality="audio")
    assert (loaded.beam_width, loaded.modality) == (2, "audio")
    assert Recognizer.load(toy_folder).beam_width == loaded.bundle.config.beam_width


def test_context_phrases_are_lines_or_objects_and_never_one_string(toy_folder: Path) -> None:
    assert Recognizer.load(toy_folder, hotwords=[]).context is None
    assert Recognizer.load(toy_folder, hotwords=["blue fox\t3", Hotword("dog", 2.0)], beam_width=1).context
    with pytest.raises(TypeError, match="give a list"):
        Recognizer.load(toy_folder, hotwords="blue fox")
    with pytest.raises(HearsightError, match="boost 30"):
        Recognizer.load(toy_folder, hotwords=["blue fox\t30"])
