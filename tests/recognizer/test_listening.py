"""The decoder listens from shortly before somebody speaks to a while after, and knows whose lips move."""

from __future__ import annotations

import numpy as np

from hearsight.recognizer.activity import Activity, ActivityRule
from hearsight.recognizer.listening import Listening

RULE = ActivityRule(lead_s=0.16, hold_s=0.6)


def activity(ticks: int, *, voice=(), lips=(), face: bool = True, masked: bool = True) -> Activity:
    def marked(spans) -> np.ndarray:
        marks = np.zeros(ticks, np.bool_)
        for first, last in spans:
            marks[first : last + 1] = True
        return marks

    heard, moved = marked(voice), marked(lips)
    return Activity(heard, moved, np.full(ticks, face), heard | moved if masked else heard)


def part(noted: Activity, start: int, stop: int) -> Activity:
    return Activity(*(getattr(noted, name)[start:stop] for name in ("voice", "lips", "face", "speech")))


def listening(noted: Activity) -> Listening:
    following = Listening(RULE, 1500)
    following.hear(0, noted)
    return following


def open_at(noted: Activity) -> list[int]:
    following = listening(noted)
    return [tick for tick in range(len(noted)) if following.at(tick)]


def test_nothing_is_listened_to_before_anybody_speaks() -> None:
    assert open_at(activity(200)) == []


def test_it_listens_from_before_to_after_a_voice_or_lips() -> None:
    expected = list(range(46, 76))
    assert open_at(activity(200, voice=[(50, 60)])) == expected
    assert open_at(activity(200, lips=[(50, 60)])) == expected
    assert open_at(activity(200, voice=[(50, 55)], lips=[(58, 60)])) == expected


def test_lips_that_move_in_a_quiet_room_are_not_listened_to_but_are_no_rest() -> None:
    noted = activity(200, lips=[(50, 60)], masked=False)
    assert open_at(noted) == []
    following = listening(noted)
    assert [following.rest(tick) for tick in range(70)][55:65] == [0] * 6 + [1, 2, 3, 4]


def test_it_cannot_know_what_has_not_been_heard() -> None:
    following = Listening(RULE, 1500)
    noted = activity(60, voice=[(50, 59)])
    following.hear(0, part(noted, 0, 48))
    assert not following.at(47)
    following.hear(40, part(noted, 40, 60))
    assert following.at(48)


def test_rest_is_counted_from_the_last_sign_of_speech() -> None:
    following = listening(activity(200, voice=[(20, 30)], lips=[(25, 40)]))
    rests = [following.rest(tick) for tick in range(80)]
    assert rests[40] == 0
    assert rests[41:80] == list(range(1, 40))


def test_lips_that_move_with_the_voice_are_the_speakers() -> None:
    assert listening(activity(100, voice=[(20, 60)], lips=[(20, 60)])).on_screen(28, 60) is True
    assert listening(activity(100, voice=[(20, 60)])).on_screen(28, 60) is False
    assert listening(activity(100, voice=[(20, 60)], lips=[(0, 5)])).on_screen(28, 60) is False


def test_without_a_face_or_a_voice_nobody_can_say() -> None:
    assert listening(activity(100, voice=[(20, 60)], face=False)).on_screen(28, 60) is None
    assert listening(activity(100, lips=[(20, 60)])).on_screen(28, 60) is None
    assert listening(activity(100, voice=[(28, 32)], lips=[(28, 32)])).on_screen(28, 32) is None
