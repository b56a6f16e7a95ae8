"""The processes that decode what clients send: nothing changes on the way, and one that dies dies alone."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.serve_load import webm_take
from hearsight.capture.files import read_chunks
from hearsight.face import FacePath
from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from hearsight.serve.decoding import Decoders, Decoding
from hearsight.serve.decoding_messages import (
    MOST_BYTES,
    SIZES,
    pack,
    pack_mouths,
    unpack_mouths,
    unpack_sizes,
)
from hearsight.serve.decoding_process import AHEAD, CROWD, DecodingProcess
from hearsight.serve.inbox import Inbox
from hearsight.serve.limits import Limits
from hearsight.serve.protocol import Refusal
from hearsight.serve.sight import Look, Mouths
from hearsight.types import Crops
from tests.serve.clips import clip
from tests.serve.conftest import ROOMY
from tests.serve.serving import EXAMPLE, Client, finals, running, slices, tick_message, webm


def unpacked(message: bytes) -> Mouths:
    head_bytes, body_bytes = unpack_sizes(message[: SIZES.size])
    head, body = message[SIZES.size :][:head_bytes], message[SIZES.size + head_bytes :]
    assert len(body) == body_bytes
    return unpack_mouths(json.loads(head), body)


@given(seed=st.integers(0, 1000), ticks=st.integers(0, 30), start=st.integers(0, 10**6), looked=st.booleans())
@settings(max_examples=40, deadline=None)
def test_mouths_come_through_a_message_unchanged(seed, ticks, start, looked) -> None:
    part = clip(seed, 60).part(5, 5 + ticks)
    look = (
        Look(start + ticks, (640, 480), (1.0, 2.5, 3.0, 4.0), np.arange(6.0).reshape(2, 3))
        if looked
        else None
    )
    sent = Mouths(Crops(start, part.crops, part.video_present), part.samples, part.audio_present, look, ticks)
    got = unpacked(pack_mouths({"is": "mouths"}, sent))
    assert got.crops.start == start and got.pictures == ticks and got.look == look
    for name in ("pixels", "video_present"):
        assert np.array_equal(getattr(got.crops, name), getattr(sent.crops, name))
    assert np.array_equal(got.samples, sent.samples)
    assert np.array_equal(got.audio_present, sent.audio_present)
    if look is not None:
        assert np.array_equal(got.look.transform, look.transform)


@given(body=st.binary(max_size=3000), ticks=st.integers(-1, 40))
@settings(max_examples=100, deadline=None)
def test_a_process_that_talks_nonsense_is_not_believed(body, ticks) -> None:
    head = {"start": 0, "ticks": ticks, "pictures": 0}
    with suppress(ValueError, TypeError):
        assert len(unpack_mouths(head, body)) == ticks
    with pytest.raises(ValueError, match="too long"):
        unpack_sizes(SIZES.pack(5, MOST_BYTES))


def test_the_inbox_counts_what_was_taken() -> None:
    inbox = Inbox()
    for number, content in enumerate((b"", b"abc", b"de")):
        inbox.put(content, float(number))
    assert (inbox.peek(), inbox.get(), inbox.get(), inbox.stamp) == (b"", b"", b"abc", 1.0)
    taken = inbox.taken
    inbox.close()
    inbox.put(b"late", 9.0)
    assert (inbox.get(), inbox.get()) == (b"de", None)
    assert inbox.taken > taken > 2 * 100


async def with_decoders(
    use: Callable[[Decoders], object], limits: Limits | None = None, most: int = 1
) -> list[float]:
    spent: list[float] = []
    decoders = Decoders(limits or Limits(), spent.append, most)
    try:
        async with asyncio.timeout(60):
            await use(decoders)  # type: ignore[misc]
    finally:
        await decoders.close()
    assert decoders.process_ids == []
    return spent


async def all_of(decoding: Decoding) -> list[Mouths]:
    return [mouths async for mouths, _ in decoding]


def test_a_stream_is_cropped_as_without_a_process(tmp_path) -> None:
    content, got = webm(), []
    (tmp_path / "a.webm").write_bytes(content)

    async def play(decoders: Decoders) -> None:
        decoding = decoders.open("webm", "av", 4)
        began = time.monotonic()
        for piece in slices(content, 20):
            await decoding.put(memoryview(piece))
        decoding.end()
        async for mouths, arrived in decoding:
            assert began <= arrived <= time.monotonic()
            got.append(mouths)

    spent = asyncio.run(with_decoders(play))
    face = FacePath.load()
    for chunk, mouths in zip(read_chunks(tmp_path / "a.webm", ticks=4), got, strict=True):
        expected = face.process(chunk)
        assert np.array_equal(mouths.crops.pixels, expected.pixels)
        assert np.array_equal(mouths.samples, chunk.samples)
        if face.last[-1] is not None:
            assert mouths.look.size == (480, 360)
            assert mouths.look.box == pytest.approx(face.last[-1].box)
    assert sum(spent) > 0


def test_who_is_not_listened_to_has_to_wait() -> None:
    """Nobody takes the mouths, so that what is sent waits: at most so many bytes of it."""

    async def play(decoders: Decoders) -> None:
        decoding = decoders.open("ticks", "av", 4)
        message, put = memoryview(tick_message(clip(1, 90).part(0, 25))), 0

        async def send() -> None:
            nonlocal put
            for _ in range(40):
                await decoding.put(message)
                put += 1
            decoding.end()

        sending = asyncio.create_task(send())
        done, _ = await asyncio.wait({sending}, timeout=3)
        assert not done
        assert put <= 600_000 // len(message) + AHEAD + 1
        assert sum(len(each) for each in await all_of(decoding)) == 40 * 25
        await sending

    asyncio.run(with_decoders(play, Limits(inbox_bytes=600_000)))


def test_a_stream_that_is_given_up_leaves_nothing_behind() -> None:
    async def play(decoders: Decoders) -> None:
        decoding = decoders.open("ticks", "av", 4)
        for _ in range(10):
            await decoding.put(memoryview(tick_message(clip(1, 25))))
        decoding.close()
        again = decoders.open("ticks", "av", 4)
        again.end()
        assert await all_of(again) == []
        again.close()
        assert not decoders._processes[0].streams

    asyncio.run(with_decoders(play))


def test_a_process_is_crowded_while_it_has_more_streams_than_it_can_give_all() -> None:
    said = [
        pack({"do": "open", "stream": number, "format": "ticks", "modality": "av", "block": 8, "limits": {}})
        for number in range(CROWD + 1)
    ]
    for more, crowded in (([], True), ([pack({"do": "close", "stream": 0})], False)):
        process = DecodingProcess(io.BytesIO(b"".join([*said, *more])), io.BytesIO())
        process.run()
        assert process.is_crowded == crowded


def pictures_in_memory(*, collect: bool = True) -> set[int]:
    if collect:
        gc.collect()
    return {id(each) for each in gc.get_objects() if isinstance(each, av.VideoFrame)}


def test_the_pictures_of_a_stream_are_gone_when_it_is_over() -> None:
    go = {"format": "webm", "modality": "av", "block": 8, "limits": asdict(Limits())}
    said = [
        pack({"do": "open", "stream": 7, **go}),
        pack({"do": "take", "stream": 7, "stamp": 0.0}, webm()),
        *[pack({"do": "go_on", "stream": 7})] * 100,
        pack({"do": "end", "stream": 7}),
    ]
    before = pictures_in_memory()
    gc.disable()  # pictures are much memory, but few objects: Python would look for them late
    try:
        DecodingProcess(io.BytesIO(b"".join(said)), answers := io.BytesIO()).run()
        for thread in threading.enumerate():
            if thread.name == "hearsight-input-7":
                thread.join()
        # The stream has not been closed yet: it still knows its last picture.
        assert len(pictures_in_memory(collect=False) - before) <= 1
    finally:
        gc.enable()
    assert b'"over"' in answers.getvalue()


def test_the_streams_of_a_process_that_dies_are_told_and_others_go_on() -> None:
    async def play(decoders: Decoders) -> None:
        first, second = decoders.open("ticks", "av", 4), decoders.open("ticks", "av", 4)
        for decoding in (first, second):
            await decoding.put(memoryview(tick_message(clip(1, 25))))
            assert len((await anext(aiter(decoding)))[0]) == 25
        one, other = decoders.process_ids
        os.kill(one, signal.SIGKILL)
        with pytest.raises(Refusal, match="begin a new stream"):
            await all_of(first)
        assert decoders.process_ids == [other]
        third = decoders.open("ticks", "av", 4)
        for decoding in (second, third):
            await decoding.put(memoryview(tick_message(clip(2, 25))))
            decoding.end()
            assert sum(map(len, await all_of(decoding))) == 25

    asyncio.run(with_decoders(play, most=2))


def test_a_killed_process_takes_no_words_that_were_heard_and_no_other_stream(recognizer: Recognizer) -> None:
    options = Options(port=0, room=ROOMY, limits=Limits(requests_per_minute=10_000))
    ticks = clip(4, 240)
    ticks = replace(ticks, audio_present=np.ones(len(ticks), np.bool_))
    pieces = [tick_message(ticks.part(start, start + 8)) for start in range(0, 240, 8)]

    def play(server, killing: bool) -> tuple[list[dict], list[dict]]:
        with Client(server, format="ticks") as first, Client(server, format="ticks") as second:
            for client in (first, second):
                for piece in pieces[:-5]:
                    client.send(2, piece)
            heard = {client: client.hear_until_heard(200 / 25) for client in (first, second)}
            if killing:
                os.kill(server.service.decoders.process_ids[0], signal.SIGKILL)
            else:
                first.end()
            for piece in pieces[-5:]:
                second.send(2, piece)
            second.end()
            heard = {each: heard[each] + each.hear_until("done", "error") for each in (first, second)}
        return heard[first], heard[second]

    with running(recognizer, options) as server:
        first, second = play(server, killing=True)
        assert first[-1]["code"] == "internal"
        calm_first, calm_second = play(server, killing=False)
        assert calm_first[-1]["type"] == calm_second[-1]["type"] == "done"
        assert texts(first) == texts(calm_first) != []
        assert texts(second) == texts(calm_second)


def acknowledged(messages: list[dict]) -> int:
    return max((each["next"] for each in messages if each["type"] == "ack"), default=0)


def until_quiet(client: Client) -> list[dict]:
    """All messages until nothing more has been acknowledged for a second."""
    heard, changed = [], time.monotonic()
    while time.monotonic() < changed + 1.0:
        heard.append(client.hear())
        changed = time.monotonic() if heard[-1]["type"] == "ack" else changed
    return heard


def test_nothing_that_was_acknowledged_is_lost_with_its_process(recognizer: Recognizer) -> None:
    ticks = clip(4, 240)
    ticks = replace(ticks, audio_present=np.ones(len(ticks), np.bool_))
    pieces = [tick_message(ticks.part(start, start + 8)) for start in range(0, 240, 8)]
    options = Options(port=0, room=ROOMY, limits=Limits(requests_per_minute=10_000))
    with running(recognizer, options) as server, Client(server, format="ticks") as client:
        for piece in pieces[:20]:
            client.send(2, piece)
        heard = client.hear_until("ack") + until_quiet(client)
        process = server.service.decoders.process_ids[0]
        os.kill(process, signal.SIGSTOP)
        for piece in pieces[20:]:
            client.send(2, piece)
        heard += until_quiet(client)
        os.kill(process, signal.SIGKILL)
        heard += client.hear_until("error")
        with Client(server, format="ticks") as other:
            for piece in pieces[:20]:
                other.send(2, piece)
            other.end()
            same = other.hear_until("done", "error")
    assert acknowledged(heard) == 20
    assert heard[-1]["code"] == "internal"
    assert texts(heard) == texts(same) != []


@pytest.mark.parametrize("crumbs", [False, True], ids=["slices", "crumbs"])
def test_slices_are_acknowledged_when_their_sound_and_pictures_are_here(recognizer, crumbs: bool) -> None:
    sent = webm_take(EXAMPLE, 3.0).messages
    sent = [piece for whole in sent for piece in slices(whole, 20)] if crumbs else sent
    options = Options(port=0, room=ROOMY, limits=Limits(requests_per_minute=10_000))
    with running(recognizer, options) as server, Client(server, format="webm") as client:
        heard: list[dict] = []
        for number, piece in enumerate(sent):
            while number >= acknowledged(heard) + client.hello["limits"]["unacknowledged"]:
                heard += client.hear_until("ack", "error")
            client.send(1, piece)
        while not acknowledged(heard):
            heard += client.hear_until("ack", "error")
        heard += until_quiet(client)
    received = max(each["received"] for each in heard if each["type"] == "status")
    share = acknowledged(heard) / len(sent)
    assert share > 0.6
    if not crumbs:
        assert received >= 3.0 * share


def texts(messages: list[dict]) -> list[str]:
    return [each["text"] for each in finals(messages)]
