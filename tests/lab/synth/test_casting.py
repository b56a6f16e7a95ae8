from __future__ import annotations

from hearsight.lab.synth.casting import HELD_OUT, VOICES, cast, held_out


def test_voices_for_tests_are_never_heard_in_training():
    heard = {voice for number in range(500) for voice in cast(str(number), "train").voice}
    tested = {voice for number in range(100) for voice in cast(str(number), "dev").voice}
    assert heard == set(VOICES)
    assert tested == set(HELD_OUT)


def test_the_same_chance_gives_the_same_delivery():
    assert cast("7", "train") == cast("7", "train") != cast("8", "train")


def test_shares_speeds_and_pauses_are_in_their_ranges():
    for number in range(100):
        said = cast(str(number), "train")
        assert abs(sum(said.voice.values()) - 1) < 0.01
        assert 0.85 <= said.speed <= 1.3
        assert all(0 <= pause <= 0.4 for pause in said.pauses)
        assert said.accent == ("gb" if max(said.voice, key=lambda name: said.voice[name])[0] == "b" else "us")


def test_a_share_of_the_sentences_is_held_out():
    assert len(held_out(200, 0.1, 0)) == 20
    assert held_out(200, 0.1, 0) == held_out(200, 0.1, 0) != held_out(200, 0.1, 1)
    assert len(held_out(3, 0.1, 0)) == 1
    assert held_out(3, 0.0, 0) == frozenset()
