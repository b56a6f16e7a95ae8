from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from hearsight.errors import HearsightError
from hearsight.lab.data.augment_audio import active_power
from hearsight.lab.data.batches import Source
from hearsight.lab.ear.encoder import WINDOW_FRAMES
from hearsight.lab.ear.sounds import Mishearing, PairStream, microphone_colour, read_rooms

NOTHING = Mishearing(slowest=1, fastest=1, room=0, colour=0, noise=0, level=-26, level_range=0, abrupt=0)


@pytest.fixture
def stream(corpus):
    def make(settings, seed=0):
        return PairStream([Source(str(corpus / "train"))], settings, [], batch_size=4, seed=seed)

    return make


def test_with_nothing_done_to_it_the_sound_is_heard_as_it_is(stream):
    for pair in itertools.islice(stream(NOTHING), 5):
        for clean, heard in zip(pair.clean.numpy(), pair.heard.numpy(), strict=True):
            assert np.corrcoef(clean, heard)[0, 1] > 0.999
            assert 10 * np.log10(active_power(heard)) == pytest.approx(-26, abs=0.1)


def test_a_batch_is_whole_frames_and_stays_in_the_window(stream):
    for pair in itertools.islice(stream(Mishearing(far=1)), 20):
        assert pair.clean.shape == pair.heard.shape
        assert pair.clean.shape[1] % 640 == 0
        assert int(pair.offset.max()) + pair.clean.shape[1] // 320 <= WINDOW_FRAMES
        assert float(pair.heard.abs().max()) <= 1
        assert len(pair.texts) == len(pair.clean) == 4


def test_noise_goes_on_while_nothing_is_said(stream):
    *_, pair = itertools.islice(stream(Mishearing(noise=1, lowest_snr=0, highest_snr=0, tail=0.8)), 12)
    silent = pair.clean[:, -2000:].abs().amax(1) == 0
    assert silent.any()
    assert (pair.heard[silent][:, -2000:].std(1) > 0).all()


def test_the_same_seed_gives_the_same_batches(stream):
    first, again = (list(itertools.islice(stream(Mishearing(), seed=3), 4)) for _ in range(2))
    other = next(iter(stream(Mishearing(), seed=4)))
    assert all(np.array_equal(one.heard, two.heard) for one, two in zip(first, again, strict=True))
    assert first[0].heard.shape != other.heard.shape or not np.array_equal(first[0].heard, other.heard)


def test_a_microphone_colours_the_sound_without_delay():
    for seed in range(20):
        response = microphone_colour(np.random.default_rng(seed))
        energy = np.cumsum(response**2) / np.sum(response**2)
        assert np.abs(response).argmax() < 8
        assert energy[80] > 0.9  # within 5 ms


@pytest.mark.shared_data
def test_room_responses_begin_with_the_direct_sound(shared_data):
    rooms = read_rooms(shared_data / "rooms")
    assert len(rooms) == 4
    assert all(abs(room[0]) == 1 for room in rooms)


def test_a_folder_without_rooms_is_one_sentence(tmp_path):
    with pytest.raises(HearsightError, match="no room responses"):
        read_rooms(tmp_path)


def test_an_utterance_may_begin_with_its_first_word(stream):
    def waits(abrupt):
        settings = dataclasses.replace(NOTHING, abrupt=abrupt, shortest_lead=0.2, longest_lead=0.2)
        loud = np.abs(next(iter(stream(settings))).clean.numpy()) > 0.02
        return loud.argmax(1) / 16_000

    assert waits(0).min() > 0.2 + 4 / 25 - 0.01  # the corpus' words begin at the fourth tick
    assert waits(1).max() < 0.2 + 0.07
