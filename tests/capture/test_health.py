"""Muted, clipping, frozen and dark are told apart from what is merely quiet, loud, still or dim."""

from __future__ import annotations

import numpy as np
import pytest

from hearsight.capture.health import PictureHealth, SoundHealth

CHANCE = np.random.default_rng(0)


def hear(tick, ticks=50, present=True):
    health = SoundHealth()
    for _ in range(ticks):
        health.look(np.asarray(tick() if callable(tick) else tick, np.float32), present)
    return health


def see(picture, ticks=50):
    health = PictureHealth()
    for number in range(ticks):
        health.look(picture(number))
    return health


def noise(level):
    return lambda: CHANCE.normal(0, level, 640).clip(-1, 1)


def camera(level, deviation=2.0):
    """A camera always has a little noise."""
    return lambda number: CHANCE.normal(level, deviation, (48, 64, 3)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("tick", "state"),
    [
        (noise(0.1), "ok"),
        (noise(1e-4), "ok"),
        (np.zeros(640), "muted"),
        (np.tile([0.0, 1 / 32768], 320), "muted"),
        (noise(2.0), "clipping"),
        (0.95 * np.sin(np.arange(640)), "ok"),
    ],
    ids=["speech", "quiet room", "off", "last bit", "far too loud", "loud"],
)
def test_sound(tick, state):
    assert hear(tick).state == state


def test_a_moment_of_silence_is_not_muted():
    assert hear(np.zeros(640), ticks=20).state == "ok"


def test_sound_that_does_not_come_is_lost_and_comes_back():
    health = hear(np.zeros(640), ticks=15, present=False)
    assert health.state == "lost"
    health.look(np.full(640, 0.1, np.float32), True)
    assert health.state == "ok"


def test_the_level_is_that_of_the_last_moments():
    health = hear(np.full(640, 0.1))
    assert health.level_dbfs == pytest.approx(-20, abs=0.01)
    for _ in range(10):
        health.look(np.zeros(640, np.float32), True)
    assert health.level_dbfs == float("-inf")


@pytest.mark.parametrize(
    ("picture", "state"),
    [
        (camera(120), "ok"),
        (camera(30), "ok"),
        (camera(4), "dark"),
        (lambda number: np.zeros((48, 64, 3), np.uint8), "dark"),
        (lambda number: np.full((48, 64, 3), 100, np.uint8), "frozen"),
        (lambda number: None, "lost"),
    ],
    ids=["day", "night", "covered", "black", "frozen", "lost"],
)
def test_pictures(picture, state):
    assert see(picture).state == state


def test_a_slow_camera_is_not_frozen():
    pictures = [camera(120)(0) for _ in range(10)]
    # Each stands for ten ticks, as one and the same array.
    assert see(lambda number: pictures[number // 10 % 10], ticks=100).state == "ok"


def test_one_new_picture_ends_it():
    health = see(lambda number: np.full((48, 64, 3), 100, np.uint8))
    health.look(camera(100)(0))
    assert health.state == "ok"
