"""Streams beside each other have the finals that each has alone, with a second pass too."""

from __future__ import annotations

import asyncio
from functools import partial

from hearsight.recognizer import Recognizer
from hearsight.serve.batching import Batcher
from hearsight.serve.engine import Engine
from tests.recognizer.test_second_pass import by_features, with_second_pass
from tests.recognizer.test_stream import clip, finals, push, recognise
from tests.serve.conftest import ROOMY
from tests.serve.test_engine import talk


def test_finals_of_two_passes_are_the_same_alone_and_in_company(toy):
    recognizer, script = with_second_pass(toy, by_features)
    clips = [clip(seed, 160) for seed in (3, 4, 5)]
    alone = [recognise(recognizer, each, [8]) for each in clips]
    batcher = Batcher(recognizer.bundle)
    together = Recognizer(batcher.bundle, endpoint=recognizer.endpoint)
    streams, events = [together.stream() for _ in clips], [[] for _ in clips]
    script.windows.clear()
    for start in range(0, 160, 8):
        parts = [each.part(start, start + 8) for each in clips]
        work = [partial(push, stream, part) for stream, part in zip(streams, parts, strict=True)]
        for heard, outcome in zip(events, batcher.run(work), strict=True):
            heard += outcome.get()
    for heard, outcome in zip(events, batcher.run([stream.finish for stream in streams]), strict=True):
        heard += outcome.get()
    texts = [[event.text for event in finals(heard)] for heard in events]
    assert texts == [[event.text for event in finals(heard)] for heard in alone]
    # What is being said is read along too, so that there are more readings than finals.
    assert len(script.windows) >= sum(map(len, texts)) > 2


def test_with_many_live_streams_only_finals_are_read(toy):
    recognizer, script = with_second_pass(toy, lambda _: [0, 1])

    async def read(streams: int) -> list[int]:
        script.windows.clear()
        lanes = [engine.open() for _ in range(streams)]
        events = await asyncio.gather(*(talk(lane, clip(3, 200), [8]) for lane in lanes))
        return [len(finals(heard)) for heard in events]

    with Engine(recognizer, room=ROOMY) as engine:
        alone = asyncio.run(read(1))
        assert len(script.windows) > sum(alone) > 0
        several = asyncio.run(read(6))
        # The last ones to end may be few enough.
        assert len(set(several)) == 1
        assert sum(several) <= len(script.windows) < 1.5 * sum(several)
