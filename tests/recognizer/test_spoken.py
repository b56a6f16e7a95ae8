"""Figures as they are spoken."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from text_to_num import alpha2digit

from hearsight.recognizer.spoken import cardinal, ordinal, readings, spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("bin blue at F2 now", "bin blue at F two now"),
        ("at 4:30", "at four thirty"),
        ("3:05", "three oh five"),
        ("10:00", "ten o'clock"),
        ("the 2nd, the 21st and the 30th", "the second , the twenty first and the thirtieth"),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$5.20", "five dollars and twenty cents"),
        ("£2.01", "two pounds and one penny"),
        ("50%", "fifty percent"),
        ("3.14", "three point one four"),
        ("1,250", "one thousand two hundred fifty"),
        ("in 1995", "in nineteen ninety five"),
        ("2005", "two thousand five"),
        ("the 1980s", "the nineteen eighties"),
        ("007", "zero zero seven"),
        ("12345678901234567890", "one two three four five six seven eight nine zero " * 2),
    ],
)
def test_figures_in_words(written, said):
    assert spoken(written).split() == said.split()


@given(st.text(alphabet=st.characters(exclude_categories=("Nd",))))
def test_texts_without_figures_stay_as_they_are(text):
    assert spoken(text) == text
    assert all(len(ways) == 1 for ways in readings(text))


@given(st.text(alphabet="0123456789 :,.$%st'ndab-"))
def test_no_figure_is_left_and_the_first_readings_are_what_is_said(text):
    assert not any(letter.isdecimal() for letter in spoken(text))
    assert "".join(ways[0] for ways in readings(text)) == spoken(text)


@given(st.integers(0, 10**12 - 1))
def test_numbers_are_counted_as_a_library_reads_them(number):
    assert alpha2digit(cardinal(number), "en", threshold=0) == str(number)


@given(st.integers(1, 9999))
def test_places_are_told_as_a_library_reads_them(number):
    assume(number % 100 != 60)  # the library knows no "sixtieth"
    assert alpha2digit(ordinal(number), "en", threshold=0).rstrip("stndrh") == str(number)


def test_a_figure_can_be_said_in_several_ways():
    (_, ways, _) = readings("1905")
    said = {way.strip() for way in ways}
    assert {
        "nineteen oh five",
        "one thousand nine hundred five",
        "one nine zero five",
        "one nine oh five",
    } <= said
