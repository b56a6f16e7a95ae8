"""One stream's way through the engine: its queue, its turns with the networks, its events."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial

from hearsight.recognizer import Stream
from hearsight.recognizer.session import Ticks
from hearsight.serve.outbox import Outbox
from hearsight.serve.sight import Mouths, Sight
from hearsight.types import FRAME_RATE, Crops, Event

QUEUE_TICKS = 50
"""Input of one stream that may wait, in ticks; whoever pushes more has to wait."""
_HASTE_S = 0.5
"""Input that comes sooner than this before its time does not come from a microphone."""
_REMEMBERED_PIECES = 100
"""Arrival times that are kept: more than the encoder looks back."""


class StreamEnded(ValueError):
    """The stream takes no more input: it was ended or closed, or has failed."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one turn with the networks has brought.

    Attributes:
        events: each with its lag in seconds.
        ticks: input recognised.
        lag_s: since that input had arrived; None if there was none, or if it came faster than it can be
            spoken, so that it had to wait for its own kind.
        over: whether that was the last turn.
    """

    events: list[tuple[Event, float]]
    ticks: int
    lag_s: float | None
    over: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """At most one block of input, ready for the networks."""

    ticks: Ticks
    arrived: float


class Lane:
    """A stream among others; made by :meth:`hearsight.serve.engine.Engine.open`.

    One thread or coroutine may push and another may read. Use it as a context manager, so that its place is
    free again afterwards.

    Args:
        stream: the recogniser's stream, which uses both senses: which it is given is decided by ``sight``.
        sight: decides what the networks are given of what comes in.
        block: ticks of one turn with the networks.
        patient: for recordings, which wait for free time.
        wake: tells the engine that there is something to do.
        leave: gives the place in the engine back.
        clock: seconds, monotonic.

    Attributes:
        outbox: the events, with utterance and lag.
    """

    def __init__(
        self,
        stream: Stream,
        sight: Sight,
        *,
        block: int,
        patient: bool,
        wake: Callable[[], None],
        leave: Callable[[Lane], None],
        clock: Callable[[], float],
    ) -> None:
        self.sight, self.patient, self.outbox = sight, patient, Outbox()
        self._stream, self._block = stream, block
        self._wake, self._leave, self._clock = wake, leave, clock
        self._began = clock()
        self._lock = threading.Lock()
        self._ready: deque[_Piece] = deque()
        self._arrivals: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED_PIECES)
        self._queued_ticks = self._received = self._heard = 0
        self._ending = self._finished = self._closed = False
        self._waiting_for_room: list[Callable[[], None]] = []
        self.lag_s = 0.0
        """From the arrival of the newest input that has been recognised, until that was done."""

    def read_along(self, along: bool) -> None:
        """Whether partials have words of a second pass from now on."""
        self._stream.reads_along = along

    async def push(self, mouths: Mouths, arrived: float | None = None) -> None:
        """Hand in the next input, waiting for room in the queue.

        Args:
            mouths: what comes next.
            arrived: when the last of it had come in, by the engine's clock; now if None.

        Raises:
            StreamEnded: the stream takes no more.
            ValueError: sound and pictures are not in step.
        """
        loop = asyncio.get_running_loop()
        while not self._offer(mouths, self._clock() if arrived is None else arrived):
            room: asyncio.Future[None] = loop.create_future()
            self._call_when_room(partial(_call_soon, loop, room))
            await room

    def end(self) -> None:
        """There is no more input: the last events follow, and then no more."""
        with self._lock:
            self._ending = True
        self._wake()

    def close(self) -> None:
        """Leave at once; what has not been recognised yet is dropped."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._ready.clear()
        self._tell_room()
        self.outbox.close()
        self._leave(self)

    def fail(self, error: BaseException) -> None:
        """End the stream; its reader gets this error."""
        self.outbox.fail(error)
        self.close()

    async def events(self) -> AsyncIterator[Event]:
        """The events, with ``emitted`` in seconds since the stream was opened, to the end of the input."""
        async for heard in self.outbox:
            yield heard.event

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Lane:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    @property
    def age_s(self) -> float:
        """Seconds since the stream was opened."""
        return self._clock() - self._began

    @property
    def is_hasty(self) -> bool:
        """Whether its input comes faster than it can be spoken."""
        return self.received_s > self.age_s + _HASTE_S

    @property
    def received_s(self) -> float:
        """Seconds of input taken."""
        return self._received / FRAME_RATE

    @property
    def heard_s(self) -> float:
        """Seconds of input recognised."""
        return self._heard / FRAME_RATE

    @property
    def queued_s(self) -> float:
        """Seconds of input that wait."""
        return self._queued_ticks / FRAME_RATE

    def _offer(self, mouths: Mouths, arrived: float) -> bool:
        """Queue it, if there is room: a single one may be larger than the queue."""
        with self._lock:
            if self._closed or self._ending:
                raise StreamEnded("the stream has ended: open another")
            if self._queued_ticks and self._queued_ticks + len(mouths) > QUEUE_TICKS:
                return False
            blocks = list(self.sight.blocks(mouths, self._block))
            self._ready.extend(_Piece(ticks, arrived) for ticks in blocks)
            self._queued_ticks += len(mouths)
            self._received += len(mouths)
        self._wake()
        return True

    def _call_when_room(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._waiting_for_room.append(callback)
            empty = not self._queued_ticks or self._closed
        # It may have become empty since the push was refused.
        if empty:
            self._tell_room()

    def _tell_room(self) -> None:
        """Let those who wait for room try again."""
        with self._lock:
            callbacks, self._waiting_for_room = self._waiting_for_room, []
        for callback in callbacks:
            callback()

    # Recognition, by the engine's thread.

    @property
    def has_work(self) -> bool:
        """Whether there is something to do with the networks."""
        with self._lock:
            return not self._closed and (bool(self._ready) or self._is_over())

    @property
    def is_behind(self) -> bool:
        """Whether more than one block waits, or the end."""
        return len(self._ready) > 1 or self._ending

    def release(self) -> None:
        """Forget the stream of a lane that is closed, however long somebody holds the lane."""
        del self._stream

    def work(self) -> Outgoing:
        """Do it: at most one block, or the end of the stream."""
        with self._lock:
            piece = self._ready.popleft() if self._ready else None
        return self._finish() if piece is None else self._recognise(piece)

    def _is_over(self) -> bool:
        return self._ending and not self._finished

    def _recognise(self, piece: _Piece) -> Outgoing:
        ticks = piece.ticks
        self._arrivals.append((self._heard + len(ticks), piece.arrived))
        crops = Crops(self._heard, ticks.crops, ticks.video_present)
        events = self._stream.push_crops(crops, ticks.samples, ticks.audio_present)
        self._heard += len(ticks)
        with self._lock:
            self._queued_ticks -= len(ticks)
        self._tell_room()
        self.lag_s = self._clock() - piece.arrived
        return Outgoing(self._stamped(events), len(ticks), None if self.is_hasty else self.lag_s, over=False)

    def _finish(self) -> Outgoing:
        self._finished = True
        return Outgoing(self._stamped(self._stream.finish()), 0, None, over=True)

    def _stamped(self, events: list[Event]) -> list[tuple[Event, float]]:
        """Each event with its lag: since the input arrived that it has heard last."""
        now, stamped = self._clock(), []
        for event in events:
            end = round(event.end * FRAME_RATE)
            arrived = next((at for tick, at in self._arrivals if tick >= end), now)
            stamped.append((replace(event, emitted=now - self._began), now - arrived))
        return stamped


def _call_soon(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    """Settle a future from any thread; where the loop has been closed, nobody waits any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: None if future.done() else future.set_result(None))
