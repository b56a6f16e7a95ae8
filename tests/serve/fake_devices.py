"""A clip as the camera and the microphone of a headless Chromium: the files its fake devices play."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, RATE, SAMPLE_RATE = 320, 240, 25, 16_000


def write_devices(clip: Path, folder: Path, *, lead: float, pause: float, repeats: int) -> tuple[Path, Path]:
    """The clip played several times, as raw pictures and as sound.

    Args:
        clip: a recording of one person.
        folder: where the two files are written.
        lead: seconds of the first picture, silent, before the first playing.
        pause: seconds of the last picture, silent, after each playing.
        repeats: how often it is played.

    Returns:
        ``camera.y4m`` and ``microphone.wav``.
    """
    pictures, samples = _decode(clip)
    seconds = len(pictures) / RATE
    samples = np.pad(samples, (0, SAMPLE_RATE))[: round(seconds * SAMPLE_RATE)]
    shown = [pictures[0]] * round(lead * RATE) + (pictures + [pictures[-1]] * round(pause * RATE)) * repeats
    camera, microphone = folder / "camera.y4m", folder / "microphone.wav"
    with camera.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for picture in shown:
            file.write(b"FRAME\n" + picture)
    turn = np.concatenate([samples, np.zeros(round(pause * SAMPLE_RATE), np.int16)])
    heard = np.concatenate([np.zeros(round(lead * SAMPLE_RATE), np.int16), np.tile(turn, repeats)])
    with wave.open(str(microphone), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(heard.astype("<i2").tobytes())
    return camera, microphone


def _decode(clip: Path) -> tuple[list[bytes], np.ndarray]:
    """The clip's pictures as planar 4:2:0 and its sound as 16-bit samples."""
    with av.open(str(clip)) as container:
        pictures = [
            frame.reformat(WIDTH, HEIGHT, format="yuv420p").to_ndarray().tobytes()
            for frame in container.decode(video=0)
        ]
    with av.open(str(clip)) as container:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        parts += resampler.resample(None)
        return pictures, np.concatenate([part.to_ndarray()[0] for part in parts])
