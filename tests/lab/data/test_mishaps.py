from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.errors import HearsightError
from hearsight.lab.data.mishaps import MishapMaker, Mishaps, cover, delay, silence
from hearsight.lab.data.shards import Sample
from hearsight.types import SAMPLES_PER_FRAME

NONE = Mishaps(foreign=0, shifted=0, frozen=0, covered=0, silent=0)


def sample_of(ticks: int = 50, first_word_s: float = 0.8, shade: int = 0) -> Sample:
    """A clip whose pictures and sound count the ticks."""
    count = np.arange(ticks)
    return Sample(
        id=f"clip-{shade}",
        speaker="s",
        text="now",
        words=(("now", first_word_s, first_word_s + 0.4),),
        media="",
        split="train",
        pixels=np.broadcast_to((count + shade)[:, None, None], (ticks, 96, 96)).astype(np.uint8),
        video_present=np.ones(ticks, np.bool_),
        samples=np.repeat(count, SAMPLES_PER_FRAME).astype(np.float32) / ticks,
    )


def mishap(seed: int = 0, **probabilities: float) -> tuple[Sample, Sample, bool]:
    settings = Mishaps(
        **{**{name: 0.0 for name in ("foreign", "shifted", "frozen", "covered", "silent")}, **probabilities}
    )
    maker, rng = MishapMaker(settings), np.random.default_rng(seed)
    maker(sample_of(shade=100), rng)
    before = sample_of()
    return before, *maker(before, rng)


def test_they_can_be_more_and_less_frequent() -> None:
    usual = Mishaps()
    assert usual.times(1) == usual
    assert usual.times(0) == Mishaps(foreign=0, shifted=0, frozen=0, covered=0, silent=0, late=0)
    assert usual.times(2).shifted == pytest.approx(2 * usual.shifted)
    for strength in (-1, 4):
        with pytest.raises(HearsightError, match="choose 0 to"):
            usual.times(strength)


def test_without_mishaps_nothing_changes() -> None:
    before, after, told = mishap()
    assert told and after.text == before.text
    np.testing.assert_array_equal(after.pixels, before.pixels)


def test_foreign_pictures_are_anothers_and_say_nothing_of_the_sound() -> None:
    before, after, told = mishap(foreign=1.0)
    assert not told and after.text == before.text
    assert after.pixels is not None and after.pixels[0, 0, 0] == 100
    np.testing.assert_array_equal(after.samples, before.samples)


@given(seed=st.integers(0, 1000))
def test_shifted_pictures_keep_their_order_and_number(seed: int) -> None:
    _, after, told = mishap(seed, shifted=1.0)
    assert told and after.pixels is not None
    shades = after.pixels[:, 0, 0].astype(int)
    assert (np.diff(shades) >= 0).all() and len(shades) == 50
    assert abs(shades[25] - 25) <= Mishaps().shift_ticks


def test_a_frozen_picture_stays() -> None:
    _, after, told = mishap(frozen=1.0)
    assert not told and after.pixels is not None
    shades = after.pixels[:, 0, 0].astype(int)
    assert shades[-1] < 49 and set(np.diff(shades)) <= {0, 1}


@given(seed=st.integers(0, 1000))
def test_a_cover_leaves_the_rest_and_the_original_alone(seed: int) -> None:
    pixels = np.full((30, 96, 96), 77, np.uint8)
    covered = cover(pixels, np.random.default_rng(seed))
    assert (pixels == 77).all()
    assert ((covered != 77).mean((1, 2)) < 0.5).all()


@given(seed=st.integers(0, 1000), first_word_s=st.floats(0.3, 1.5))
def test_silence_is_made_of_what_came_before_the_first_word(seed: int, first_word_s: float) -> None:
    quiet = silence(sample_of(first_word_s=first_word_s), np.random.default_rng(seed))
    assert quiet.text == "" and quiet.words == () and quiet.pixels is not None and quiet.samples is not None
    assert quiet.pixels.max() < first_word_s * 25
    assert len(quiet.samples) == len(quiet.pixels) * SAMPLES_PER_FRAME
    steps = np.abs(np.diff(quiet.pixels[:, 0, 0].astype(int)))
    assert steps.max() <= 1, "no jump from one picture to the next"


@pytest.mark.parametrize("first_word_s", [0.0, 0.1])
def test_speech_from_the_first_moment_leaves_no_silence_to_make(first_word_s: float) -> None:
    before = sample_of(first_word_s=first_word_s)
    assert silence(before, np.random.default_rng(0)) is before


@given(seed=st.integers(0, 1000))
def test_late_speech_is_all_there_with_its_times_moved(seed: int) -> None:
    before = sample_of()
    after = delay(before, np.random.default_rng(seed))
    assert after.words and before.words and after.samples is not None and after.pixels is not None
    waited = after.words[0][1] - before.words[0][1]
    ticks = round(waited * 25)
    assert 10 <= ticks < 75 and after.text == before.text
    np.testing.assert_array_equal(after.pixels[ticks:], before.pixels)
    np.testing.assert_array_equal(after.samples[ticks * SAMPLES_PER_FRAME :], before.samples)
    assert after.samples[: ticks * SAMPLES_PER_FRAME].max() < before.words[0][1] * 25 / 50
