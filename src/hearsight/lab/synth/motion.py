"""How a head moves while it talks, and the pose of its points before a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hearsight.lab.synth.arrays import Floats, blurred


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera in front of the head.

    Attributes:
        distance: from the head's centre, in decimetres.
        scale: pixels per decimetre at that distance.
        centre: picture position of the head's centre, in pixels.
    """

    distance: float
    scale: float
    centre: tuple[float, float]

    def project(self, points: Floats) -> Floats:
        """Points ``(…, 3)`` relative to the head's centre -> ``(…, 3)``: x, y in pixels (y down) and z."""
        scale = self.scale * self.distance / (self.distance - points[..., 2])
        projected = np.empty_like(points)
        projected[..., 0] = points[..., 0] * scale + self.centre[0]
        projected[..., 1] = self.centre[1] - points[..., 1] * scale
        projected[..., 2] = points[..., 2]
        return projected


def rotations(angles: Floats) -> Floats:
    """Yaw, pitch, roll ``(T, 3)`` in radians -> matrices ``(T, 3, 3)``, applied in this order."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles).T, np.sin(angles).T
    zero, one = np.zeros_like(cy), np.ones_like(cy)
    yaw = np.array([[cy, zero, sy], [zero, one, zero], [-sy, zero, cy]])
    pitch = np.array([[one, zero, zero], [zero, cp, -sp], [zero, sp, cp]])
    roll = np.array([[cr, -sr, zero], [sr, cr, zero], [zero, zero, one]])
    return np.einsum("ijt,jkt,klt->til", roll, pitch, yaw).astype(np.float32)


def wander(
    rng: np.random.Generator, ticks: int, size: tuple[float, ...], smooth_ticks: float = 8.0
) -> Floats:
    """Smooth random movement ``(ticks, len(size))`` of mean zero and about the deviations in ``size``."""
    noise = rng.standard_normal((ticks + 64, len(size))).astype(np.float32)
    smooth = blurred(noise, 0.01, smooth_ticks)[32 : 32 + ticks]
    path = smooth * np.sqrt(2 * np.sqrt(np.pi) * smooth_ticks)
    return ((path - path.mean(0)) * np.array(size, np.float32)).astype(np.float32)
