"""An utterance ends after silence, sooner when it is long, and at the latest after a minute."""

from __future__ import annotations

from hearsight.recognizer.endpoint import EndpointRule

RULE = EndpointRule()


def test_a_second_without_a_new_label_ends_an_utterance() -> None:
    assert not RULE.reached(first=0, last=100, now=124)
    assert RULE.reached(first=0, last=100, now=125)


def test_a_long_utterance_ends_at_a_short_pause() -> None:
    assert not RULE.reached(first=0, last=749, now=753)
    assert RULE.reached(first=0, last=749, now=754)
    assert not RULE.reached(first=0, last=700, now=705)


def test_an_utterance_without_pauses_ends_after_a_minute() -> None:
    assert not RULE.reached(first=0, last=1499, now=1499)
    assert RULE.reached(first=0, last=1500, now=1500)


def test_an_utterance_ends_sooner_where_nobody_speaks_for_sure() -> None:
    assert RULE.reached(first=0, last=100, now=115, rest=15)
    assert not RULE.reached(first=0, last=100, now=115, rest=14), "a voice or lips went on"
    assert not RULE.reached(first=0, last=101, now=115, rest=15), "a word has just come"


def test_without_words_an_utterance_begins_anew_after_a_while() -> None:
    assert not RULE.idle(begin=100, now=224)
    assert RULE.idle(begin=100, now=225)
