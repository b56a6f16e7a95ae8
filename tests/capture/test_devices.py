"""Devices are found, or it is said what to do; they are lost and come back."""

from __future__ import annotations

import builtins
import json
import re
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from hearsight.capture import devices, microphone, queues, retry
from hearsight.capture.clock import MonotonicClock
from hearsight.capture.devices import Device, describe_devices, list_devices, video4linux_cameras
from hearsight.capture.live import LiveCapture, open_live
from hearsight.capture.microphone import Block
from hearsight.capture.rig import Rig
from hearsight.cli import app
from hearsight.errors import MediaError

CLOCK = MonotonicClock()


# Finding them


@pytest.fixture
def linux(tmp_path):
    """A computer with two cameras, the first of which has a further node."""
    sysfs, dev = tmp_path / "sys", tmp_path / "dev"
    dev.mkdir()
    for node, name, index in (("video0", "Face cam", 0), ("video1", "Face cam", 1), ("video10", "Other", 0)):
        (sysfs / node).mkdir(parents=True)
        (sysfs / node / "name").write_text(f"{name}\n")
        (sysfs / node / "index").write_text(f"{index}\n")
        (dev / node).touch()
    (dev / "video").mkdir()
    return sysfs, dev


def test_cameras_are_listed_by_node_and_name(linux):
    sysfs, dev = linux
    assert video4linux_cameras(sysfs, dev) == [
        Device(str(dev / "video0"), "Face cam", "camera", default=True),
        Device(str(dev / "video10"), "Other", "camera", default=False),
    ]


def test_a_camera_without_a_name_is_listed(linux, tmp_path):
    _, dev = linux
    found = video4linux_cameras(tmp_path / "nowhere", dev)
    assert [device.name for device in found] == ["video0", "video1", "video10"]


class FakeSoundDevice(types.ModuleType):
    """As much of sounddevice as is used to list."""

    def __init__(self, names, default=-1):
        super().__init__("sounddevice")
        self.names = names
        self.default = types.SimpleNamespace(device=[default, -1])

    def query_devices(self):
        return [{"name": name, "max_input_channels": channels} for name, channels in self.names]


def test_microphones_are_listed_by_name_and_numbered_where_they_share_it(monkeypatch):
    names = [("Loudspeaker", 0), ("USB", 1), ("Headset", 1), ("USB", 2)]
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSoundDevice(names, default=2))
    assert [(each.id, each.name, each.default) for each in devices.list_microphones()] == [
        ("Headset", "Headset", True),
        ("1", "USB", False),
        ("3", "USB", False),
    ]


@pytest.mark.parametrize(
    ("error", "remedy"), [(ModuleNotFoundError, r"hearsight\[live\]"), (OSError, "apt install libportaudio2")]
)
def test_what_microphones_need_is_said(error, remedy, monkeypatch):
    original = builtins.__import__

    def without_sounddevice(name, *arguments, **more):
        if name == "sounddevice":
            raise error("no")
        return original(name, *arguments, **more)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_sounddevice)
    monkeypatch.setattr(devices, "list_cameras", list)
    assert list_devices() == []
    text = describe_devices([])
    assert re.search(remedy, text)
    with pytest.raises(MediaError, match=remedy), open_live(camera=None):
        pass


def test_no_devices_is_an_ordinary_state(monkeypatch):
    monkeypatch.setattr(devices, "microphone_problem", lambda: None)
    assert describe_devices([]).splitlines() == [
        "cameras, for --camera:",
        "  none: connect one, or go on by ear with --camera none.",
        "microphones, for --microphone:",
        "  none: connect one, or go on by eye with --microphone none.",
    ]


def test_devices_are_described(monkeypatch):
    monkeypatch.setattr(devices, "microphone_problem", lambda: None)
    found = [
        Device("/dev/video0", "Face cam", "camera", default=True),
        Device("Headset", "Headset", "microphone", default=False),
    ]
    lines = describe_devices(found).splitlines()
    assert lines[1] == "  /dev/video0  Face cam  (default)"
    assert lines[3] == "  Headset"


def test_no_camera_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setattr("hearsight.capture.camera.list_cameras", list)
    with pytest.raises(MediaError, match="--camera none"), open_live(microphone=None):
        pass


# Losing them


