from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hearsight.errors import HearsightError
from hearsight.lab.data.speech_corpus import read_sentence
from hearsight.lab.synth import budget, speaking
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.casting import HELD_OUT, Delivery
from hearsight.lab.synth.engine_names import EngineName
from hearsight.lab.synth.engines import ENGINES
from hearsight.lab.synth.speaking import SpeechOptions, speak_text
from hearsight.lab.synth.speech import Utterance

TEXT = "place red at g nine now\nhow are you today\nthis is unsayable\ngood evening everyone\nsee you later\n"
OPTIONS = SpeechOptions(dev_share=0.2, per_shard=2)


class Hum:
    """Says every word as a tenth of a second of hum; a voice is a pitch."""

    def speak(self, assets: Assets, text: str, said: Delivery, seed: int) -> Utterance:
        if "unsayable" in text:
            raise HearsightError("No dictionary has the word 'unsayable'")
        phones = " ".join("m" for _ in text.split())
        durations = [2, *([2] * len(phones)), 2]
        pitch = 100 + 20 * len("".join(said.voice))
        samples = np.sin(np.arange(sum(durations) * 600) * 2 * np.pi * pitch / 24_000)
        return Utterance(text, phones, durations, samples.astype(np.float32))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def hum(monkeypatch: pytest.MonkeyPatch) -> Assets:
    for name, engine in ENGINES.items():
        humming = replace(engine, prepare=lambda assets: None, speak=Hum().speak)
        monkeypatch.setitem(ENGINES, name, humming)
    return Assets(Path("nowhere"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_sentence_is_spoken_as_the_manifest_says(text: Path, hum: Assets, tmp_path: Path):
    spoken = speak_text(text, tmp_path / "speech", hum, OPTIONS)
    rows = [json.loads(line) for line in (tmp_path / "speech" / "manifest.jsonl").read_text().splitlines()]
    assert rows == spoken.rows
    assert [row["source"] for row in rows] == ["grid", "text", "text", "text"]
    assert sum(row["split"] == "dev" for row in rows) <= 1
    for row in rows:
        sample = read_sentence(tmp_path / "speech", row)
        assert sample.text == row["text"] and sample.samples is not None and sample.words is not None
        assert [word for word, _, _ in sample.words] == row["text"].split()
        assert 0 <= len(sample.samples) / 16_000 - row["seconds"] < 0.04
        loud = np.abs(sample.samples[int(sample.words[0][1] * 16_000) :][:1000]).max()
        assert loud > 0.3  # the sound begins where the durations say, not late by the codec's delay


def test_what_cannot_be_said_is_listed_also_when_run_again(text: Path, hum: Assets, tmp_path: Path):
    for _ in range(2):
        spoken = speak_text(text, tmp_path / "speech", hum, OPTIONS)
        assert [each["id"] for each in spoken.skipped] == ["000000002"]
        assert "unsayable" in spoken.skipped[0]["reason"]


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    text: Path, hum: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    speak_text(text, tmp_path / "whole", hum, OPTIONS)
    speak_line, spoken = speaking.speak_line, []

    def interrupted(line, assets, options):
        if len(spoken) == 3:
            raise KeyboardInterrupt
        spoken.append(line)
        return speak_line(line, assets, options)

    monkeypatch.setattr(speaking, "speak_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        speak_text(text, tmp_path / "broken", hum, OPTIONS)
    assert "speech-001.tar" not in contents(tmp_path / "broken")
    first = (tmp_path / "broken" / "speech-000.tar").stat().st_mtime_ns
    monkeypatch.setattr(speaking, "speak_line", speak_line)
    speak_text(text, tmp_path / "broken", hum, OPTIONS)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")
    assert (tmp_path / "broken" / "speech-000.tar").stat().st_mtime_ns == first


def test_other_words_or_options_need_another_folder(text: Path, hum: Assets, tmp_path: Path):
    speak_text(text, tmp_path / "speech", hum, OPTIONS)
    with pytest.raises(HearsightError, match="give an empty folder"):
        speak_text(text, tmp_path / "speech", hum, replace(OPTIONS, seed=1))
    text.write_text("something else is said\n")
    with pytest.raises(HearsightError, match="give an empty folder"):
        speak_text(text, tmp_path / "speech", hum, OPTIONS)
    (tmp_path / "speech" / "speech.json").write_text("{")
    with pytest.raises(HearsightError, match="damaged"):
        speak_text(text, tmp_path / "speech", hum, OPTIONS)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "manifest.jsonl").write_text("")
    with pytest.raises(HearsightError, match="other speech"):
        speak_text(text, tmp_path / "foreign", hum, OPTIONS)


def test_takes_of_a_sentence_share_its_split_and_seeds_share_no_id(text: Path):
    lines = speaking.read_lines(text, SpeechOptions(takes=3, dev_share=0.4))
    assert len({line.id for line in lines}) == 15
    by_text = {line.text: {other.split for other in lines if other.text == line.text} for line in lines}
    assert all(len(splits) == 1 for splits in by_text.values())
    others = speaking.read_lines(text, SpeechOptions(takes=3, seed=1))
    assert not {line.id for line in lines} & {line.id for line in others}


def test_it_is_said_beforehand_how_much_it_will_be(
    text: Path, hum: Assets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said: list[str] = []
    speak_text(text, tmp_path / "speech", hum, OPTIONS, workers=2, say=said.append, only_say=True)
    assert "5 clips" in said[0] and "MB" in said[0] and "2 cores" in said[0]
    assert not (tmp_path / "speech").exists()
    full = type("Usage", (), {"free": 10})
    monkeypatch.setattr(budget.shutil, "disk_usage", lambda folder: full)
    with pytest.raises(HearsightError, match="make room"):
        speak_text(text, tmp_path / "speech", hum, OPTIONS)


def test_a_cheaper_engine_is_said_to_take_less_time(text: Path, hum: Assets, tmp_path: Path):
    said: list[str] = []
    for engine in EngineName:
        asked = replace(OPTIONS, engine=engine, takes=500)
        speak_text(text, tmp_path / "speech", hum, asked, say=said.append, only_say=True)
    minutes = [line.split("about ")[-1] for line in said]
    assert minutes == sorted(minutes, key=lambda told: -float(told.split()[0])) and len(set(minutes)) == 3


@pytest.mark.parametrize(
    ("engine", "told"),
    [("piper", "hearsight synth fetch --engine piper"), ("flite", "Debian's package flite")],
)
def test_an_engine_that_is_not_there_is_told_before_anything_is_made(
    engine: str, told: str, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = replace(OPTIONS, engine=EngineName(engine))
    with pytest.raises(HearsightError, match=told):
        speak_text(text, tmp_path / "speech", Assets(tmp_path), asked)
    assert not (tmp_path / "speech").exists()


def test_another_engine_needs_another_folder(text: Path, hum: Assets, tmp_path: Path):
    speak_text(text, tmp_path / "speech", hum, OPTIONS)
    assert "engine" not in json.loads((tmp_path / "speech" / "speech.json").read_text())["made_from"]
    with pytest.raises(HearsightError, match="give an empty folder"):
        speak_text(text, tmp_path / "speech", hum, replace(OPTIONS, engine=EngineName.flite))


@pytest.mark.parametrize("engine", [EngineName.piper, EngineName.flite])
def test_a_plain_engine_speaks_a_text_as_kokoro_does(engine: EngineName, assets: Assets, tmp_path: Path):
    try:
        ENGINES[engine].prepare(assets)
    except HearsightError as error:
        pytest.skip(str(error))
    path = tmp_path / "text.txt"
    path.write_text("place red at a nine now\ngood evening everyone\n")
    options = SpeechOptions(dev_share=0.5, per_shard=1, engine=engine)
    for folder, workers in (("one", 1), ("two", 2)):
        spoken = speak_text(path, tmp_path / folder, assets, options, workers=workers)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    for row in spoken.rows:
        sample = read_sentence(tmp_path / "two", row)
        assert sample.words is not None and [word for word, _, _ in sample.words] == row["text"].split()
        assert "@" in sample.speaker


def test_a_text_that_cannot_be_read_is_one_sentence(hum: Assets, tmp_path: Path):
    with pytest.raises(HearsightError, match=r"absent.txt cannot be read"):
        speak_text(tmp_path / "absent.txt", tmp_path / "speech", hum, OPTIONS)
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(HearsightError, match="at least one sentence"):
        speak_text(tmp_path / "empty.txt", tmp_path / "speech", hum, OPTIONS)


def test_kokoro_speaks_a_text_in_voices_that_the_shards_name(assets: Assets, tmp_path: Path):
    path = tmp_path / "text.txt"
    path.write_text("place red at a nine now\ngood evening everyone\n")
    for folder in ("one", "two"):
        speak_text(path, tmp_path / folder, assets, SpeechOptions(dev_share=0.5))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    with tarfile.open(tmp_path / "one" / "speech-000.tar") as tar:
        told = [json.load(tar.extractfile(name)) for name in tar.getnames() if name.endswith(".json")]  # type: ignore[arg-type]
    assert all((each["split"] == "dev") == set(each["voice"]).issubset(HELD_OUT) for each in told)
    assert {each["split"] for each in told} == {"train", "dev"}
    letter = told[0]["phones"].split()[3]
    assert "A" in letter or "eɪ" in letter  # said as a letter, not as the article
