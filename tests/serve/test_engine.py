"""Many streams at once give each what it would get alone; one that fails, lags or floods disturbs none."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.recognizer import Bundle, Recognizer
from hearsight.recognizer.session import Ticks
from hearsight.serve.admission import Busy, Load, Room
from hearsight.serve.batching import Batcher
from hearsight.serve.calibration import first_cost
from hearsight.serve.engine import Engine
from hearsight.serve.lane import QUEUE_TICKS, Lane, StreamEnded
from hearsight.serve.sight import Mouths
from hearsight.types import Crops, Event, Modality
from tests.serve.clips import clip
from tests.serve.conftest import ROOMY


def mouths(ticks: Ticks) -> Mouths:
    return Mouths(Crops(0, ticks.crops, ticks.video_present), ticks.samples, ticks.audio_present)


def alone(recognizer: Recognizer, ticks: Ticks, modality: Modality = "av") -> list[Event]:
    stream = recognizer.stream(modality)
    given = mouths(ticks)
    return stream.push_crops(given.crops, given.samples, given.audio_present) + stream.finish()


async def heard(lane: Lane) -> list[Event]:
    return [replace(event, emitted=None) async for event in lane.events()]


async def talk(lane: Lane, ticks: Ticks, cuts: list[int]) -> list[Event]:
    """Push a clip in pieces of the given sizes, repeated until it ends; returns what was heard."""

    async def push() -> None:
        done, turn = 0, 0
        while done < len(ticks):
            size = cuts[turn % len(cuts)]
            await lane.push(mouths(ticks.part(done, done + size)))
            done, turn = done + size, turn + 1
        lane.end()

    pushing = asyncio.create_task(push())
    events = await heard(lane)
    await pushing
    return events


def finals(events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == "final"]


def about_equal(first: list[Event], second: list[Event]) -> bool:
    """The same words at the same times; confidences up to what sums in another order differ by."""
    if [event.text for event in first] != [event.text for event in second]:
        return False
    words = [[word for event in events for word in event.words] for events in (first, second)]
    return all(
        (a.start, a.end) == (b.start, b.end) and abs(a.confidence - b.confidence) < 1e-3
        for a, b in zip(*words, strict=True)
    )


@given(
    seeds=st.lists(st.integers(0, 10_000), min_size=2, max_size=6),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    modality=st.sampled_from(["av", "audio", "video"]),
)
@settings(max_examples=15, deadline=None)
def test_many_streams_hear_what_each_would_hear_alone(recognizer, seeds, cuts, modality) -> None:
    clips = [clip(seed, 60 + seed % 80) for seed in seeds]

    async def all_at_once() -> list[list[Event]]:
        with Engine(recognizer, room=ROOMY) as engine:
            lanes = [engine.open(modality) for _ in clips]
            turned = [cuts[turn % len(cuts) :] + cuts[: turn % len(cuts)] for turn in range(len(clips))]
            return await asyncio.gather(*map(talk, lanes, clips, turned))

    for ticks, events in zip(clips, asyncio.run(all_at_once()), strict=True):
        assert about_equal(finals(events), finals(alone(recognizer, ticks, modality)))


def test_networks_are_called_for_several_streams_at_once(recognizer) -> None:
    async def talking() -> tuple[int, int]:
        with Engine(recognizer, room=ROOMY) as engine:
            lanes = [engine.open() for _ in range(8)]
            await asyncio.gather(*(talk(lane, clip(1, 100), [4]) for lane in lanes))
            return engine.batcher.rows, engine.batcher.calls

    rows, calls = asyncio.run(talking())
    assert rows > 3 * calls


def test_a_recording_beside_live_streams_is_heard_too(engine, recognizer) -> None:
    async def both() -> list[list[Event]]:
        lanes = [engine.open(), engine.open(patient=True), engine.open(patient=True)]
        return await asyncio.gather(*(talk(lane, clip(seed, 90), [7]) for seed, lane in enumerate(lanes)))

    for seed, events in enumerate(asyncio.run(both())):
        assert about_equal(finals(events), finals(alone(recognizer, clip(seed, 90))))


def test_the_senses_may_be_changed_while_running(engine, recognizer) -> None:
    ticks = clip(2, 160)

    async def switching() -> list[Event]:
        lane = engine.open("av")
        first, second = mouths(ticks.part(0, 80)), mouths(ticks.part(80))
        await lane.push(first)
        while lane.heard_s < 80 / 25:
            await asyncio.sleep(0.001)
        lane.sight.modality = "audio"
        await lane.push(second)
        lane.end()
        return await heard(lane)

    blind = ticks.video_present & (np.arange(160) < 80)
    expected = replace(ticks, crops=ticks.crops * blind[:, None, None], video_present=blind)
    assert about_equal(finals(asyncio.run(switching())), finals(alone(recognizer, expected)))


def test_who_does_not_fit_is_told_so(recognizer) -> None:
    with Engine(recognizer, room=replace(ROOMY, max_streams=2, max_files=1)) as engine:
        with engine.open(), engine.open() as second:
            with pytest.raises(Busy, match="all 2 streams of this server are taken: try again"):
                engine.open()
            second.close()
            engine.open().close()
        with engine.open(patient=True), pytest.raises(Busy, match="transcribing 1 recordings already"):
            engine.open(patient=True)


@contextmanager
def stuck(engine: Engine) -> Iterator[None]:
    """Meanwhile the engine's next round does not end."""
    gate, run = threading.Event(), engine.batcher.run
    engine.batcher.run = lambda work: gate.wait(10) and run(work)
    yield
    engine.batcher.run = run
    gate.set()


