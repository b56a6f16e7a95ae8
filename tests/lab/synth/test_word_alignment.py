from __future__ import annotations

import pytest

from hearsight.errors import HearsightError
from hearsight.lab.synth.word_alignment import with_borders


def bordered(spoken: str, words: str) -> str:
    return "".join(
        " " if each is None else spoken[each] for each in with_borders(list(spoken), words.split())
    )


@pytest.mark.parametrize(
    ("spoken", "words", "found"),
    [
        ("ðəkæts", "ði kæts", "ðə kæts"),
        ("kætsdɔɡz", "kæts dɔɡz", "kæts dɔɡz"),
        ("kæts dɔɡz", "kæts dɔɡz", "kæts dɔɡz"),
        ("əndðɛn", "ænd ðɛn", "ənd ðɛn"),
        ("ənðɛn", "ænd ðɛn", "ən ðɛn"),
        ("lɪtəlbɜɹd", "lɪɾᵊl bɜɹd", "lɪtəl bɜɹd"),
        ("səpOzitɹænd", "spOz it ɹæn", "səpOz it ɹænd"),
    ],
)
def test_words_end_where_the_dictionary_says(spoken: str, words: str, found: str):
    assert bordered(spoken, words) == found


def test_other_words_are_refused():
    with pytest.raises(HearsightError, match="otherwise than the dictionary"):
        bordered("faɪvhʌndɹəd", "kæts dɔɡz")
    with pytest.raises(HearsightError, match="leaves out a word"):
        bordered("kætsdɔɡzændmIs", "kæts ə dɔɡz ænd mIs")
