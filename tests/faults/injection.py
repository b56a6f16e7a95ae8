"""Faults of cameras, microphones and computers, put into a recording that plays over and over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Modality
from tests.recognizer.live_fake import Tick

Injection = Callable[[list[Tick], int, int], None]
"""Changes the ticks from one number to before another."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong for a while.

    Attributes:
        inject: puts it into the input.
        says: what the status has to say about it at some moment, None where nothing can be known.
        left: senses that are left while it lasts; both where only the quality suffers.
        modality: senses to recognise by.
        busy: the computer is too slow while it lasts.
    """

    inject: Injection
    says: str | None = None
    left: tuple[str, ...] = ("audio", "video")
    modality: Modality = "av"
    busy: bool = False


def pictures(change: Callable[[np.ndarray, int], np.ndarray | None]) -> Injection:
    """A fault of single pictures; the second argument counts the ticks of the fault."""

    def inject(ticks: list[Tick], start: int, stop: int) -> None:
        for index in range(start, stop):
            picture = ticks[index].picture
            assert picture is not None
            ticks[index] = replace(ticks[index], picture=change(picture, index - start))

    return inject


def sounds(change: Callable[[np.ndarray, int], np.ndarray]) -> Injection:
    """A fault of the sound, tick by tick."""

    def inject(ticks: list[Tick], start: int, stop: int) -> None:
        for index in range(start, stop):
            samples = change(ticks[index].samples, index - start).astype(np.float32)
            ticks[index] = replace(ticks[index], samples=samples)

    return inject


def both(*faults: Injection) -> Injection:
    def inject(ticks: list[Tick], start: int, stop: int) -> None:
        for fault in faults:
            fault(ticks, start, stop)

    return inject


def random(tick: int) -> np.random.Generator:
    return np.random.default_rng(tick)


def empty_room(picture: np.ndarray, tick: int) -> np.ndarray:
    """The wall at the edge of the picture."""
    height, width = picture.shape[:2]
    return cv2.resize(picture[:, : width // 8], (width, height))


def covered_by_a_hand(picture: np.ndarray, tick: int) -> np.ndarray:
    noise = random(tick).integers(0, 6, picture.shape, dtype=np.uint8)
    return np.full_like(picture, (150, 90, 70)) + noise


def black(picture: np.ndarray, tick: int) -> np.ndarray:
    return random(tick).integers(0, 8, picture.shape, dtype=np.uint8)


def hidden_mouth(picture: np.ndarray, tick: int) -> np.ndarray:
    """A cup before the mouth."""
    hidden = picture.copy()
    height, width = picture.shape[:2]
    cv2.circle(hidden, (width // 2, round(0.62 * height)), round(0.14 * height), (230, 230, 225), -1)
    return hidden


def frozen(ticks: list[Tick], start: int, stop: int) -> None:
    still = ticks[start].picture
    assert still is not None
    pictures(lambda picture, tick: still.copy())(ticks, start, stop)


def late(ticks: list[Tick], start: int, stop: int) -> None:
    """Pictures come 400 ms after their sound."""
    before = [tick.picture for tick in ticks]
    delay = round(0.4 * FRAME_RATE)
    pictures(lambda picture, tick: before[start + tick - delay])(ticks, start, stop)


def someone_else(ticks: list[Tick], start: int, stop: int) -> None:
    """Another face at another place, which says something else."""
    before = [tick.picture for tick in ticks]

    def stranger(picture: np.ndarray, tick: int) -> np.ndarray:
        other = before[stop - 1 - tick]
        assert other is not None
        small = cv2.resize(other[:, ::-1], None, fx=0.6, fy=0.6)
        scene = np.full_like(picture, 90)
        scene[: small.shape[0], : small.shape[1]] = small[..., ::-1]
        return scene

    pictures(stranger)(ticks, start, stop)


def no_camera(picture: np.ndarray, tick: int) -> None:
    return None


def no_microphone(ticks: list[Tick], start: int, stop: int) -> None:
    nothing = np.zeros(SAMPLES_PER_FRAME, np.float32)
    for index in range(start, stop):
        ticks[index] = replace(ticks[index], samples=nothing, present=False)


def no_numbers(samples: np.ndarray, tick: int) -> np.ndarray:
    broken = samples.copy()
    broken[::7], broken[3::50], broken[5::90] = np.nan, np.inf, -np.inf
    return broken


def noisy(samples: np.ndarray, tick: int) -> np.ndarray:
    return np.clip(samples + 0.2 * random(tick).standard_normal(len(samples)), -1, 1)


FAULTS: dict[str, Fault] = {
    "face out of the picture": Fault(
        pictures(empty_room), "no face in the picture: going on by ear", ("audio",)
    ),
    "camera covered by a hand": Fault(
        pictures(covered_by_a_hand), "no face in the picture: going on by ear", ("audio",)
    ),
    "camera in the dark": Fault(pictures(black), "camera covered, or too dark: going on by ear", ("audio",)),
    "mouth behind a cup": Fault(pictures(hidden_mouth)),
    "picture frozen": Fault(frozen, "picture frozen: going on by ear", ("audio",)),
    "pictures late": Fault(late),
    "every second picture dropped": Fault(pictures(lambda picture, tick: picture if tick % 2 else None)),
    "pictures damaged": Fault(
        pictures(lambda picture, tick: random(tick).integers(0, 256, picture.shape, dtype=np.uint8)),
        "no face in the picture: going on by ear",
        ("audio",),
    ),
    "camera unplugged": Fault(
        pictures(no_camera), "no picture comes from the camera: going on by ear", ("audio",)
    ),
    "pictures of another size": Fault(
        pictures(lambda picture, tick: cv2.resize(picture, (330, 250))),
    ),
    "someone else in the picture": Fault(someone_else),
    "picture upside down": Fault(pictures(lambda picture, tick: picture[::-1].copy())),
    "microphone muted": Fault(
        sounds(lambda samples, tick: np.zeros_like(samples)),
        "microphone muted: going on by the lips",
        ("video",),
    ),
    "microphone clips": Fault(
        sounds(lambda samples, tick: np.clip(samples * 50, -1, 1)), "microphone clips: turn it down"
    ),
    "microphone unplugged": Fault(
        no_microphone, "no sound comes from the microphone: going on by the lips", ("video",)
    ),
    "samples that are no numbers": Fault(sounds(no_numbers)),
    "loud noise": Fault(sounds(noisy)),
    "both devices unplugged": Fault(both(pictures(no_camera), no_microphone), "nothing left to go by", ()),
    "computer busy": Fault(
        lambda ticks, start, stop: None,
        "computer busy, pictures skipped: going on by ear",
        ("audio",),
        busy=True,
    ),
    "computer busy, lips alone": Fault(
        lambda ticks, start, stop: None,
        "computer busy: words come in larger steps",
        ("video",),
        modality="video",
        busy=True,
    ),
}
