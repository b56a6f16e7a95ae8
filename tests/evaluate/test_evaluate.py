"""A manifest is measured under every condition, each recording decoded and its face found once."""

from __future__ import annotations

import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import hearsight.evaluate.evaluate as evaluating
from hearsight.evaluate.evaluate import Condition, Scored, Skipped, evaluate, summary
from hearsight.evaluate.manifest import Row
from hearsight.evaluate.table import CONDITIONS, markdown
from hearsight.evaluate.word_errors import count_errors
from hearsight.types import Chunk, Crops, Event, Word


@dataclass
class FakeStream:
    """Hears "clean" in quiet sound, "noisy" in loud sound, "seen" by the eyes alone."""

    modality: str
    heard: list[str] = field(default_factory=list)

    def push_crops(self, crops: Crops, samples: np.ndarray, audio_present: np.ndarray) -> list[Event]:
        assert len(crops) * 640 == len(samples) == len(audio_present) * 640
        loud = np.abs(samples).max() > 0.5
        blind = self.modality == "av" and not crops.video_present.any()
        sound = "noisy" if loud else "clean"
        self.heard.append("seen" if self.modality == "video" else "blind" if blind else sound)
        return [event("partial", "something else")]

    def finish(self) -> list[Event]:
        return [event("final", text) for text in (*self.heard, "")]


@dataclass
class FakeRecognizer:
    def stream(self, modality: str) -> FakeStream:
        return FakeStream(modality)


@dataclass
class FakeFace:
    processed: int = 0
    freezes: bool = False
    frozen: np.ndarray = field(default_factory=lambda: np.zeros(0, np.bool_))

    def reset(self) -> None:
        self.processed += 1

    def process(self, chunk: Chunk) -> Crops:
        self.frozen = np.full(len(chunk), self.freezes)
        return Crops(chunk.start, np.full((len(chunk), 96, 96), 9, np.uint8), np.ones(len(chunk), np.bool_))


def event(kind: str, text: str) -> Event:
    return Event(kind, tuple(Word(word, 0, 1, 1.0) for word in text.split()), 0, 1, ("audio",))


@pytest.fixture
def face(monkeypatch: pytest.MonkeyPatch) -> FakeFace:
    fake = FakeFace()
    monkeypatch.setattr(evaluating.FacePath, "load", lambda: fake)
    return fake


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    samples = 0.1 * np.sin(np.arange(16_000) / 10)
    with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return tmp_path / "clip.wav"


NOISE = np.random.default_rng(0).uniform(-1, 1, 8000).astype(np.float32)


def test_every_condition_is_measured_on_one_decoding_of_the_clip(clip: Path, face: FakeFace) -> None:
    conditions = [Condition("av"), Condition("av", -20.0), Condition("video")]
    outcomes = list(evaluate(FakeRecognizer(), [Row("a", clip, "clean")], conditions, noise=NOISE))
    assert [outcome.hypothesis for outcome in outcomes] == ["clean", "noisy", "seen"]
    assert [outcome.counts.errors for outcome in outcomes] == [0, 1, 1]
    assert all(outcome.seconds == pytest.approx(1.0) for outcome in outcomes)
    assert face.processed == 1


def test_frozen_pictures_count_as_none_beside_sound_as_everywhere(clip: Path, face: FakeFace) -> None:
    face.freezes = True
    conditions = [Condition("av"), Condition("video")]
    outcomes = list(evaluate(FakeRecognizer(), [Row("a", clip, "clean")], conditions))
    assert [outcome.hypothesis for outcome in outcomes] == ["blind", "seen"]


def test_the_face_is_not_looked_for_when_only_the_ears_are_measured(clip: Path, face: FakeFace) -> None:
    [outcome] = evaluate(FakeRecognizer(), [Row("a", clip, "clean")], [Condition("audio")])
    assert outcome.counts.errors == 0
    assert face.processed == 0


def test_a_broken_clip_costs_only_itself(clip: Path, face: FakeFace, tmp_path: Path) -> None:
    (tmp_path / "broken.mkv").write_bytes(b"nothing")
    rows = [Row("x", tmp_path / "broken.mkv", "clean"), Row("a", clip, "clean")]
    broken, good = evaluate(FakeRecognizer(), rows, [Condition("av")])
    assert isinstance(broken, Skipped) and "broken.mkv" in broken.reason
    assert isinstance(good, Scored)


AV = Condition("av")


def scored(said: str, heard: str, condition: Condition = AV, split: str = "dev") -> Scored:
    row = Row(said, Path("a.mkv"), said, split=split)
    return Scored(row, condition, heard, count_errors(said, heard), seconds=2.0, cost=0.1)


def test_a_summary_pools_and_says_how_sure_it_is() -> None:
    figures = summary([scored("a b c", "a b d"), scored("a", "a")], results=True)
    assert {key: figures[key] for key in ("wer", "errors", "words", "utterances", "rtf")} == {
        "wer": 25.0,
        "errors": 1,
        "words": 4,
        "utterances": 2,
        "rtf": 0.05,
    }
    assert figures["interval"][0] <= 25.0 <= figures["interval"][1]
    assert "slots" not in figures
    assert figures["results"][0] == {
        "id": "a b c",
        "split": "dev",
        "errors": 1,
        "words": 3,
        "reference": "a b c",
        "hypothesis": "a b d",
    }


def test_the_table_shows_every_condition_of_every_split() -> None:
    said, heard = "bin blue at f two now", "bin blue at s two now"
    outcomes = [
        scored(said, said if split == "seen" else heard, condition, split)
        for split in ("seen", "unseen")
        for condition in CONDITIONS
    ]
    table = markdown(outcomes)
    assert "### seen: 1 utterances, 6 words" in table
    assert "| words wrong % (95 % interval) | clean | 10 dB | 5 dB | 0 dB | -5 dB | -10 dB |" in table
    assert table.count("| audio + video | 16.7 (16.7 to 16.7) |" + " 16.7 (16.7 to 16.7) |" * 5) == 1
    assert table.count("| video | 0.0 (0.0 to 0.0) |" + " 0.0 (0.0 to 0.0) |" * 5) == 1
    assert "| audio + video, -5 dB | 0.0 | 0.0 | 0.0 | 100.0 | 0.0 | 0.0 |" in table
