"""Frozen pictures are noticed within 120 ms; slow cameras and still scenes are not frozen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearsight.face.stillness import BLOCK_CHANGE, LEAST_TICKS, MOST_TICKS, Picture, Stillness

SCENE = np.random.default_rng(0).integers(40, 200, (240, 320, 3))


def camera(ticks: int, seed: int = 1, noise: float = 1.0) -> list[Picture]:
    """A still scene, as a camera sees it."""
    rng = np.random.default_rng(seed)
    return [np.clip(SCENE + rng.normal(0, noise, SCENE.shape), 0, 255).astype(np.uint8) for _ in range(ticks)]


def drawn(ticks: int) -> list[Picture]:
    """A scene without noise in which lips of 24 x 16 pixels move."""
    pictures = [SCENE.astype(np.uint8) for _ in range(ticks)]
    for tick, picture in enumerate(pictures):
        picture[150:166, 150:174] = 60 + 80 * np.sin(tick / 2) ** 2
    return pictures


def slow(rate: float, seconds: float = 4.0) -> list[Picture]:
    """A camera of less than 25 pictures a second on the clock of 25: arrays of their own, as decoded."""
    pictures = camera(int(rate * seconds) + 1)
    return [pictures[int(tick * rate / 25)].copy() for tick in range(int(25 * seconds))]


def judged(pictures: list[Picture]) -> list[bool]:
    stillness = Stillness()
    return [stillness(picture) for picture in pictures]


def test_a_still_scene_before_a_camera_is_not_frozen() -> None:
    assert not any(judged(camera(60, noise=0.5)))


def test_a_frozen_picture_is_noticed_within_120_ms_and_taken_up_at_once() -> None:
    before, after = camera(25), camera(10, seed=2)
    pictures = [*before, *[before[-1].copy() for _ in range(30)], *after]
    frozen = judged(pictures)
    begin = 25 + LEAST_TICKS - 1
    assert frozen == [begin <= tick < 55 for tick in range(65)]


def test_it_is_noticed_as_soon_each_time() -> None:
    pictures = []
    for seed in range(6):
        living = camera(40, seed=seed)
        pictures += [*living, *[living[-1].copy() for _ in range(20)]]
    frozen = judged(pictures)
    assert all(sum(frozen[60 * k : 60 * k + 60]) == 20 - LEAST_TICKS + 1 for k in range(6))


def test_a_freeze_that_the_encoder_goes_on_refining_is_noticed() -> None:
    before = camera(25)
    rng = np.random.default_rng(3)
    refined = [
        np.clip(before[-1] + rng.integers(-3, 4) * (rng.random((240, 1, 1)) < 0.01), 0, 255).astype(np.uint8)
        for _ in range(20)
    ]
    assert sum(judged([*before, *refined])) >= 20 - LEAST_TICKS


@pytest.mark.parametrize("rate", [24, 20, 15, 12.5, 10, 7.5, 5, 4, 3.2])
def test_a_slow_camera_is_not_frozen(rate: float) -> None:
    assert not any(judged(slow(rate)))


def test_a_slow_camera_that_the_clock_repeats_is_not_frozen() -> None:
    pictures = camera(20)
    assert not any(judged([pictures[tick // 5] for tick in range(100)]))


def test_a_camera_that_becomes_slow_is_soon_known_to_be() -> None:
    frozen = judged([*camera(50), *slow(6, seconds=8)])
    assert not any(frozen[50 + 50 :]) and sum(frozen) <= 10


def test_a_slow_camera_that_freezes_is_noticed_within_a_third_of_a_second() -> None:
    living = slow(10)
    frozen = judged([*living, *[living[-1].copy() for _ in range(20)]])
    assert not any(frozen[: len(living)]) and all(frozen[len(living) + MOST_TICKS - 1 :])


def test_lips_that_move_in_an_otherwise_motionless_picture_are_seen() -> None:
    assert not any(judged(drawn(60)))


def test_pauses_without_noise_teach_that_pictures_may_stand() -> None:
    pauses = []
    for _ in range(4):
        pauses += [*drawn(12), *[drawn(12)[-1] for _ in range(4)]]
    assert not any(judged(pauses)[48:])


def test_no_picture_is_not_frozen_and_what_was_before_it_is_forgotten() -> None:
    one = camera(1)[0]
    stillness = Stillness()
    assert not any(stillness(None) for _ in range(20))
    assert [stillness(one) for _ in range(MOST_TICKS + 1)] == [False] * MOST_TICKS + [True]
    assert not stillness(None) and not stillness(one)


def test_another_size_is_another_picture() -> None:
    one = camera(1)[0]
    stillness = Stillness()
    assert not any(stillness(one if tick % 2 else one[:-40, :-40]) for tick in range(40))


@given(st.lists(st.integers(1, 12), max_size=60))
def test_no_picture_stands_longer_than_a_third_of_a_second(runs: list[int]) -> None:
    """Whatever has been learnt, and never is a picture frozen that has just come."""
    small = np.random.default_rng(5).integers(0, 255, (60, 40, 40, 3)).astype(np.uint8)
    stillness = Stillness()
    for run, picture in zip(runs, small, strict=False):
        frozen = [stillness(picture.copy()) for _ in range(run)]
        assert not any(frozen[:LEAST_TICKS]) and all(frozen[MOST_TICKS:])


def test_the_face_path_tells_and_follows_the_face_all_the_same(path, face, picture, chunk_of) -> None:
    rng = np.random.default_rng(4)
    scene = picture(face(170, 140, 90))
    living = [np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    crops = path.process(chunk_of([*living, *[living[-1].copy() for _ in range(6)]]))
    begin = 8 + LEAST_TICKS - 1
    assert path.frozen.tolist() == [tick >= begin for tick in range(14)]
    assert crops.video_present[begin:].all() and crops.pixels[begin:].any(axis=(1, 2)).all()
    path.reset()
    assert not len(path.frozen)


@given(st.integers(0, 29), st.integers(0, 39), st.booleans(), st.integers(0, 255))
def test_a_change_of_one_block_is_seen_wherever_it_is_and_whether_it_grows_lighter_or_darker(
    row: int, column: int, lighter: bool, level: int
) -> None:
    before = np.full((240, 320, 3), level, np.uint8)
    after = before.copy()
    block = after[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
    block[:] = min(level + 4, 255) if lighter else max(level - 4, 0)
    changed = abs(int(block[0, 0, 1]) - level)
    stillness = Stillness()
    frozen = [stillness(picture) for picture in [before, before.copy()] * (MOST_TICKS // 2) + [after]]
    assert frozen[-1] == (changed < BLOCK_CHANGE)
