"""The messages of docs/protocol.md: what clients may say, and what is said to them."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from hearsight.serve.outbox import Heard
from hearsight.serve.sight import Look
from hearsight.types import CROP_SIZE, Event, Modality

VERSION = 1
SUBPROTOCOL = "hearsight.v1"
HEADER_BYTES = 5
Format = Literal["webm", "ticks"]
_FORMATS: dict[int, Format] = {1: "webm", 2: "ticks"}
"""Kinds of binary messages."""

Code = Literal[
    "bad_message", "unauthorised", "unsupported_version", "timeout", "gap", "unknown_session", "taken_over",
    "too_large", "bad_media", "too_long", "busy", "going_away", "internal",
]  # fmt: skip
CLOSE_CODES: dict[Code, int] = {
    "bad_message": 4400,
    "unauthorised": 4401,
    "unsupported_version": 4406,
    "timeout": 4408,
    "gap": 4409,
    "unknown_session": 4410,
    "taken_over": 4411,
    "too_large": 4413,
    "bad_media": 4415,
    "too_long": 4420,
    "busy": 1013,
    "going_away": 1001,
    "internal": 1011,
}


class Refusal(Exception):
    """The connection ends with an error message.

    Args:
        code: for programs.
        message: one sentence for people.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Hello:
    """A client's first message.

    Attributes:
        session: name of the session to go on with, None for a new one.
        event: number of the last event that the client has.
    """

    format: Format
    modality: Modality
    look: bool
    token: str | None
    session: str | None
    event: int


def parse_object(text: str) -> dict[str, Any]:
    """A text message; raises Refusal unless it is an object with a type."""
    try:
        # The limit of the whole message bounds the depth that this can meet.
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("bad_message", "a text message is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Refusal("bad_message", "a text message is not an object with a type")
    return message


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def parse_hello(message: Mapping[str, Any]) -> Hello:
    """A hello; raises Refusal for what it cannot be."""
    if message["type"] != "hello":
        raise Refusal("bad_message", "the first message is not a hello")
    if message.get("version") != VERSION:
        raise Refusal("unsupported_version", f"this server speaks version {VERSION} of the protocol")
    format = message.get("format", "webm")
    if format not in get_args(Format):
        raise Refusal("bad_message", "the format is neither webm nor ticks")
    resume = message.get("resume")
    if resume is not None and not isinstance(resume, dict):
        raise Refusal("bad_message", "resume is not an object")
    token = message.get("token")
    return Hello(
        format=format,
        modality=parse_modality(message.get("modality", "av")),
        look=message.get("look") is True,
        token=token if isinstance(token, str) else None,
        session=_text("session", resume) if resume else None,
        event=natural("event", resume) if resume else 0,
    )


def parse_modality(value: object) -> Modality:
    """One of the modalities; raises Refusal otherwise."""
    if not isinstance(value, str) or value not in get_args(Modality):
        raise Refusal("bad_message", f"the modality is not one of {', '.join(get_args(Modality))}")
    return cast(Modality, value)


def natural(key: str, message: Mapping[str, Any]) -> int:
    """A whole number in a message; raises Refusal otherwise."""
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise Refusal("bad_message", f"{key} is not a whole number")
    return value


def _text(key: str, message: Mapping[str, Any]) -> str:
    value = message.get(key)
    if not isinstance(value, str):
        raise Refusal("bad_message", f"{key} is not a text")
    return value


def parse_binary(message: bytes, format: Format) -> tuple[int, memoryview]:
    """Number and content of a binary message; raises Refusal if it is of another kind than the session's."""
    if len(message) < HEADER_BYTES or _FORMATS.get(message[0]) != format:
        raise Refusal("bad_message", f"a binary message is not one of the format {format}")
    return int.from_bytes(message[1:HEADER_BYTES], "little"), memoryview(message)[HEADER_BYTES:]


def hello_answer(**values: Any) -> dict[str, Any]:
    """The server's hello."""
    return {"type": "hello", "version": VERSION, **values}


def event_values(event: Event, utterance: int) -> dict[str, Any]:
    """An event for a program: times to the millisecond, confidences to three places."""
    return {
        "utterance": utterance,
        "kind": event.kind,
        "text": event.text,
        "start": round(event.start, 3),
        "end": round(event.end, 3),
        "stable": event.stable,
        "senses": list(event.senses),
        "on_screen": event.on_screen,
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


def event_message(heard: Heard, number: int) -> dict[str, Any]:
    """A live event."""
    values = event_values(heard.event, heard.utterance)
    return {"type": "event", "n": number, **values, "lag": round(heard.lag_s, 3)}


def error_message(refusal: Refusal) -> dict[str, Any]:
    """Why the connection ends."""
    return {"type": "error", "code": refusal.code, "message": f"{refusal.message}."}


def look_message(look: Look) -> dict[str, Any]:
    """What the model sees."""
    message: dict[str, Any] = {"type": "look", "tick": look.tick, "face": None, "mouth": None}
    if look.size is not None:
        message["width"], message["height"] = look.size
    if look.box is not None and look.transform is not None:
        corners = np.array([[0, 0], [CROP_SIZE, 0], [CROP_SIZE, CROP_SIZE], [0, CROP_SIZE]], float)
        linear, shift = look.transform[:, :2], look.transform[:, 2]
        mouth = np.linalg.solve(linear, (corners - shift).T).T
        message["face"] = [round(value, 1) for value in look.box]
        message["mouth"] = np.round(mouth, 1).tolist()
    message["crop"] = None if look.crop is None else base64.b64encode(look.crop.tobytes()).decode()
    return message


def decibels(level: float | None) -> float | None:
    """DBFS of an RMS in [0, 1], None where there is no sound."""
    return None if level is None else round(20 * math.log10(max(level, 1e-6)), 1)
