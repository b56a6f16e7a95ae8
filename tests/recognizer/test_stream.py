"""Streaming equals whole, states are carried, and odd pushes are ordinary or refused with a sentence."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hearsight.recognizer import EndpointRule, Recognizer, Stream
from hearsight.recognizer.activity import ActivityRule
from hearsight.recognizer.biasing import ContextGraph, Hotword
from hearsight.recognizer.session import EncoderSession, Ticks
from hearsight.types import Crops, Event
from tests.recognizer.speaker import moving_mouth, room, still_mouth

TICK = 640


def sound(seed: int, ticks: int) -> NDArray[np.float32]:
    """Noise in bursts, as words are: steady noise would not be taken for a voice."""
    random = np.random.default_rng(seed)
    loudness = np.where(np.arange(ticks) % 14 < 8, 0.15, 0.002)[:, None]
    return (loudness * random.standard_normal((ticks, TICK))).astype(np.float32).ravel()


def pictures(seed: int, ticks: int) -> NDArray[np.uint8]:
    """Blocks of chance that rest and change by turns, as lips do."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (ticks, 12, 12), dtype=np.uint8)
    blocks = blocks[np.where(np.arange(ticks) % 12 < 6, np.arange(ticks) // 12 * 12, np.arange(ticks))]
    drawn = blocks.repeat(8, axis=1).repeat(8, axis=2)
    return drawn ^ random.integers(0, 4, drawn.shape, dtype=np.uint8)


def clip(seed: int, ticks: int) -> Ticks:
    """Something for ears and eyes that comes and goes, with a silence in the middle, enough for a final."""
    random = np.random.default_rng(seed)
    crops, samples = pictures(seed, ticks), sound(seed, ticks).reshape(ticks, TICK)
    video, audio = np.ones(ticks, np.bool_), np.ones(ticks, np.bool_)
    for present in (video, audio):
        start, length = random.integers(0, ticks + 1), random.integers(0, 30)
        present[start : start + length] = False
    quiet = slice(ticks // 3, ticks // 3 + 45)
    audio[quiet] = video[quiet] = False
    crops[~video], samples[~audio] = 0, 0
    return Ticks(crops, samples.ravel(), video, audio)


def push(stream, ticks: Ticks) -> list[Event]:
    return stream.push_crops(Crops(0, ticks.crops, ticks.video_present), ticks.samples, ticks.audio_present)


def recognise(recognizer: Recognizer, ticks: Ticks, cuts: list[int], modality=None) -> list[Event]:
    """Events of a clip pushed in pieces of the given sizes, repeated until it ends."""
    stream = recognizer.stream(modality)
    events, done, turn = [], 0, 0
    while done < len(ticks):
        size = cuts[turn % len(cuts)]
        events += push(stream, ticks.part(done, done + size))
        done, turn = done + size, turn + 1
    return events + stream.finish()


def finals(events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == "final"]


HOTWORDS = [Hotword("la re", 1.0), Hotword("lare la", 6.0), Hotword("la la lare", 0.5), Hotword("the", 12.0)]


@given(
    seed=st.integers(0, 10_000),
    ticks=st.integers(1, 200),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    modality=st.sampled_from(["av", "audio", "video"]),
)
@settings(max_examples=40, deadline=None)
def test_any_chunking_gives_the_same_events(recognizer, seed, ticks, cuts, modality) -> None:
    whole = clip(seed, ticks)
    assert recognise(recognizer, whole, cuts, modality) == recognise(recognizer, whole, [ticks], modality)


@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(100, 5000), min_size=1, max_size=12))
@settings(max_examples=10, deadline=None)
def test_sound_alone_may_be_cut_anywhere(recognizer, seed, cuts) -> None:
    samples = clip(seed, 120).samples
    expected = recognizer.stream("audio")
    events = expected.push([None] * 120, samples) + expected.finish()
    stream, found, done, turn = recognizer.stream("audio"), [], 0, 0
    while done < len(samples):
        size = cuts[turn % len(cuts)]
        found += stream.push(None, samples[done : done + size])
        done, turn = done + size, turn + 1
    assert found + stream.finish() == events


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_finals_are_in_order_and_partials_announce_news(recognizer, seed) -> None:
    events = recognise(recognizer, clip(seed, 200), [200])
    words = [word for event in finals(events) for word in event.words]
    assert all(before.end <= after.start for before, after in pairwise(words))
    assert all(event.words and event.start == event.words[0].start for event in finals(events))
    assert all(0 <= before.end <= after.end <= 200 / 25 for before, after in pairwise(events))
    shown = ("", 0)
    for event in events:
        news = event.text, event.stable
        assert event.kind == "final" or news != shown
        shown = ("", 0) if event.kind == "final" else news


@given(
    seed=st.integers(0, 10_000),
    commit_s=st.sampled_from([0.2, 2.0, 100.0]),
    width=st.integers(1, 6),
    hotwords=st.lists(st.sampled_from(HOTWORDS), max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_stable_words_never_change_and_finals_keep_them(recognizer, seed, commit_s, width, hotwords) -> None:
    context = ContextGraph.of(hotwords, recognizer.bundle.pieces)
    stream = Stream(recognizer.bundle, beam_width=width, commit_s=commit_s, context=context)
    whole = clip(seed, 250)
    events = push(stream, whole) + stream.finish()
    promised: list[str] = []
    for event in events:
        texts = [word.text for word in event.words]
        assert texts[: len(promised)] == promised, "neither a partial nor the final breaks a promise"
        assert len(promised) <= event.stable <= len(texts), "nor takes one back"
        assert event.kind == "partial" or event.stable == len(texts)
        assert all(before.end <= after.start for before, after in pairwise(event.words))
        promised = [] if event.kind == "final" else texts[: event.stable]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_finals_are_what_the_partials_showed_and_nothing_is_said_twice(recognizer, seed) -> None:
    """Each final's words begin after the last final's, and so do those of all its partials."""
    said = 0.0
    for event in recognise(recognizer, clip(seed, 250), [250]):
        assert all(word.start >= said for word in event.words)
        if event.kind == "final":
            said = event.words[-1].end


def test_long_ambiguity_is_settled(recognizer) -> None:
    def stable(commit_s: float) -> list[int]:
        never = EndpointRule(silence_s=100, rest_s=100, long_s=100, longest_s=100)
        stream = Stream(recognizer.bundle, modality="audio", beam_width=8, endpoint=never, commit_s=commit_s)
        return [len(event.words) - event.stable for event in stream.push(None, sound(4, 500))]

    assert max(stable(1.0)) < max(stable(100.0))


def test_a_silent_face_and_a_quiet_room_yield_no_words(recognizer) -> None:
    everything = np.ones(500, np.bool_)
    silent = Ticks(still_mouth(500), room(500, -45), everything, everything)
    assert recognise(recognizer, silent, [8]) == []
    heedless = Recognizer(recognizer.bundle, activity=ActivityRule(voice=0, trace=0))
    assert finals(recognise(heedless, silent, [8])), "it is the rule that keeps the network from inventing"


def test_it_is_said_whether_the_voice_is_that_of_the_visible_person(recognizer) -> None:
    everything = np.ones(100, np.bool_)
    for crops, expected in ((moving_mouth(100), True), (still_mouth(100), False)):
        events = recognise(recognizer, Ticks(crops, sound(0, 100), everything, everything), [8])
        assert finals(events)[0].on_screen is expected
    unseen = Ticks(crops * 0, sound(0, 100), ~everything, everything)
    assert finals(recognise(recognizer, unseen, [8]))[0].on_screen is None


def test_a_frozen_picture_is_as_good_as_none(recognizer) -> None:
    everything = np.ones(200, np.bool_)
    frozen = np.repeat(moving_mouth(1), 200, axis=0)
    late = recognise(recognizer, Ticks(frozen, sound(2, 200), everything, everything), [8])
    assert "video" not in finals(late)[-1].senses
    assert finals(late)[-1].on_screen is None


def test_a_silence_parts_utterances(recognizer) -> None:
    loud = sound(1, 60)
    quiet = np.zeros(60 * TICK, np.float32)
    stream = recognizer.stream("audio")
    first = finals(stream.push(None, np.concatenate([loud, quiet])))
    assert len(first) == 1
    assert first[0].end < 120 / 25, "it does not wait for the end of the input"
    last = finals(stream.push(None, loud) + stream.finish())
    assert len(last) == 1
    assert last[0].start > 100 / 25
    assert last[0].end <= 180 / 25


def test_the_end_of_the_input_ends_the_utterance(recognizer) -> None:
    never = EndpointRule(silence_s=100, rest_s=100, long_s=100, longest_s=100)
    patient = Recognizer(recognizer.bundle, endpoint=never)
    events = recognise(patient, clip(0, 200), [7])
    assert [event.kind for event in events].count("final") == 1
    assert events[-1].kind == "final"


def test_an_utterance_says_which_senses_it_had(recognizer) -> None:
    whole = clip(0, 150)
    for modality, senses in (("av", ("audio", "video")), ("audio", ("audio",)), ("video", ("video",))):
        assert finals(recognise(recognizer, whole, [150], modality))[-1].senses == senses
    blind = Ticks(whole.crops * 0, whole.samples, whole.video_present & False, whole.audio_present)
    assert finals(recognise(recognizer, blind, [150]))[-1].senses == ("audio",)


def test_audio_ignores_pictures_and_video_ignores_sound(recognizer) -> None:
    whole, other = clip(1, 80), clip(2, 80)
    mixed = Ticks(other.crops, whole.samples, other.video_present, whole.audio_present)
    assert recognise(recognizer, mixed, [9], "audio") == recognise(recognizer, whole, [9], "audio")
    assert recognise(recognizer, mixed, [9], "video") == recognise(recognizer, other, [9], "video")


def test_streams_of_one_recognizer_do_not_disturb_each_other(recognizer) -> None:
    clips = [clip(seed, 90) for seed in range(3)]
    streams, events = [recognizer.stream() for _ in clips], [[] for _ in clips]
    for start in range(0, 90, 7):
        for stream, ticks, heard in zip(streams, clips, events, strict=True):
            heard += push(stream, ticks.part(start, start + 7))
    for stream, ticks, heard in zip(streams, clips, events, strict=True):
        assert heard + stream.finish() == recognise(recognizer, ticks, [90])


def test_nothing_is_an_ordinary_state(recognizer) -> None:
    assert recognizer.stream().finish() == []
    stream = recognizer.stream()
    assert stream.push([None] * 60, None) == []
    assert stream.push([], None) == []
    assert stream.finish() == []
    assert stream.finish() == []


def test_a_sample_that_is_not_a_number_spoils_nothing(recognizer) -> None:
    whole = clip(0, 100)
    spoiled = whole.samples.copy()
    spoiled[5], spoiled[7], spoiled[9] = np.nan, np.inf, 1e30
    damaged = Ticks(whole.crops, spoiled, whole.video_present, whole.audio_present)
    assert finals(recognise(recognizer, damaged, [8]))


def test_a_start_tick_moves_all_times(recognizer) -> None:
    sound = clip(3, 100).samples
    early, late = recognizer.stream("audio"), recognizer.stream("audio", start=250)
    first = finals(early.push(None, sound) + early.finish())
    second = finals(late.push(None, sound) + late.finish())
    assert [event.text for event in first] == [event.text for event in second]
    assert second[-1].end == pytest.approx(first[-1].end + 10)
    assert second[-1].words[-1].end == pytest.approx(first[-1].words[-1].end + 10)


@pytest.mark.parametrize(
    ("frames", "samples", "sentence"),
    [
        ([None] * 2, np.zeros(TICK, np.float32), "2 frames go with 1280 samples, not 640"),
        ([None], np.zeros(TICK, np.int16), "int16: push float32"),
        (None, None, "push frames, samples, or both"),
    ],
)
def test_pushes_out_of_step_are_refused(recognizer, frames, samples, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        recognizer.stream("audio").push(frames, samples)


def test_a_finished_stream_takes_no_more(recognizer) -> None:
    stream = recognizer.stream()
    stream.finish()
    with pytest.raises(ValueError, match="finished"):
        stream.push(None, np.zeros(TICK, np.float32))


def test_an_unknown_modality_is_refused(recognizer) -> None:
    with pytest.raises(ValueError, match="av, audio, video"):
        recognizer.stream("smell")


def test_memory_stays_flat_while_somebody_talks_without_a_pause(recognizer) -> None:
    stream = recognizer.stream("audio")
    for turn in range(20):
        for event in stream.push(None, sound(turn, 4 * 25)):
            assert event.end - event.start <= 61
    assert len(stream._session._features) < 12
    assert len(stream._decoder._beam.best.labels) < 60 * 25
    assert len(stream._attention._noted) < 25
    assert len(stream._decoder._listening._active) < 25


def test_every_frame_is_encoded_once(toy) -> None:
    for ticks in (1, 3, 4, 8, 11, 12, 13, 29):
        session = EncoderSession(toy, start=5)
        segments = [*session.push(clip(0, ticks)), *session.finish()]
        assert sum(len(segment.encoded) for segment in segments) == ticks
        starts = [segment.start for segment in segments]
        assert starts == list(range(5, 5 + ticks, 8))
        assert segments[-1].heard == 5 + ticks


def test_a_stream_that_nobody_holds_any_more_is_gone_at_once(toy) -> None:
    stream = Stream(toy, modality="av")
    stream.push(None, np.zeros(16_000, np.float32))
    gone = weakref.ref(stream)
    gc.disable()
    try:
        del stream
        assert gone() is None
    finally:
        gc.enable()
