"""Which cameras and microphones there are, and how each is opened."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
from av.error import FFmpegError

from hearsight.errors import MediaError

CAMERA_FORMATS = {"darwin": "avfoundation", "win32": "dshow"}
"""FFmpeg's name of each system's cameras; elsewhere it is Video4Linux."""
VIDEO4LINUX = "v4l2"

_SYSFS = Path("/sys/class/video4linux")
_DEV = Path("/dev")


@dataclass(frozen=True, slots=True)
class Device:
    """A camera or a microphone.

    Attributes:
        id: what to pass as ``camera`` or ``microphone``.
        name: what its maker calls it.
        kind: ``camera`` or ``microphone``.
        default: whether it is taken when none is named.
    """

    id: str
    name: str
    kind: Literal["camera", "microphone"]
    default: bool


def list_devices() -> list[Device]:
    """The cameras, then the microphones; those that are taken by default first.

    Microphones are listed only where they can be heard (``microphone_problem`` says why not).
    """
    microphones = [] if microphone_problem() else list_microphones()
    return list_cameras() + microphones


def list_cameras() -> list[Device]:
    """The cameras; the first is the default."""
    if sys.platform in CAMERA_FORMATS:
        return _listed_by_ffmpeg(CAMERA_FORMATS[sys.platform])
    return video4linux_cameras(_SYSFS, _DEV)


def video4linux_cameras(sysfs: Path, dev: Path) -> list[Device]:
    """Cameras of Linux by their nodes ``dev/video*``; the names come from ``sysfs``."""
    nodes = sorted(dev.glob("video[0-9]*"), key=lambda node: int(node.name.removeprefix("video")))
    # A camera has further nodes for what goes with its pictures; those have a higher index.
    cameras = [node for node in nodes if _content(sysfs / node.name / "index", "0") == "0"]
    names = [_content(sysfs / node.name / "name", node.name) for node in cameras]
    return [
        Device(str(node), name, "camera", default=node == cameras[0])
        for node, name in zip(cameras, names, strict=True)
    ]


def _content(path: Path, otherwise: str) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or otherwise
    except OSError:
        return otherwise


def _listed_by_ffmpeg(format: str) -> list[Device]:
    try:
        found = av.enumerate_input_devices(format)
    except (FFmpegError, ValueError):
        return []
    # Systems that know what a device delivers say so; of the others all are offered.
    cameras = [each for each in found if "video" in (getattr(each, "media_types", None) or ["video"])]
    return [
        Device(each.name, each.description or each.name, "camera", default=number == 0)
        for number, each in enumerate(cameras)
    ]


def list_microphones() -> list[Device]:
    """The microphones; the default one first.

    Raises:
        MediaError: sounddevice or PortAudio is not installed.
    """
    return sorted((device for _, device in numbered_microphones()), key=lambda device: not device.default)


def numbered_microphones() -> list[tuple[int, Device]]:
    """The microphones with PortAudio's number of each, which is the id of those that share a name."""
    sounddevice = load_sounddevice()
    default = sounddevice.default.device[0]
    found = [
        (number, str(each["name"]))
        for number, each in enumerate(sounddevice.query_devices())
        if each["max_input_channels"] > 0
    ]
    names = [name for _, name in found]
    return [
        (
            number,
            Device(name if names.count(name) == 1 else str(number), name, "microphone", number == default),
        )
        for number, name in found
    ]


def load_sounddevice() -> Any:
    """The module sounddevice, which few need and which asks the system for its devices when it is imported.

    Raises:
        MediaError: it is not installed, or the library PortAudio is not.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise MediaError(
            "microphones need sounddevice, which is not installed: pip install 'hearsight[live]'"
        ) from error
    except OSError as error:
        raise MediaError(
            "microphones need the library PortAudio, which is not installed: on Debian and Ubuntu, "
            "apt install libportaudio2"
        ) from error
    return sounddevice


def microphone_problem() -> str | None:
    """Why microphones cannot be used here, in one sentence; None if they can."""
    try:
        load_sounddevice()
    except MediaError as error:
        return str(error)
    return None


def describe_devices(devices: list[Device]) -> str:
    """The devices for people to read, and what to do where there are none."""
    lines = []
    for kind, without in (("camera", "go on by ear"), ("microphone", "go on by eye")):
        of_kind = [device for device in devices if device.kind == kind]
        width = max((len(device.id) for device in of_kind), default=0)
        lines.append(f"{kind}s, for --{kind}:")
        for device in of_kind:
            name = "" if device.name == device.id else device.name
            lines.append(f"  {device.id:{width}}  {name}{'  (default)' if device.default else ''}".rstrip())
        problem = microphone_problem() if kind == "microphone" else None
        if problem is not None:
            lines.append(f"  none: {problem}")
        elif not of_kind:
            lines.append(f"  none: connect one, or {without} with --{kind} none.")
    return "\n".join(lines)
