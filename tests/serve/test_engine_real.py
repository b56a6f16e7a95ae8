"""Real recordings, recognised beside each other by the model that comes along."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hearsight.capture.files import read_chunks
from hearsight.recognizer import Recognizer
from hearsight.serve.engine import Engine
from hearsight.serve.lane import Lane
from hearsight.serve.sight import Eye
from hearsight.types import Chunk, Event
from tests.serve.conftest import ROOMY


async def talk(lane: Lane, chunks: list[Chunk]) -> list[Event]:
    async def push() -> None:
        eye = Eye()
        for chunk in chunks:
            await lane.push(eye.mouths(chunk, "av"))
        lane.end()

    pushing = asyncio.create_task(push())
    events = [replace(event, emitted=None) async for event in lane.events() if event.kind == "final"]
    await pushing
    return events


@pytest.mark.shared_data
def test_each_of_many_gets_word_for_word_what_it_would_get_alone(
    small: Recognizer, shared_data: Path
) -> None:
    clips = sorted((shared_data / "grid" / "s1").glob("*.m*"))[:4]
    clips += sorted((shared_data / "grid" / "s30").glob("*.m*"))[:4]
    chunks = [
        list(read_chunks(clip, ticks=ticks)) for clip, ticks in zip(clips, [3, 4, 5, 8] * 2, strict=True)
    ]

    async def together() -> list[list[Event]]:
        with Engine(small, room=ROOMY) as engine:
            return await asyncio.gather(*(talk(engine.open(), each) for each in chunks))

    for clip, heard in zip(clips, asyncio.run(together()), strict=True):
        # Times, confidences and all: an int8 encoder is not stacked, and the rest does not depend on company.
        assert heard == [event for event in small.transcribe(clip) if event.kind == "final"]
