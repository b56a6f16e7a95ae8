"""A file of live captions is whole at every moment, and in the end the same as that of a recording."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.captions import write_captions
from hearsight.captions.saving import FORMATS, Saver
from hearsight.errors import HearsightError
from hearsight.types import Event, Word

VOCABULARY = ["bin", "blue", "at", "f", "two", "now", "<&>", "é", "incomprehensibilities"]


@st.composite
def talks(draw: st.DrawFn) -> list[Event]:
    """Utterances in order, with partials, sometimes without a pause between them."""
    events, now = [], 0.0
    for _ in range(draw(st.integers(0, 5))):
        now += draw(st.sampled_from([0.0, 0.4, 3.0]))
        words = []
        for _ in range(draw(st.integers(1, 25))):
            gap, length = draw(st.sampled_from([0.0, 0.1, 1.2])), draw(st.sampled_from([0.04, 0.3, 0.7]))
            words.append(Word(draw(st.sampled_from(VOCABULARY)), now + gap, now + gap + length, 0.9))
            now += gap + length
        final = Event("final", tuple(words), words[0].start, now, ("audio",), now + 0.5, len(words))
        events += [replace(final, kind="partial", words=tuple(words[:1])), final]
    return events


def whole(events: list[Event], form: str) -> str:
    stream = io.StringIO()
    write_captions((event for event in events if event.kind == "final"), form, stream)
    return stream.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_at_every_moment_it_holds_all_that_was_said(
    form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("saved") / f"talk.{form}"

    @settings(max_examples=25)
    @given(talks())
    def every_talk(events: list[Event]) -> None:
        with Saver(path) as saver:
            for count, event in enumerate(events, 1):
                assert path.read_text(encoding="utf-8") == whole(events[: count - 1], form)
                saver.write(event)
            assert path.read_text(encoding="utf-8") == whole(events, form)
        assert path.read_text(encoding="utf-8") == whole(events, form)

    every_talk()


def test_lines_of_json_can_be_read_by_programs(tmp_path: Path) -> None:
    final = Event("final", (Word("bin", 0.5, 0.9, 0.8),), 0.5, 2.0, ("audio",), 2.2, 1)
    with Saver(tmp_path / "talk.jsonl") as saver:
        saver.write(final)
    [line] = (tmp_path / "talk.jsonl").read_text().splitlines()
    assert json.loads(line)["words"][0]["word"] == "bin"
    assert json.loads(line)["emitted"] == 2.2


def test_subtitles_begin_as_players_expect(tmp_path: Path) -> None:
    with Saver(tmp_path / "talk.vtt"):
        pass
    assert (tmp_path / "talk.vtt").read_text() == "WEBVTT\n\n"


def test_an_unknown_ending_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    with pytest.raises(HearsightError, match=re.escape(".vtt, .srt, .jsonl, .txt")):
        Saver(tmp_path / "talk.docx")
    with pytest.raises(HearsightError, match="cannot write"):
        Saver(tmp_path / "absent" / "talk.vtt").__enter__()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    path.symlink_to("/dev/full")
    with pytest.raises(HearsightError, match="No space left"):
        Saver(path).__enter__()


def test_nothing_is_replaced_before_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("precious")
    Saver(path)
    assert path.read_text() == "precious"
