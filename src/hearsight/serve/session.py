"""A live session: what belongs to one speaker and outlives a lost connection."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hearsight.serve.decoding import Decoders, Decoding
from hearsight.serve.engine import Engine
from hearsight.serve.lane import Lane, StreamEnded
from hearsight.serve.limits import Limits
from hearsight.serve.outbox import Heard
from hearsight.serve.protocol import Format, Hello, Refusal, event_message
from hearsight.types import Modality

log = logging.getLogger(__name__)

_REMEMBERED_FINALS = 500


class History:
    """The numbered events of a session that its client may not have yet: finals, and the newest partial."""

    def __init__(self) -> None:
        self.latest = 0
        """Number of the newest event."""
        self._events: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED_FINALS)

    def add(self, heard: Heard) -> None:
        """Append an event; a partial before it is not needed any more."""
        self.latest += 1
        if self._events and self._events[-1]["kind"] == "partial":
            self._events.pop()
        self._events.append(event_message(heard, self.latest))

    def after(self, number: int) -> list[dict[str, Any]]:
        """Messages of the events with higher numbers."""
        return [event for event in self._events if event["n"] > number]

    def forget(self, number: int) -> None:
        """The client has all events up to this one."""
        while self._events and self._events[0]["n"] <= number:
            self._events.popleft()


class Session:
    """One speaker: input in order, each message once; events with numbers. Belongs to one event loop.

    Args:
        lane: its stream in the engine.
        decoding: makes of its messages what the lane takes.
        format: of its binary messages.
        limits: of its input.

    Attributes:
        name: what the client resumes it by; nobody can guess it.
        next: number of the binary message that comes next.
        history: its events.
        changed: set when there is something new to be sent.
        ended: whether the client has said that there is no more input.
        over: whether all events are there.
        refusal: why it has failed, once it is over.
    """

    def __init__(
        self,
        lane: Lane,
        decoding: Decoding,
        format: Format,
        limits: Limits,
    ) -> None:
        self.name = secrets.token_urlsafe(24)
        self.next = 0
        self.lane, self.format, self.history = lane, format, History()
        self.changed = asyncio.Event()
        self.over = False
        self.refusal: Refusal | None = None
        self._limits, self._decoding = limits, decoding
        self._broken: Refusal | None = None
        self.ended = False
        self._tasks = [asyncio.create_task(self._collect()), asyncio.create_task(self._feed())]

    @property
    def acknowledged(self) -> int:
        """Number of the first message that would be lost if its decoding process were killed."""
        return self._decoding.settled

    async def take(self, number: int, content: memoryview) -> None:
        """Take a binary message, waiting for room; one that was taken before is dropped.

        Raises:
            Refusal: messages are missing before this one.
        """
        if number > self.next:
            raise Refusal("gap", f"message {self.next} is missing before message {number}")
        if number == self.next and not self.ended:
            await self._decoding.put(content)
            self.next += 1

    def end(self, messages: int) -> None:
        """There is no more input; ``messages`` have been sent.

        Raises:
            Refusal: some of them are missing.
        """
        if messages != self.next:
            raise Refusal("gap", f"{messages} messages were sent, and {self.next} have come")
        self.ended = True
        self._decoding.end()

    def use(self, modality: Modality) -> None:
        """Other senses from now on."""
        self.lane.sight.modality = modality
        self._decoding.use(modality)

    def close(self, refusal: Refusal | None = None) -> None:
        """End at once; whoever is connected is told why."""
        self.ended = True
        self._decoding.close()
        self.lane.close()
        for task in self._tasks:
            task.cancel()
        if not self.over:
            self.over, self.refusal = True, refusal
        self.changed.set()

    async def _collect(self) -> None:
        """Number the events as they come."""
        try:
            async for heard in self.lane.outbox:
                self.history.add(heard)
                self.changed.set()
            self.refusal = self._broken
        except Refusal as refusal:
            self.refusal = refusal
        except Exception:
            self.refusal = Refusal("internal", "the server has made a mistake: try again")
        self.over = True
        # Its place is free for others while the client fetches the rest.
        self.lane.close()
        self._decoding.close()
        self.changed.set()

    async def _feed(self) -> None:
        """Hand on to the engine what has been decoded, until there is no more."""
        try:
            async for mouths, arrived in self._decoding:
                await self._keep_pace()
                await self.lane.push(mouths, arrived)
        except StreamEnded:
            pass
        except Refusal as refusal:
            self._broken = refusal
        except Exception:
            log.exception("input of a session cannot be taken")
            self._broken = Refusal("internal", "the server has made a mistake: try again")
        self.lane.end()

    async def _keep_pace(self) -> None:
        """Input is taken no faster than it can be spoken, but for what a resumed client catches up with."""
        if self.lane.received_s > self._limits.session_s:
            raise Refusal(
                "too_long", f"a session lasts {self._limits.session_s:.0f} s at most: begin a new one"
            )
        ahead_s = self.lane.received_s - self.lane.age_s - self._limits.ahead_s
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)


class Sessions:
    """The live sessions of a server. Belongs to one event loop.

    Args:
        engine: where they are recognised.
        decoders: where their input is decoded.
        limits: of each.
    """

    def __init__(self, engine: Engine, decoders: Decoders, limits: Limits) -> None:
        self._engine, self._decoders, self._limits = engine, decoders, limits
        self._sessions: dict[str, Session] = {}
        self._holders: dict[str, Callable[[], None]] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def open(self, hello: Hello) -> Session:
        """A new session.

        Raises:
            Busy: there is no room for another one now.
        """
        if self._closed:
            raise Refusal("going_away", "this server is shutting down: try again in a minute")
        lane = self._engine.open(hello.modality)
        block = self._engine.recognizer.bundle.config.block
        decoding = self._decoders.open(hello.format, hello.modality, block)
        session = Session(lane, decoding, hello.format, self._limits)
        self._sessions[session.name] = session
        return session

    def resume(self, name: str) -> Session:
        """A session whose connection was lost.

        Raises:
            Refusal: it is over, or was never here.
        """
        if (session := self._sessions.get(name)) is None:
            raise Refusal("unknown_session", "this session is over: begin a new one")
        return session

    def attach(self, session: Session, replaced: Callable[[], None]) -> None:
        """A connection holds the session now; ``replaced`` is called when another one takes it over."""
        if (timer := self._leaving.pop(session.name, None)) is not None:
            timer.cancel()
        if (former := self._holders.get(session.name)) is not None:
            former()
        self._holders[session.name] = replaced
        session.changed.set()

    def detach(self, session: Session, replaced: Callable[[], None]) -> None:
        """The connection has gone; the session waits a while for its client."""
        if self._holders.get(session.name) != replaced or session.name not in self._sessions:
            return
        del self._holders[session.name]
        if session.refusal is not None and session.over:
            self.drop(session)
            return
        timer = asyncio.get_running_loop().call_later(self._limits.resume_s, self.drop, session)
        self._leaving[session.name] = timer

    def drop(self, session: Session) -> None:
        """The session is over for good."""
        self._sessions.pop(session.name, None)
        self._holders.pop(session.name, None)
        if (timer := self._leaving.pop(session.name, None)) is not None:
            timer.cancel()
        session.close()

    def close(self) -> None:
        """End all, because the server is shutting down."""
        self._closed = True
        for session in list(self._sessions.values()):
            session.close(Refusal("going_away", "this server is shutting down"))

    async def wait_until_told(self, seconds: float) -> None:
        """Wait until all clients know that their sessions are over, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._holders:
                    await asyncio.sleep(0.02)