class FakeCamera:
    """Delivers pictures until it is unplugged, and again after it was plugged in."""

    def __init__(self):
        self.plugged = threading.Event()
        self.plugged.set()
        self.opened = 0

    @contextmanager
    def open(self) -> Iterator[Iterator[av.VideoFrame]]:
        if not self.plugged.is_set():
            raise MediaError("there is no camera")
        self.opened += 1
        yield self.frames()

    def frames(self):
        number = 0
        while self.plugged.is_set():
            threading.Event().wait(0.02)
            number += 1
            picture = np.full((24, 32, 3), 60 + number % 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            # Not all cameras stamp by the computer's clock.
            frame.time_base, frame.pts = Fraction(1, 1000), 20 * number
            yield frame


class FakeMicrophone:
    """Sends blocks of 10 ms at 48 kHz until it is unplugged."""

    rate, latency, dropped, channels = 48_000, 0.01, 0, 2

    def __init__(self):
        self.plugged = threading.Event()
        self.plugged.set()
        self.opened = 0
        self.gone = False

    @contextmanager
    def open(self):
        if not self.plugged.is_set():
            raise MediaError("there is no microphone")
        self.opened += 1
        self.next_at = CLOCK.now() + 0.01
        yield self

    def next_block(self, timeout):
        if not self.plugged.is_set():
            threading.Event().wait(0.01)
            return None
        threading.Event().wait(max(0.0, self.next_at - CLOCK.now()))
        self.next_at += 0.01
        return Block(np.full((480, self.channels), 0.25, np.float32), CLOCK.now())


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.setattr(retry, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(microphone, "_SILENT_S", 0.1)
    # The computer that runs the tests may be slow.
    monkeypatch.setattr(queues, "_PATIENCE_S", 1.0)
    camera, mic = FakeCamera(), FakeMicrophone()
    bell = threading.Condition()
    return camera, mic, LiveCapture(Rig(camera.open, mic.open, CLOCK, bell), CLOCK, bell, ticks=1)


def take(ticks, count):
    """The next ticks: whether each has a picture and sound."""
    chunks = [next(ticks) for _ in range(count)]
    return [(chunk.frames[0] is not None, bool(chunk.audio_present[0])) for chunk in chunks]


@pytest.mark.parametrize("lost", ["camera", "microphone"])
def test_a_device_may_be_unplugged_and_plugged_in_again(lost, rig):
    camera, mic, capture = rig
    device = camera if lost == "camera" else mic
    which = 0 if lost == "camera" else 1
    with capture:
        ticks = iter(capture)
        assert take(ticks, 20)[15:] == [(True, True)] * 5
        device.plugged.clear()
        without = take(ticks, 50)
        assert not without[-1][which] and without[-1][1 - which]
        assert getattr(capture.status, "video" if which == 0 else "audio") == "lost"
        device.plugged.set()
        after = take(ticks, 30)
        assert after[-5:] == [(True, True)] * 5
        assert (capture.status.audio, capture.status.video) == ("ok", "ok")
    assert device.opened == 2


def test_sound_is_brought_to_16_khz_at_its_level(rig):
    _, _, capture = rig
    with capture:
        ticks = iter(capture)
        heard = np.concatenate([next(ticks).samples for _ in range(20)])
    assert heard[5_000:] == pytest.approx(0.25, abs=0.01)


def test_what_is_missing_from_the_beginning_is_refused(rig):
    camera, mic, capture = rig
    mic.plugged.clear()
    with pytest.raises(MediaError, match="no microphone"), capture:
        pass
    opened = camera.opened
    threading.Event().wait(0.2)
    assert camera.opened == opened


def test_stop_ends_it_soon(rig):
    _, _, capture = rig
    with capture:
        ticks = iter(capture)
        take(ticks, 5)
        capture.stop()
        rest = list(ticks)
    assert len(rest) < 15


# Typing it


def test_devices_are_listed_for_people_and_for_programs(monkeypatch):
    found = [Device("/dev/video0", "Face cam", "camera", default=True)]
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    listed = CliRunner().invoke(app, ["devices", "--json"])
    assert json.loads(listed.stdout) == [
        {"id": "/dev/video0", "name": "Face cam", "kind": "camera", "default": True}
    ]
    assert "  /dev/video0  Face cam  (default)\n" in CliRunner().invoke(app, ["devices"]).stdout
