"""Every format is what its readers expect."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.captions import WRITERS, write_captions
from hearsight.errors import HearsightError
from hearsight.types import Event, Word

BIN = Word("bin", 0.5, 0.75, 0.98765)
BLUE = Word("blue", 0.75, 1.25, 0.5)
AMPERSAND = Word("<a&b>", 3661.5, 3663.0, 1.0)
EVENTS = [
    Event("partial", (BIN,), 0.5, 0.96, ("audio",), 1.01234, stable=1),
    Event("final", (BIN, BLUE), 0.5, 1.6, ("audio", "video"), 1.7, stable=2, on_screen=False),
    Event("final", (AMPERSAND,), 3661.5, 3664.0, ("video",)),
]


def written(format: str, events=EVENTS) -> str:
    stream = io.StringIO()
    write_captions(events, format, stream)
    return stream.getvalue()


def test_text_is_a_line_per_utterance() -> None:
    assert written("txt") == "bin blue\n<a&b>\n"


def test_srt() -> None:
    assert written("srt") == (
        "1\n00:00:00,500 --> 00:00:01,500\nbin blue\n\n2\n01:01:01,500 --> 01:01:03,000\n<a&b>\n\n"
    )


def test_vtt_has_a_header_and_escapes() -> None:
    assert written("vtt") == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nbin blue\n\n"
        "01:01:01.500 --> 01:01:03.000\n&lt;a&amp;b&gt;\n\n"
    )


def test_json_is_one_document_of_finals() -> None:
    document = json.loads(written("json"))
    assert document["text"] == "bin blue <a&b>"
    first = document["utterances"][0]
    assert first["words"][0] == {"word": "bin", "start": 0.5, "end": 0.75, "confidence": 0.988}
    assert first["senses"] == ["audio", "video"]
    assert "emitted" not in document["utterances"][1]


def test_json_lines_are_events_as_they_happen() -> None:
    lines = [json.loads(line) for line in written("jsonl").splitlines()]
    assert [line["kind"] for line in lines] == ["partial", "final", "final"]
    assert lines[0]["emitted"] == 1.012
    assert lines[1]["text"] == "bin blue"


def test_json_lines_say_what_will_stay_and_whether_the_voice_is_the_visible_one() -> None:
    lines = [json.loads(line) for line in written("jsonl").splitlines()]
    assert [line.get("stable") for line in lines] == [1, None, None], "all of a final stays"
    assert [line.get("on_screen") for line in lines] == [None, False, None], "left out where it is not known"


def test_json_lines_do_not_wait_for_the_next_event() -> None:
    stream, seen = io.StringIO(), []

    def events():
        for event in EVENTS:
            yield event
            seen.append(stream.getvalue().count("\n"))

    write_captions(events(), "jsonl", stream)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("format", WRITERS)
def test_nothing_said_is_still_valid(format: str) -> None:
    empty = {"vtt": "WEBVTT\n\n", "json": '{\n  "text": "",\n  "utterances": []\n}\n'}
    assert written(format, []) == empty.get(format, "")


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(HearsightError, match="'doc': choose one of txt, srt, vtt, json, jsonl"):
        written("doc")


@given(st.floats(0, 400_000))
def test_timestamps_are_valid_and_exact_to_the_millisecond(start: float) -> None:
    line = written(
        "vtt", [Event("final", (Word("w", start, start + 2, 1.0),), start, start + 2, ())]
    ).splitlines()[2]
    found = re.fullmatch(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> \S+", line)
    assert found
    hour, minute, second, thousandth = map(int, found.groups())
    assert abs(hour * 3600 + minute * 60 + second + thousandth / 1000 - start) <= 0.00051