def test_a_queue_that_is_full_makes_the_pusher_wait(engine) -> None:
    lane, pushed = engine.open(), []

    async def push() -> None:
        for number in range(30):
            await lane.push(mouths(clip(number, 4)))
            pushed.append(number)

    async def pushing() -> None:
        with stuck(engine):
            task = asyncio.create_task(push())
            done, _ = await asyncio.wait({task}, timeout=0.2)
            assert not done and len(pushed) == QUEUE_TICKS // 4
        await asyncio.wait_for(task, 10)

    asyncio.run(pushing())
    assert pushed == list(range(30))
    lane.close()


def test_closing_frees_whoever_waits_for_room(engine) -> None:
    async def pushing() -> None:
        lane = engine.open()
        with stuck(engine):
            await lane.push(mouths(clip(0, QUEUE_TICKS)))
            task = asyncio.create_task(lane.push(mouths(clip(0, 4))))
            await asyncio.sleep(0.05)
            lane.close()
            with pytest.raises(StreamEnded):
                await asyncio.wait_for(task, 10)

    asyncio.run(pushing())


def test_sound_that_is_not_in_step_with_the_pictures_is_refused(engine) -> None:
    async def pushing() -> None:
        with engine.open() as lane, pytest.raises(ValueError, match="4 ticks go with 2560 samples"):
            await lane.push(replace(mouths(clip(0, 4)), samples=np.zeros(100, np.float32)))

    asyncio.run(pushing())
    assert engine.streams == 0


def test_work_that_raises_inside_the_networks_ends_its_own_stream_only(engine, recognizer) -> None:
    async def talking() -> list[Event]:
        good, bad = engine.open(), engine.open()
        bad._stream._session._frontend_state["past"] = np.zeros((1, 2, 3), np.float32)
        events, failure = await asyncio.gather(
            talk(good, clip(5, 100), [4]), talk(bad, clip(6, 20), [4]), return_exceptions=True
        )
        assert isinstance(failure, Exception)
        return events

    assert about_equal(finals(asyncio.run(talking())), finals(alone(recognizer, clip(5, 100))))


def test_who_sends_faster_than_speech_does_not_make_the_server_look_late(engine) -> None:
    async def hurry() -> None:
        await talk(engine.open(), clip(5, 300), [25])

    asyncio.run(hurry())
    assert engine.load.lag == 0.0


