"""Whose words are taken when both passes have some."""

from __future__ import annotations

from hearsight.recognizer.reading import ReadWord, is_trusted
from hearsight.types import Word


def test_a_reading_that_stops_in_the_middle_is_not_taken_however_sure_it_is():
    heard = [Word("place", 0.0, 0.1, 0.5)] * 12
    assert is_trusted([ReadWord("lay", 0.0)] * 6, heard)
    assert not is_trusted([ReadWord("lay", 0.0)] * 5, heard)
    assert not is_trusted([], heard)
    assert is_trusted([ReadWord("yes", 0.0)], heard[:3]), "a few words may have been one"
