"""Doing again what needs a device, until it is back."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hearsight.capture.clock import Clock
from hearsight.errors import MediaError

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 0.5


class Retry:
    """Runs a job again whenever it ends or fails, after a pause that doubles until the job succeeds.

    Args:
        clock: tells the time.
        bell: rings when anything changes.
        again: whether the job is to be run again; if not, it runs once.
    """

    def __init__(self, clock: Clock, bell: threading.Condition, *, again: bool = True) -> None:
        self._clock, self._bell, self._again = clock, bell, again
        self._pause_s = _FIRST_PAUSE_S
        self._ever_succeeded = False
        self.stopped = False
        self.failure: MediaError | None = None
        """Why it failed, if it never succeeded; then it is not tried again."""

    def succeeded(self) -> None:
        """The device delivers."""
        self._ever_succeeded = True
        self._pause_s = _FIRST_PAUSE_S

    def run(self, job: Callable[[], None]) -> None:
        """Run the job until stopped; if it fails without ever having succeeded, it has failed for good."""
        while not self.stopped:
            try:
                job()
            except MediaError as error:
                if not self._ever_succeeded:
                    self._fail(error)
                    return
            if not self._again:
                return
            self._pause()

    def stop(self) -> None:
        """Do not run it again."""
        with self._bell:
            self.stopped = True
            self._bell.notify_all()

    def _fail(self, error: MediaError) -> None:
        with self._bell:
            self.failure = error
            self._bell.notify_all()

    def _pause(self) -> None:
        until = self._clock.now() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        with self._bell:
            while not self.stopped and self._clock.now() < until:
                self._clock.wait(self._bell, until)
