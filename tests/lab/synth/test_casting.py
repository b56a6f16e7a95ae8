from __future__ import annotations

from hearsight.lab.synth.casting import (
    FLITE_VOICES,
    HELD_OUT,
    HELD_OUT_PITCHES,
    PIPER_VOICES,
    PITCHES,
    VOICES,
    cast,
    cast_plain,
    held_out,
    is_male,
)


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


def test_of_few_voices_other_pitches_are_heard_in_tests():
    trained = [cast_plain(str(number), "train", FLITE_VOICES) for number in range(500)]
    tested = [cast_plain(str(number), "dev", FLITE_VOICES) for number in range(500)]
    low, high = HELD_OUT_PITCHES
    assert all(low <= said.pitch <= high for said in tested)
    assert not any(low < said.pitch < high for said in trained)
    pitches = [said.pitch for said in trained]
    assert min(pitches) < PITCHES[0] + 0.02 and max(pitches) > PITCHES[1] - 0.02
    assert all(PITCHES[0] <= pitch <= PITCHES[1] for pitch in pitches)
    assert {voice for said in trained for voice in said.voice} == set(FLITE_VOICES)
    assert cast_plain("7", "train", FLITE_VOICES) == trained[7] != trained[8]


def test_the_second_letter_of_every_voice_tells_whether_a_man_is_drawn():
    assert {voice: is_male({voice: 1.0}) for voice in (*PIPER_VOICES, *FLITE_VOICES)} == {
        "am_joe": True, "af_slt": False, "am_rms": True, "bm_awb": True,
    }  # fmt: skip
    assert is_male({"af_slt": 0.4, "am_rms": 0.6})
    for voice in (*VOICES, *HELD_OUT):
        assert is_male({voice: 1.0}) == (voice.split("_")[0] in ("am", "bm"))


def test_another_pitch_is_another_speaker():
    said = cast_plain("7", "train", FLITE_VOICES)
    assert said.speaker.endswith(f"@{said.pitch}")
    assert "@" not in cast("7", "train").speaker


def test_a_share_of_the_sentences_is_held_out():
    assert len(held_out(200, 0.1, 0)) == 20
    assert held_out(200, 0.1, 0) == held_out(200, 0.1, 0) != held_out(200, 0.1, 1)
    assert len(held_out(3, 0.1, 0)) == 1
    assert held_out(3, 0.0, 0) == frozenset()
