from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.errors import HearsightError
from hearsight.lab.synth.sentences import fortunes, normalise, text_file, wordnet_examples


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("The air was warm--and close, he said.", "the air was warm and close he said"),
        ("“It’s a well-known 'fact',” she said!", None),  # curly double quotes are not English letters
        ("It’s a well-known 'fact', she said!", "it's a well known fact she said"),
        ("The dogs' bowls; are (nearly) empty...", "the dogs bowls are nearly empty"),
        ("It costs 12 dollars", None),
        ("Too short", None),
        ("one " * 15, None),
        ("a café in the town", None),
        ("he was murdered last night", None),
    ],
)
def test_a_sentence_becomes_words_as_they_are_said_or_is_refused(written, spoken):
    assert normalise(written) == spoken


@given(st.text("abcdefg 'AB.,-—’!?1é\n", max_size=60))
def test_what_is_normal_stays_as_it_is(text):
    spoken = normalise(text)
    if spoken is not None:
        assert normalise(spoken) == spoken
        assert spoken == " ".join(spoken.split())


def test_examples_are_read_out_of_wordnet(tmp_path: Path):
    (tmp_path / "data.verb").write_text(
        '  1 This is the licence | "not an example" \n'
        '00001740 29 v 01 breathe 0 | draw air; "I can breathe"; "The patient is respiring"  \n'
    )
    assert list(wordnet_examples(tmp_path))[1:] == ["I can breathe", "The patient is respiring"]


def test_fortunes_come_as_sentences_without_their_sources(tmp_path: Path):
    (tmp_path / "wisdom").write_text("A cloud does\nnot know.  Why?\n\t\t-- A Handbook\n%\nBe kind.\n")
    (tmp_path / "wisdom.dat").write_bytes(b"\0\1")
    (tmp_path / "perl").write_text("perl is no prose.\n")
    assert list(fortunes(tmp_path)) == ["A cloud does not know.", "Why?", "Be kind."]


def test_a_text_is_read_by_lines_or_as_wrapped_prose(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text("hello world\nhow are you? fine\nthis is a line\n")
    assert list(text_file(path)) == ["hello world", "how are you?", "fine", "this is a line"]
    path.write_text(
        "The night was long and cold, and from the hills a wind came\n"
        "down. Nobody spoke for an hour. Then the morning came, and\n"
        "with it, as always, the birds.\n\nIt rained.\n"
    )
    assert list(text_file(path)) == [
        "The night was long and cold, and from the hills a wind came down.",
        "Nobody spoke for an hour.",
        "Then the morning came, and with it, as always, the birds.",
        "It rained.",
    ]


def test_a_source_that_is_not_there_says_how_to_get_it(tmp_path: Path):
    with pytest.raises(HearsightError, match="install Debian's package wordnet-base, or say with --wordnet"):
        list(wordnet_examples(tmp_path / "nowhere"))
    with pytest.raises(HearsightError, match="--fortunes"):
        list(fortunes(tmp_path))
    with pytest.raises(HearsightError, match=r"absent.txt cannot be read"):
        list(text_file(tmp_path / "absent.txt"))
