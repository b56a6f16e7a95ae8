"""A whole clip: a drawn person before a soft background who says a sentence, as a video file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hearsight.lab.synth.arrays import Floats, Pixels, blurred, enlarged, shrunk
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.figure import Figure
from hearsight.lab.synth.head import HeadMesh, load_head
from hearsight.lab.synth.identity import sample_identity
from hearsight.lab.synth.motion import Camera, wander
from hearsight.lab.synth.render import Canvas, Light
from hearsight.lab.synth.speech import SPEECH_RATE, Speaker, Utterance
from hearsight.lab.synth.visemes import STEP_S, curves
from hearsight.types import FRAME_RATE

SUPERSAMPLE = 2
"""The drawing is this many times larger than the picture, to smooth its edges."""
SILENCE_S = (0.1, 0.2)
"""Seconds added before and after what Kokoro makes, which has some silence of its own."""
AAC_BLOCK = 1024
"""Samples in a block of AAC."""
BRIGHTNESS = 0.5
"""Mean of the face that the exposure aims at, 1 is white."""


@dataclass(frozen=True, slots=True)
class Shot:
    """How a clip is filmed.

    Attributes:
        width, height: of the picture in pixels.
        person: seed of the identity.
        take: seed of everything else: movement, light, background.
        male: whether the person is a man, None for either.
        articulation: factor on the movement of the mouth.
    """

    width: int = 480
    height: int = 360
    person: int = 0
    take: int = 0
    male: bool | None = None
    articulation: float = 1.4


def film(assets: Assets, text: str, voice: str, path: Path, *, speed: float, shot: Shot) -> None:
    """Speak the text, draw the person of the shot saying it, and write the video.

    Raises:
        HearsightError: a word or the voice is unknown, or an asset is damaged.
    """
    speaker = Speaker(assets, "gb" if voice.startswith("b") else "us")
    utterance = speaker.speak(text, voice, speed=speed).with_silence(*SILENCE_S)
    mesh = load_head(assets.head_wheel, assets.head_cache)
    write_clip(path, draw_clip(mesh, utterance, shot), utterance.samples)


def draw_clip(mesh: HeadMesh, utterance: Utterance, shot: Shot) -> Pixels:
    """RGB frames ``(T, height, width, 3)`` at 25 per second of a person saying the utterance."""
    ticks = round(sum(utterance.durations) * STEP_S * FRAME_RATE)
    rng = np.random.default_rng(shot.take)
    person = sample_identity(mesh, np.random.default_rng(shot.person), male=shot.male)
    figure = Figure(mesh, person, np.ones(len(mesh.triangles), bool), grey=False)
    weights = shot.articulation * curves(utterance.phones, utterance.durations, ticks, mesh.unit_names)
    weights += _liveliness(mesh, rng, ticks)
    stance = np.tile(rng.normal(0, [0.1, 0.03, 0.02]), (ticks, 1)).astype(np.float32)
    shapes, _ = figure.pose(weights, stance + wander(rng, ticks, (0.025, 0.02, 0.01), 10.0))
    bodies, _ = figure.pose(np.zeros_like(weights), stance)
    shapes = bodies + (shapes - bodies) * figure.follows
    width, height = shot.width * SUPERSAMPLE, shot.height * SUPERSAMPLE
    camera = Camera(11.0, height * 0.285, (width * 0.5, height * 0.47))
    light = Light((rng.uniform(0.3, 0.6) * rng.choice([-1, 1]), 0.45, 0.85), lamp=0.8, sky=0.55, wrap=0.45)
    gain = 255.0
    backdrop, canvas = _backdrop(rng, height, width), Canvas(height, width, 3)
    frames = np.empty((ticks, shot.height, shot.width, 3), np.uint8)
    for tick, (shape, pixels) in enumerate(zip(shapes, camera.project(shapes), strict=True)):
        canvas.picture[:] = backdrop
        picture = figure.draw(canvas, shape, pixels, light)
        small = shrunk(picture, shot.width, shot.height)
        if tick == 0:  # the camera sets its exposure once
            gain = 255 * _exposure(small, pixels[figure.nose_tip] / SUPERSAMPLE, camera.scale / SUPERSAMPLE)
        frames[tick] = np.clip(small * gain + rng.normal(0, 1.2, small.shape), 0, 255)
    return frames


def _exposure(picture: Floats, nose: Floats, scale: float) -> float:
    """Factor that brings the middle of the face, 7 cm wide and high, towards a middling brightness."""
    reach = round(0.35 * scale)
    column, row = int(nose[0]), int(nose[1])
    face = picture[row - reach : row + reach, column - reach : column + reach]
    return float(np.clip(BRIGHTNESS / face.mean(), 0.9, 1.6))


def _liveliness(mesh: HeadMesh, rng: np.random.Generator, ticks: int) -> Floats:
    """Blinks, gaze and brows ``(ticks, U)``."""
    weights = np.zeros((ticks, len(mesh.unit_names)), np.float32)
    time = np.arange(ticks) / FRAME_RATE
    lids = np.zeros(ticks)
    blink = rng.uniform(0.3, 1.2)
    while blink < ticks / FRAME_RATE:
        lids = np.maximum(lids, np.clip(1.6 - np.abs(time - blink) / 0.06, 0, 1))
        blink += rng.uniform(1.5, 4.0)
    gaze, brows = wander(rng, ticks, (0.05,), 15.0), wander(rng, ticks, (0.08,), 6.0)
    weights += lids[:, None] * mesh.weights(eyeBlink=0.95)
    weights += gaze * mesh.weights(eyeLookOutLeft=1.0, eyeLookInRight=1.0)
    weights += brows * mesh.weights(browInnerUp=0.6, browOuterUp=0.5)
    return weights


def _backdrop(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall out of focus ``(height, width, 3)``, lit from one side, with a few shapes."""
    base = rng.uniform(0.3, 0.5) + rng.uniform(-0.06, 0.06, 3)
    wall = np.tile(base.astype(np.float32), (height // 8, width // 8, 1))
    for _ in range(7):
        left, top = rng.integers(width // 8), rng.integers(height // 8)
        size = rng.integers(5, 26, 2)
        tone = base * rng.uniform(0.45, 1.5) + rng.uniform(-0.05, 0.05, 3)
        wall[top : top + size[0], left : left + size[1]] = tone
    wall = blurred(wall, 3.5)
    across, down = np.meshgrid(np.linspace(-1, 1, width // 8), np.linspace(-1, 1, height // 8))
    light = 1.05 + 0.2 * rng.choice([-1, 1]) * across - 0.12 * (across**2 + down**2)
    wall *= light[..., None].astype(np.float32)
    return enlarged(wall, width, height)


def write_clip(path: Path, frames: Pixels, samples: Floats, *, quality: int = 20) -> None:
    """Write H.264 and AAC into the container that the path's ending names.

    Args:
        path: of the file, ``.mp4`` or ``.mkv``.
        frames: ``(T, height, width, 3)`` RGB at 25 per second.
        samples: at 24 kHz.
        quality: x264's constant rate factor; less is better and larger.
    """
    with av.open(str(path), "w") as container:
        options = {"crf": str(quality), "preset": "veryslow"}
        video = container.add_stream("libx264", rate=FRAME_RATE, options=options)
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        video.codec_context.thread_count = 1
        audio = container.add_stream("aac", rate=SPEECH_RATE, layout="mono")
        audio.bit_rate = 64_000
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, FRAME_RATE)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        # AAC comes in blocks; one that outlasts the pictures would make a tick without a picture.
        blocks = len(frames) * SPEECH_RATE // FRAME_RATE // AAC_BLOCK
        whole = np.zeros((1, blocks * AAC_BLOCK), np.float32)
        whole[0, : len(samples)] = samples[: whole.shape[1]]
        sound = av.AudioFrame.from_ndarray(whole, format="fltp", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = SPEECH_RATE, 0, Fraction(1, SPEECH_RATE)
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
