"""Ctrl-C while captions are live."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest

from hearsight.captions.live_session import _Interruption, _Session


class NeverEnding:
    """Captions of a model that does not come to the last word."""

    ended = False
    stopped = 0

    def stop(self) -> None:
        self.stopped += 1


def test_the_loop_breaks_off_the_second_time_and_only_a_third_is_raised_at_once() -> None:
    captions = NeverEnding()
    interruption = _Interruption(captions)  # type: ignore[arg-type]
    interruption(signal.SIGINT, None)
    assert (captions.stopped, interruption.breaks_off) == (1, False)
    interruption(signal.SIGINT, None)
    session = _Session(captions, None, lambda event: event)  # type: ignore[arg-type]
    session.add(SimpleNamespace(period_s=0.1), str)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        session.run(interruption)
    with pytest.raises(KeyboardInterrupt):
        interruption(signal.SIGINT, None)
    assert captions.stopped == 1
