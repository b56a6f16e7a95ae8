"""What cameras, light and an unsteady alignment do to mouth crops, drawn at random for training."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hearsight.types import CROP_SIZE

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class VideoAugmentation:
    """How much is done to the pictures.

    Attributes:
        flip: probability of a mirror image.
        rotation: standard deviation in degrees.
        scale: standard deviation of the logarithm of the size.
        shift: largest shift in pixels of the 96x96 crop.
        jitter: standard deviation of the shift from frame to frame, in pixels.
        gamma: standard deviation of the logarithm of the exponent of brightness.
        gradient: standard deviation of a light from one side, in grey levels.
        noise: largest standard deviation of sensor noise, in grey levels.
        blur: probability of a soft picture.
        frame_drops: how often a stretch of up to 400 ms is lost, on average.
    """

    flip: float = 0.5
    rotation: float = 5.0
    scale: float = 0.07
    shift: float = 6.0
    jitter: float = 0.4
    gamma: float = 0.35
    gradient: float = 25.0
    noise: float = 8.0
    blur: float = 0.25
    frame_drops: float = 0.4


def warp(pixels: Pixels, settings: VideoAugmentation, rng: np.random.Generator) -> Pixels:
    """Flip, rotate, scale, stretch and shift a clip as one, and let each frame tremble."""
    angle = np.deg2rad(rng.normal() * settings.rotation)
    scale_x, scale_y = np.exp(rng.normal() * settings.scale + rng.normal(size=2) * settings.scale / 3)
    mirror = -1.0 if rng.random() < settings.flip else 1.0
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation @ np.diag([mirror * scale_x, scale_y])
    centre = np.full(2, (CROP_SIZE - 1) / 2)
    offset = centre - linear @ centre + rng.uniform(-settings.shift, settings.shift, 2)
    offsets = offset + rng.normal(size=(len(pixels), 2)) * settings.jitter
    warped = np.empty_like(pixels)
    for index, (frame, shift) in enumerate(zip(pixels, offsets, strict=True)):
        matrix = np.column_stack([linear, shift])
        size = (CROP_SIZE, CROP_SIZE)
        warped[index] = cv2.warpAffine(frame, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return warped


def relight(pixels: Pixels, settings: VideoAugmentation, rng: np.random.Generator) -> Pixels:
    """Another exposure, a light from one side, sensor noise, a soft lens."""
    table = 255 * (np.arange(256) / 255) ** np.exp(rng.normal() * settings.gamma)
    ramp = np.linspace(-1, 1, CROP_SIZE)
    across, down = rng.normal(size=2) * settings.gradient * (rng.random() < 0.5)
    light = (across * ramp[None, :] + down * ramp[:, None]).astype(np.float32)
    lit = table.astype(np.float32)[pixels] + light
    if rng.random() < 0.4:
        grain = rng.standard_normal((8, CROP_SIZE, CROP_SIZE)).astype(np.float32)
        lit += grain[np.arange(len(lit)) % 8] * np.float32(rng.uniform(0, settings.noise))
    if rng.random() < settings.blur:
        width = float(rng.uniform(0.6, 2.0))
        lit = np.stack([cv2.GaussianBlur(frame, (0, 0), width) for frame in lit])
    return np.clip(lit, 0, 255).astype(np.uint8)


def drop_frames(
    present: NDArray[np.bool_], settings: VideoAugmentation, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Lose the face for a moment now and then."""
    present = present.copy()
    for _ in range(rng.poisson(settings.frame_drops)):
        start, length = rng.integers(len(present)), rng.integers(1, 11)
        present[start : start + length] = False
    return present


def augment_video(
    pixels: Pixels, present: NDArray[np.bool_], settings: VideoAugmentation, rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Crops ``(frames, 96, 96)`` and presence ``(frames,)``, changed."""
    return relight(warp(pixels, settings, rng), settings, rng), drop_frames(present, settings, rng)
