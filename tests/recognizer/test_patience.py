from hearsight.recognizer.endpoint import PATIENT, EndpointRule


def test_missed_words_do_not_end_an_utterance_that_is_read_again_while_the_voice_goes_on():
    assert EndpointRule().reached(first=10, last=20, now=46, rest=0)
    assert not PATIENT.reached(first=10, last=20, now=46, rest=0)


def test_a_voice_that_rests_ends_it_as_soon_as_any():
    for rule in (EndpointRule(), PATIENT):
        assert rule.reached(first=10, last=20, now=36, rest=15)
        assert not rule.reached(first=10, last=20, now=34, rest=14)
