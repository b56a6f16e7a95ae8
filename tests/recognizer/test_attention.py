"""Pictures that show nothing are not looked at; what is noted does not depend on the chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearsight.recognizer.activity import ActivityRule
from hearsight.recognizer.attention import Attention
from hearsight.recognizer.pictures import PictureRule
from hearsight.recognizer.session import Ticks
from tests.recognizer.speaker import moving_mouth, room, still_mouth, voice


def attention(start: int = 0) -> Attention:
    return Attention(ActivityRule(), PictureRule(), start)


def speaking(ticks: int = 60) -> Ticks:
    everything = np.ones(ticks, np.bool_)
    return Ticks(moving_mouth(ticks), voice(ticks), everything, everything)


def with_crops(ticks: Ticks, crops, present=None) -> Ticks:
    seen = ticks.video_present if present is None else present
    return Ticks(crops, ticks.samples, seen, ticks.audio_present)


def test_living_pictures_pass_untouched() -> None:
    assert attention().watch(speaking()) is not None
    whole = speaking()
    watched = attention().watch(whole)
    assert watched.video_present.all()
    assert (watched.crops == whole.crops).all()


@pytest.mark.parametrize("blank", ["black", "dark", "white", "grey", "noise in the dark"])
def test_dark_and_blank_pictures_are_not_looked_at(blank: str) -> None:
    whole = speaking()
    crops = whole.crops.copy()
    crops[20:40] = {
        "black": 0,
        "dark": (crops[20:40] * 0.04).astype(np.uint8),
        "white": 255,
        "grey": 120,
        "noise in the dark": np.random.default_rng(0).integers(0, 9, (20, 96, 96)),
    }[blank]
    watched = attention().watch(with_crops(whole, crops))
    assert watched.video_present.tolist() == [True] * 20 + [False] * 20 + [True] * 20
    assert not watched.crops[20:40].any(), "absent pictures are zeros, as in training"
    assert (watched.crops[40:] == crops[40:]).all()
    assert (watched.samples == whole.samples).all()


def test_a_covered_mouth_is_not_looked_at() -> None:
    whole = speaking()
    crops = whole.crops.copy()
    crops[20:40, 30:75, 20:76] = 120
    present = attention().watch(with_crops(whole, crops)).video_present
    assert present.tolist() == [True] * 20 + [False] * 20 + [True] * 20


def test_little_light_is_better_than_none() -> None:
    whole = speaking()
    dim = (whole.crops * 0.15).astype(np.uint8)
    assert attention().watch(with_crops(whole, dim)).video_present.all()


def test_a_frozen_picture_is_dropped_soon_and_taken_up_at_once() -> None:
    whole = speaking(80)
    crops = whole.crops.copy()
    crops[20:60] = crops[20]
    present = attention().watch(with_crops(whole, crops)).video_present
    assert present[:24].all() and present[60:].all()
    assert not present[42:60].any()


def test_a_low_frame_rate_is_not_frozen() -> None:
    whole = speaking(100)
    slow = whole.crops[np.arange(100) // 5 * 5]
    assert attention().watch(with_crops(whole, slow)).video_present.all()


def test_a_still_picture_in_silence_is_not_frozen() -> None:
    everything = np.ones(100, np.bool_)
    still = np.repeat(still_mouth(1), 100, axis=0)
    quiet = Ticks(still, room(100, -75), everything, everything)
    assert attention().watch(quiet).video_present.all()


def test_what_is_absent_stays_absent() -> None:
    nothing = Ticks.empty(50)
    watcher = attention()
    assert watcher.watch(nothing) is nothing
    noted = watcher.during(0, 50)
    assert not (noted.voice.any() or noted.lips.any() or noted.face.any())


@given(cuts=st.lists(st.integers(1, 25), min_size=1, max_size=8), seed=st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_any_chunking_notes_the_same(cuts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    present = random.random(90) < 0.9
    whole = with_crops(speaking(90), np.concatenate([moving_mouth(45, seed), still_mouth(45)]), present)
    expected = attention()
    passed = expected.watch(whole)
    watcher, found, done, turn = attention(), Ticks.empty(), 0, 0
    while done < len(whole):
        size = cuts[turn % len(cuts)]
        found += watcher.watch(whole.part(done, done + size))
        done, turn = done + size, turn + 1
    assert (found.video_present == passed.video_present).all()
    assert (found.crops == passed.crops).all()
    for name in ("voice", "lips", "face", "speech"):
        assert (getattr(watcher.during(0, 90), name) == getattr(expected.during(0, 90), name)).all()


@pytest.mark.parametrize(
    ("sound", "speaks"),
    [(room(100, -50), False), (room(100, -20), True), (room(100, -90), True), (voice(100, -25), True)],
    ids=["quiet room", "loud room", "muted microphone", "voice"],
)
def test_lips_alone_count_where_a_voice_might_go_unheard(sound, speaks) -> None:
    everything = np.ones(100, np.bool_)
    watcher = attention()
    watcher.watch(Ticks(moving_mouth(100), sound, everything, everything))
    noted = watcher.during(0, 100)
    assert noted.lips.any()
    assert noted.speech[20:].any() == speaks
    deaf = attention()
    deaf.watch(Ticks(moving_mouth(100), sound * 0, everything, ~everything))
    assert deaf.during(0, 100).speech.any(), "without a microphone they are all there is"


def test_what_has_been_asked_for_is_forgotten_before_it() -> None:
    watcher = attention(start=10)
    watcher.watch(speaking(30))
    assert len(watcher.during(20, 32)) == 12
    assert len(watcher.during(28, 40)) == 12
    for start, stop in ((20, 30), (30, 41)):
        with pytest.raises(ValueError, match="not among those known, 28 to 40"):
            watcher.during(start, stop)
