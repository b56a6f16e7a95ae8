"""A virtual microphone of PulseAudio is heard as any other."""

from __future__ import annotations

import shutil
import subprocess
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from hearsight.capture import open_live, read_chunks
from hearsight.capture.devices import microphone_problem
from tests.capture.test_live import CLIP

SINK = "hearsight_test"


def pactl(*arguments: str) -> str:
    return subprocess.run(["pactl", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def loudspeaker(monkeypatch):
    """A loudspeaker into which one can play, and whose sound is the microphone's."""
    if shutil.which("pactl") is None or shutil.which("paplay") is None:
        pytest.skip("PulseAudio's tools are not installed: apt install pulseaudio-utils")
    if subprocess.run(["pactl", "info"], capture_output=True).returncode != 0:
        pytest.skip("no PulseAudio server runs: pulseaudio --start")
    if problem := microphone_problem():
        pytest.skip(problem)
    module = pactl("load-module", "module-null-sink", f"sink_name={SINK}", "rate=48000")
    monkeypatch.setenv("PULSE_SOURCE", f"{SINK}.monitor")
    yield SINK
    pactl("unload-module", module)


def test_what_is_played_is_heard(loudspeaker: str, tmp_path: Path) -> None:
    speech = np.concatenate([chunk.samples for chunk in read_chunks(CLIP)])
    with wave.open(str(tmp_path / "clip.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((speech * 32767).astype("<i2").tobytes())
    with open_live(camera=None, microphone="pulse") as capture:
        command = ["paplay", f"--device={loudspeaker}", str(tmp_path / "clip.wav")]
        player = threading.Thread(target=subprocess.run, args=(command,))
        player.start()
        chunks = [chunk for chunk, _ in zip(capture, range(32), strict=False)]
        assert capture.status.video == "none"
    player.join()
    assert all(chunk.audio_present.all() for chunk in chunks)
    heard = np.concatenate([chunk.samples for chunk in chunks])
    likeness = np.correlate(heard, speech[8_000:24_000], "valid")
    place = int(likeness.argmax())
    power = np.linalg.norm(heard[place : place + 16_000]) * np.linalg.norm(speech[8_000:24_000])
    assert likeness[place] / power > 0.95
