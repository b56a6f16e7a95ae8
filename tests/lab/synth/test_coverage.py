from __future__ import annotations

from hearsight.lab.synth.coverage import Coverage, expected_phones


def test_phones_pairs_and_visemes_are_counted():
    coverage = Coverage(frozenset("pætIʒ"))
    coverage.add("pˈæt.")
    coverage.add("pI")
    assert coverage.phones == {"p": 2, "æ": 1, "t": 1, "I": 1}
    assert coverage.pairs == {"pæ": 1, "æt": 1, "pI": 1}
    assert coverage.visemes["pbm"] == 2
    assert coverage.visemes["ɑaɒ"] == coverage.visemes["i"] == 1  # a diphthong glides from one to the other
    assert coverage.missing == ["ʒ"]


def test_what_is_missing_is_said():
    coverage = Coverage(frozenset("pʒ"))
    coverage.add("pˈ")
    told = coverage.describe()
    assert "1 of 2" in told
    assert "phones that are missing: ʒ" in told
    assert "visemes that are missing: ʃʒʧʤ" in told
    coverage.add("ʒ")
    assert "missing" not in coverage.describe()


def test_rare_symbols_of_a_dictionary_are_not_expected():
    assert expected_phones(["pˈæt"] * 50 + ["xx"] * 49) == frozenset("pæt")
