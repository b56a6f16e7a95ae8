"""The bundled model understands people it was not shown these sentences of, in any chunking."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hearsight.capture.files import read_chunks
from hearsight.recognizer import Recognizer, available
from hearsight.types import Chunk, Event

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def small() -> Recognizer:
    if "small" not in available():
        pytest.skip("the bundle small is not in this checkout")
    return Recognizer.load("small")


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[dict]:
    """Every tenth sentence of the seen speaker's held-out ones."""
    grid = shared_data / "grid"
    rows = [json.loads(line) for line in (grid / "manifest.jsonl").read_text().splitlines()]
    held_out = [row for row in rows if row["split"] == "dev_seen" and row.get("words")]
    return [{**row, "path": grid / row["media"]} for row in held_out[::10]]


def test_it_gets_the_words_and_their_times(small: Recognizer, rows: list[dict]) -> None:
    right, late = 0, []
    for row in rows:
        events = list(small.transcribe(row["path"]))
        assert events[-1].kind == "final"
        assert events[-1].senses == ("audio", "video")
        heard = [word for event in events if event.kind == "final" for word in event.words]
        for word, (text, _, end) in zip(heard, row["words"], strict=False):
            if word.text == text:
                right += 1
                late.append(word.end - end)
    assert right >= 0.6 * sum(len(row["words"]) for row in rows)
    assert abs(np.mean(late)) < 0.15
    assert np.quantile(np.abs(late), 0.9) < 0.4


def test_any_chunking_gives_the_same_events(small: Recognizer, rows: list[dict]) -> None:
    path = rows[0]["path"]
    expected = list(small.transcribe(path))
    (whole,) = read_chunks(path, ticks=1000)
    for sizes in ([1], [40], [3, 17, 1, 29]):
        stream, found, start, turn = small.stream(), [], 0, 0
        while start < len(whole):
            stop = start + sizes[turn % len(sizes)]
            found += stream.push_chunk(part(whole, start, stop))
            start, turn = stop, turn + 1
        assert found + stream.finish() == expected


def part(chunk: Chunk, start: int, stop: int) -> Chunk:
    samples = chunk.samples[start * 640 : stop * 640]
    return Chunk(start, chunk.frames[start:stop], samples, chunk.audio_present[start:stop])


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_one_sense_is_enough(small: Recognizer, rows: list[dict], modality) -> None:
    events: list[Event] = list(small.transcribe(rows[0]["path"], modality=modality))
    assert events[-1].kind == "final"
    assert events[-1].senses == (modality,)


def test_misheard_words_are_heard_as_context_phrases(shared_data: Path, small: Recognizer) -> None:
    """A letter and a digit are easily mistaken by ear alone; who knows what to expect mishears less."""
    grid = shared_data / "grid"
    all_rows = [json.loads(line) for line in (grid / "manifest.jsonl").read_text().splitlines()]
    texts = {grid / row["media"]: row["text"] for row in all_rows if row["split"] == "dev_seen"}
    misheard, right = 0, 0
    for path, text in list(texts.items())[:25]:
        phrase = " ".join(text.split()[3:5])
        if phrase in said(small, path):
            continue
        misheard += 1
        weak, usual = (Recognizer.load("small", hotwords=[f"{phrase}\t{boost}"]) for boost in (0.001, 1.5))
        assert said(weak, path) == said(small, path)
        right += phrase in said(usual, path)
    assert misheard > 2
    assert right >= 0.6 * misheard


def test_context_phrases_that_nobody_says_change_nothing(small: Recognizer, rows: list[dict]) -> None:
    irrelevant = ["winchester", "white house", "in case of fire", "seven samurai", "by the way"]
    biased = Recognizer.load("small", hotwords=irrelevant)
    assert [said(biased, row["path"]) for row in rows] == [said(small, row["path"]) for row in rows]


def said(recognizer: Recognizer, path: Path) -> str:
    events = recognizer.transcribe(path, modality="audio")
    return " ".join(event.text for event in events if event.kind == "final")