def test_a_round_that_fails_ends_its_streams_and_not_the_engine(engine, recognizer, monkeypatch) -> None:
    async def talking() -> list[Event]:
        with monkeypatch.context() as patch:
            patch.setattr(engine.batcher, "run", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await talk(engine.open(), clip(5, 100), [4])
        return await talk(engine.open(), clip(5, 100), [4])

    assert about_equal(finals(asyncio.run(talking())), finals(alone(recognizer, clip(5, 100))))
    assert engine.is_alive


def test_a_reader_that_comes_late_gets_all_finals(engine, recognizer) -> None:
    async def late() -> list[Event]:
        lane = engine.open()
        await lane.push(mouths(clip(1, 200)))
        lane.end()
        while lane.heard_s < 8:
            await asyncio.sleep(0.001)
        return await heard(lane)

    assert about_equal(finals(asyncio.run(late())), finals(alone(recognizer, clip(1, 200))))


def test_a_stream_whose_cost_does_not_fit_is_refused() -> None:
    now, cpu = [0.0], [0.0]
    load = Load(0.1, cores=2, clock=lambda: now[0], cpu_clock=lambda: cpu[0])
    for _ in range(30):
        now[0], cpu[0] = now[0] + 1, cpu[0] + 1.6
        load.heard(8 * 25, [0.1])
    assert load.cost == pytest.approx(0.2)
    Room().check_stream(7, load)
    with pytest.raises(Busy, match="taken by 8 streams"):
        Room().check_stream(8, load)


def test_until_it_is_measured_the_cost_is_what_a_few_calls_tell(toy) -> None:
    assert 0.0 < first_cost(toy) < 1.0
    load = Load(first_cost=0.1, cores=1, clock=lambda: 0.0, cpu_clock=lambda: 0.0)
    Room().check_stream(7, load)
    with pytest.raises(Busy):
        Room().check_stream(8, load)


def test_captions_that_come_late_keep_new_streams_out_until_they_are_in_time_again() -> None:
    now = [0.0]
    load = Load(0.1, cores=64, clock=lambda: now[0], cpu_clock=lambda: 0.0)
    load.heard(100, [0.1] * 90 + [0.9] * 10)
    with pytest.raises(Busy, match="captions come late"):
        Room(max_lag_s=0.5).check_stream(1, load)
    now[0] = 11.0
    Room(max_lag_s=0.5).check_stream(1, load)


def test_time_spent_on_files_is_no_cost_of_streams() -> None:
    now, cpu = [0.0], [0.0]
    load = Load(0.1, cores=2, clock=lambda: now[0], cpu_clock=lambda: cpu[0])
    for _ in range(30):
        now[0], cpu[0] = now[0] + 1, cpu[0] + 1.9
        load.spent_on_files(1.5)
        load.heard(4 * 25, [0.1])
    assert load.cost == pytest.approx(0.1)


def test_int8_encoders_are_not_stacked_because_that_would_change_what_is_heard(small) -> None:
    with Engine(small) as engine:
        assert engine.batcher.stacked == {"frontend", "predictor", "joiner"}


def test_a_network_that_remembers_much_is_called_for_each_stream_by_itself() -> None:
    """To copy what the ear remembers into a stack and out of it takes longer than it saves."""
    assert Batcher(Bundle.load("small-en")).stacked == {"predictor", "joiner"}


def test_what_a_stream_took_is_free_once_it_is_over_whoever_still_holds_it(recognizer) -> None:
    with Engine(recognizer, room=ROOMY) as engine:
        lane = engine.open()
        asyncio.run(talk(lane, clip(3, 30), [10]))
        stream = weakref.ref(lane._stream)
        lane.close()
        until = time.monotonic() + 5
        while stream() is not None and time.monotonic() < until:
            time.sleep(0.01)
        assert stream() is None
