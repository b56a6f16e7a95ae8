from __future__ import annotations

import pytest

from hearsight.errors import HearsightError
from hearsight.lab.synth.speech import Pronouncer

ENTRIES = {
    "cat": "kˈæt", "dog": "dˈɔɡ", "bus": "bˈʌs", "read": {"DEFAULT": "ɹˈid", "VBD": "ɹˈɛd"}, "July": "ʤəlˈI",
    "A": "ˈA", "B": "bˈi", "I": "ˈI",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("cat", "kˈæt."),
        ("a cat", "ɐ kˈæt."),
        ("b cat", "bˈi kˈæt."),
        ("read", "ɹˈid."),
        ("july", "ʤəlˈI."),
        ("cats dogs buses", None),
        ("dog's cats", "dˈɔɡz kˈæts."),
        ("bus's", "bˈʌsᵻz."),
    ],
)
def test_words_are_pronounced(text, phones):
    pronounce = Pronouncer(ENTRIES)
    if phones is None:
        with pytest.raises(HearsightError, match="'buse'"):
            pronounce(text)
    else:
        assert pronounce(text) == phones


def test_a_is_an_article_in_prose_and_a_letter_in_grid():
    words = ["place", "red", "at", "nine", "now"]
    pronounce = Pronouncer({**dict.fromkeys(words, "x"), "A": "ˈA"})
    assert pronounce("place a nine").split() == ["x", "ɐ", "x."]
    assert pronounce("place red at a nine now").split()[3] == "ˈA"
