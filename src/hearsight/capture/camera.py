"""A camera as a source of pictures: read by a thread, and opened again when it was unplugged."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame

from hearsight.capture.clock import Clock, DeviceStamps
from hearsight.capture.devices import CAMERA_FORMATS, VIDEO4LINUX, list_cameras
from hearsight.capture.feed import PictureQueue, put_picture, restamp
from hearsight.capture.opening import open_container, set_threads
from hearsight.capture.retry import Retry
from hearsight.capture.timeline import time_stamp
from hearsight.errors import MediaError

log = logging.getLogger(__name__)

_WISHES: tuple[dict[str, str], ...] = ({"video_size": "640x480", "framerate": "30"}, {"framerate": "30"}, {})
"""What a camera is asked for, one after the other: enough for a face, what most can, what it likes."""
_PAUSE_S = 0.005

OpenCamera = Callable[[], AbstractContextManager[Iterator[VideoFrame]]]
"""Opens a camera and gives its frames until it is unplugged; raises MediaError if there is none."""


class Camera:
    """Reads a camera in a thread of its own, which ends with the capture only.

    Args:
        open: opens the camera.
        queue: where the pictures go, stamped by our clock.
        clock: tells the time.
        bell: rings when anything changes.
    """

    def __init__(
        self, open: OpenCamera, queue: PictureQueue, clock: Clock, bell: threading.Condition
    ) -> None:
        self._open, self._queue, self._clock = open, queue, clock
        self._retry = Retry(clock, bell)

    @property
    def failure(self) -> MediaError | None:
        """Why it could not be opened in the first place."""
        return self._retry.failure

    def run(self) -> None:
        """Read until stopped."""
        self._retry.run(self._read_once)

    def stop(self) -> None:
        """Read no more."""
        self._retry.stop()

    def _read_once(self) -> None:
        """Read from opening the camera to where it is lost."""
        stamps = DeviceStamps()
        with self._open() as frames:
            for frame in frames:
                if self._retry.stopped:
                    return
                self._retry.succeeded()
                self._put(frame, stamps.place(time_stamp(frame), self._clock.now()))

    def _put(self, frame: VideoFrame, begin: float) -> None:
        restamp(frame, begin)
        put_picture(self._queue, frame, begin)


def camera_opener(id: str) -> OpenCamera:
    """Opens the camera with this id, or the one that is there if it is ``default``."""

    @contextmanager
    def open() -> Iterator[Iterator[VideoFrame]]:
        with _open_device(_resolve(id)) as container:
            yield _frames(container)

    return open


def _resolve(id: str) -> str:
    if id != "default":
        return id
    cameras = list_cameras()
    if not cameras:
        raise MediaError("no camera was found: connect one, or go on by ear with --camera none.")
    return cameras[0].id


def _open_device(id: str) -> InputContainer:
    format = CAMERA_FORMATS.get(sys.platform, VIDEO4LINUX)
    address = f"video={id}" if format == "dshow" and "=" not in id else id
    for wish in _WISHES:
        try:
            return open_container(address, format, dict(wish))
        except MediaError as error:
            problem = error
            if isinstance(error.__cause__, FileNotFoundError | PermissionError):
                break
    raise MediaError(f"camera {problem}")


def _frames(container: InputContainer) -> Iterator[VideoFrame]:
    """Frames until the camera is lost."""
    stream = container.streams.video[0]
    set_threads(stream)
    pause = threading.Event()
    while True:
        try:
            for packet in container.demux(stream):
                try:
                    yield from packet.decode()
                except FFmpegError:
                    # A frame broken on the cable.
                    continue
            return
        except BlockingIOError:
            # The camera has no picture yet.
            pause.wait(_PAUSE_S)
        except (FFmpegError, OSError) as error:
            log.info("camera %s: %s", container.name, error)
            return
