"""The measure of what fake devices have lost, on recordings that have lost it."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from tests.serve.fake_devices import HEIGHT, RATE, SAMPLE_RATE, WIDTH, write_devices
from tests.serve.sent import Played, Sent
from tests.serve.serving import EXAMPLE

LEAD_S, PAUSE_S = 0.8, 1.0


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("devices")
    return write_devices(EXAMPLE, folder, lead=LEAD_S, pause=PAUSE_S, repeats=1)


def recorded(
    devices: tuple[Path, Path], *, dropped: range, late_s: float = 0.0, cut: slice | None = None
) -> bytes:
    """What a MediaRecorder would have made of the devices: without some pictures, or late, or with a gap."""
    camera, microphone = devices
    with wave.open(str(microphone)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    if cut is not None:
        sound = np.delete(sound, cut)
    made = io.BytesIO()
    with av.open(str(camera)) as given, av.open(made, "w", format="webm") as out:
        picture = out.add_stream("libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "8"})
        picture.width, picture.height, picture.pix_fmt, picture.bit_rate = WIDTH, HEIGHT, "yuv420p", 800_000
        voice = out.add_stream("libopus", rate=48_000)
        for index, frame in enumerate(given.decode(video=0)):
            if index not in dropped:
                frame.pts = index + round(late_s * RATE)
                out.mux(picture.encode(frame))
        frame = av.AudioFrame.from_ndarray(sound[None], "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        for resampled in av.AudioResampler("flt", "mono", 48_000).resample(frame):
            out.mux(voice.encode(resampled))
        for stream in (picture, voice):
            out.mux(stream.encode())
    return made.getvalue()


def compared(devices: tuple[Path, Path], webm: bytes) -> Played:
    sent = Sent.of(1, [webm[:1000], webm[1000:]])
    return sent.compared(*devices, LEAD_S, PAUSE_S)


def test_a_clip_that_was_played_whole_is_found_whole(devices) -> None:
    played = compared(devices, recorded(devices, dropped=range(0)))
    assert played.faithful, played
    assert played.missing <= 1 and played.likeness > 0.95


@pytest.mark.parametrize(
    ("mishap", "told"),
    [
        ({"dropped": range(40, 50)}, lambda played: played.missing == 10),
        ({"dropped": range(0), "late_s": 0.2}, lambda played: played.skew_s == pytest.approx(0.2, abs=0.03)),
        ({"dropped": range(0), "cut": slice(30_000, 33_000)}, lambda played: played.likeness < 0.8),
    ],
    ids=["pictures_dropped", "pictures_late", "sound_cut"],
)
def test_what_was_lost_is_told(devices, mishap, told) -> None:
    played = compared(devices, recorded(devices, **mishap))
    assert not played.faithful
    assert told(played), played
