"""A camera and a microphone as one source of live capture, on the computer's own clock."""

from __future__ import annotations

import threading
from typing import Any

from hearsight.capture.camera import Camera, OpenCamera
from hearsight.capture.clock import Clock, Pace
from hearsight.capture.feed import Feed, PictureQueue, SoundQueue
from hearsight.capture.microphone import Microphone, MicrophoneOpener
from hearsight.capture.queues import FrameQueue
from hearsight.capture.timeline import ClockTimeline, Timeline
from hearsight.errors import MediaError

_START_S = 10.0
"""A device that has delivered nothing by then is not going to."""


class Rig(Feed):
    """What a speaker has before them: a camera, a microphone, or both.

    Pictures are placed by the stamps of the camera, sound by the corrected clock of its card, both on the
    computer's clock. Tick 0 begins with the first of either, after both have been opened.

    Args:
        camera: opens the camera, None to go without.
        microphone: opens the microphone, None to go without.
        clock: tells the time.
        bell: rings when anything changes.
    """

    def __init__(
        self,
        camera: OpenCamera | None,
        microphone: MicrophoneOpener | None,
        clock: Clock,
        bell: threading.Condition,
    ) -> None:
        super().__init__(clock, bell, Pace())
        self._camera: Camera | None = None
        self._microphone: Microphone | None = None
        if camera is not None:
            self.pictures = PictureQueue(clock, bell, self.pace, sparse=True)
            self._camera = Camera(camera, self.pictures, clock, bell)
        if microphone is not None:
            self.sounds = SoundQueue(clock, bell, self.pace)
            self._microphone = Microphone(microphone, self.sounds, clock, bell)

    def start(self) -> None:
        """Open both, the camera first since it takes longer, and wait until both deliver."""
        begins = []
        try:
            if self._camera is not None and self.pictures is not None:
                self._run(self._camera.run, "camera")
                begins.append(self._first(self._camera, self.pictures, "camera"))
            if self._microphone is not None and self.sounds is not None:
                self._run(self._microphone.run, "microphone")
                begins.append(self._first(self._microphone, self.sounds, "microphone"))
        except BaseException:
            self.close()
            raise
        self.zero = self.pace.began = min(begins)

    def stop(self) -> None:
        """Capture nothing more."""
        for device in (self._camera, self._microphone):
            if device is not None:
                device.stop()
        super().stop()

    def timeline(self) -> Timeline:
        """Both are stamped by our clock already, whatever happens to the devices."""
        return ClockTimeline(self.zero, None)

    @property
    def drift_ms(self) -> float:
        """By how much the sound would have drifted from the pictures without correction."""
        return 0.0 if self._microphone is None else self._microphone.drift_ms

    def _first(self, device: Camera | Microphone, queue: FrameQueue[Any], kind: str) -> float:
        """Wait for the first frame; returns when it begins."""
        until = self._clock.now() + _START_S
        with self._bell:
            while queue.first is None and device.failure is None and self._clock.now() < until:
                self._clock.wait(self._bell, until)
        if device.failure is not None:
            raise device.failure
        if queue.first is None:
            raise MediaError(f"the {kind} delivers nothing: see whether another program uses it.")
        return queue.first
