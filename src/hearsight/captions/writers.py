"""Events to text formats, one function each: events in, pieces of text out as soon as they are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

from hearsight.captions.cues import Cue, to_cues
from hearsight.errors import HearsightError
from hearsight.types import Event

VTT_HEADER = "WEBVTT\n\n"
"""What a WebVTT file begins with."""

Writer = Callable[[Iterable[Event]], Iterator[str]]


def text_lines(events: Iterable[Event]) -> Iterator[str]:
    """Plain text: one line per utterance."""
    for event in _finals(events):
        yield f"{event.text}\n"


def srt(events: Iterable[Event]) -> Iterator[str]:
    """SubRip subtitles."""
    for number, cue in enumerate(to_cues(events), 1):
        yield srt_cue(number, cue)


def vtt(events: Iterable[Event]) -> Iterator[str]:
    """WebVTT subtitles (W3C)."""
    yield VTT_HEADER
    for cue in to_cues(events):
        yield vtt_cue(cue)


def json_document(events: Iterable[Event]) -> Iterator[str]:
    """One JSON object: the whole text, and the utterances with their words and times in seconds."""
    utterances = [_as_dict(event) for event in _finals(events)]
    text = " ".join(utterance["text"] for utterance in utterances)
    yield json.dumps({"text": text, "utterances": utterances}, ensure_ascii=False, indent=2) + "\n"


def json_lines(events: Iterable[Event]) -> Iterator[str]:
    """One JSON object per line for each event as it happens, partials too."""
    for event in events:
        values = {"kind": event.kind, **_as_dict(event)}
        if event.kind == "partial":
            values["stable"] = event.stable
        yield json.dumps(values, ensure_ascii=False) + "\n"


def srt_cue(number: int, cue: Cue) -> str:
    """A cue of SubRip subtitles; numbers count from 1."""
    times = f"{_timestamp(cue.start, ',')} --> {_timestamp(cue.end, ',')}"
    return "\n".join([str(number), times, *cue.lines, "", ""])


def vtt_cue(cue: Cue) -> str:
    """A cue of WebVTT subtitles."""
    times = f"{_timestamp(cue.start, '.')} --> {_timestamp(cue.end, '.')}"
    return "\n".join([times, *map(_escaped, cue.lines), "", ""])


def json_line(event: Event) -> str:
    """An event as one line of JSON."""
    return json.dumps({"kind": event.kind, **_as_dict(event)}, ensure_ascii=False) + "\n"


WRITERS: dict[str, Writer] = {
    "txt": text_lines,
    "srt": srt,
    "vtt": vtt,
    "json": json_document,
    "jsonl": json_lines,
}
"""The formats of :func:`write_captions`, by name."""


def write_captions(events: Iterable[Event], format: str, stream: TextIO) -> None:
    """Write events in one of the formats, flushing each piece, so that a reader sees it at once.

    Args:
        events: of one input.
        format: a key of :data:`WRITERS`.
        stream: where to write text.

    Raises:
        HearsightError: there is no such format.
    """
    if format not in WRITERS:
        raise HearsightError(f"no caption format is called {format!r}: choose one of {', '.join(WRITERS)}")
    for piece in WRITERS[format](events):
        stream.write(piece)
        stream.flush()


def _finals(events: Iterable[Event]) -> Iterator[Event]:
    return (event for event in events if event.kind == "final")


def _as_dict(event: Event) -> dict[str, Any]:
    """Times to the millisecond, confidences to three places; what is not known is left out."""
    values: dict[str, Any] = {
        "text": event.text,
        "start": round(event.start, 3),
        "end": round(event.end, 3),
        "senses": list(event.senses),
        "words": [
            {
                "word": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": round(word.confidence, 3),
            }
            for word in event.words
        ],
    }
    if event.emitted is not None:
        values["emitted"] = round(event.emitted, 3)
    if event.on_screen is not None:
        values["on_screen"] = event.on_screen
    return values


def _timestamp(seconds: float, point: str) -> str:
    """``HH:MM:SS`` and milliseconds after ``point``."""
    whole, milliseconds = divmod(max(0, round(seconds * 1000)), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{point}{milliseconds:03}"


def _escaped(text: str) -> str:
    """Text of a WebVTT cue."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
