from __future__ import annotations

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from hearsight.errors import HearsightError
from hearsight.lab.synth.grammars import grid, is_grid, templates
from hearsight.lab.synth.selection import MIX, parse_mix, select
from hearsight.lab.synth.sentences import normalise


def everything(text: str) -> str:
    """Pronounces every word but one."""
    if "unsayable" in text:
        raise HearsightError("unknown")
    return "ɑ"


def test_made_up_sentences_are_normal_and_told_apart():
    for text in islice(grid(random.Random(0)), 50):
        assert is_grid(text) and normalise(text) == text
    for text in islice(templates(random.Random(0)), 300):
        assert not is_grid(text) and normalise(text) == text


def test_shares_are_kept_and_no_sentence_comes_twice():
    chosen = select({"templates": 3, "grid": 1}, 200, 5, [everything]).sentences
    assert Counter(source for source, _ in chosen) == {"templates": 150, "grid": 50}
    assert len({text for _, text in chosen}) == 200


def test_the_same_seed_chooses_the_same_and_another_others():
    one, two, other = (select({"templates": 1, "grid": 1}, 30, seed, [everything]) for seed in (1, 1, 2))
    assert one == two
    assert len(set(one.sentences) & set(other.sentences)) < 15


def test_a_short_source_gives_what_it_has_and_others_fill_up(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text(
        "first of my lines\nthis one is unsayable\nit has 3 figures\nFirst of my lines!\nand the last one\n"
    )
    chosen = select({str(path): 1, "grid": 1}, 20, 0, [everything])
    mine = {text for source, text in chosen.sentences if source == str(path)}
    assert mine == {"first of my lines", "and the last one"}
    assert len(chosen.sentences) == 20
    assert chosen.looked_at[str(path)] == 5
    alone = select({str(path): 1}, 20, 0, [everything])
    assert len(alone.sentences) == 2


def test_what_is_not_installed_is_left_out_unless_it_was_asked_for(tmp_path: Path):
    chosen = select(MIX, 10, 0, [everything], wordnet=tmp_path, fortunes=tmp_path)
    assert {source for source, _ in chosen.sentences} == {"templates", "grid"}
    assert "wordnet-base" in chosen.left_out[0]
    with pytest.raises(HearsightError, match="wordnet-base"):
        select({"wordnet": 1}, 10, 0, [everything], wordnet=tmp_path)


def test_a_mix_is_parsed_and_odd_shares_are_refused():
    assert parse_mix([]) == MIX
    assert parse_mix(["grid=2.5", "templates", "a=b.txt"]) == {"grid": 2.5, "templates": 1, "a=b.txt": 1}
    with pytest.raises(HearsightError, match="share"):
        parse_mix(["grid=0"])
    with pytest.raises(HearsightError, match="not one sentence"):
        select({"grid": 1}, 5, 0, [lambda text: (_ for _ in ()).throw(HearsightError("no"))])
