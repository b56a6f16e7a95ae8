"""The WebSocket of live captions: one connection, from its hello to its end."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from hearsight.recognizer.bundle import Bundle
from hearsight.serve.access import Access, Throttle
from hearsight.serve.admission import Busy
from hearsight.serve.limits import Limits
from hearsight.serve.metrics import Metrics
from hearsight.serve.protocol import (
    CLOSE_CODES,
    HEADER_BYTES,
    SUBPROTOCOL,
    Hello,
    Refusal,
    error_message,
    hello_answer,
    look_message,
    natural,
    parse_binary,
    parse_hello,
    parse_modality,
    parse_object,
)
from hearsight.serve.session import Session, Sessions
from hearsight.serve.status import StatusReport
from hearsight.types import FRAME_RATE

log = logging.getLogger(__name__)

STATUS_S = 0.5
LOOK_S = 0.2
ACK_S = 0.25
HEARTBEAT_S = 0.2
_ACK_MESSAGES = 8
_FAREWELLS = (1000, 1001)
"""Close codes by which a client says that it does not come back."""
_MESSAGES_PER_S = 200
_TEXT_BYTES = 16 << 10
"""A client's text messages are short."""


class Connection:
    """Speaks docs/protocol.md with one client.

    Args:
        websocket: not accepted yet.
        sessions: where new sessions are opened and lost ones resumed.
        access: who may speak.
        limits: of what is said.
        bundle: the model that listens.
        metrics: counts what happens.
    """

    def __init__(
        self,
        websocket: WebSocket,
        sessions: Sessions,
        access: Access,
        limits: Limits,
        bundle: Bundle,
        metrics: Metrics,
    ) -> None:
        self._socket, self._sessions, self._access = websocket, sessions, access
        self._limits, self._bundle, self._metrics = limits, bundle, metrics
        self._replaced = asyncio.Event()
        self._look = False
        self._acknowledged = 0
        self._ack_due = _Every(ACK_S)
        self._sent = 0

    async def run(self) -> None:
        """The whole conversation."""
        if not self._access.origin_allowed(self._socket):
            # Before it is accepted, this is an answer 403.
            await self._socket.close(1008)
            return
        offered = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            await self._converse()
        except Refusal as refusal:
            await self._refuse(refusal)
        except (WebSocketDisconnect, TimeoutError):
            pass
        except Exception:
            log.exception("a connection has failed")
            await self._refuse(Refusal("internal", "the server has made a mistake: try again"))

    async def _converse(self) -> None:
        hello = await self._hear_hello()
        session = self._session(hello)
        replaced = self._replaced.set
        self._sessions.attach(session, replaced)
        try:
            await self._greet(session, hello)
            await self._both_ways(session)
        finally:
            self._sessions.detach(session, replaced)

    async def _hear_hello(self) -> Hello:
        try:
            async with asyncio.timeout(self._limits.hello_s):
                first = await self._socket.receive()
        except TimeoutError:
            raise Refusal("timeout", "no hello came in time") from None
        if first["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(1006)
        if not isinstance(first.get("text"), str):
            raise Refusal("bad_message", "the first message is not a hello")
        hello = parse_hello(self._parse(first["text"]))
        if not self._access.token_allowed(self._socket, hello.token):
            raise Refusal("unauthorised", "this server asks for a token, and this is not it")
        return hello

    def _parse(self, text: str) -> dict[str, Any]:
        if len(text) > _TEXT_BYTES:
            raise Refusal("too_large", "a text message is too long")
        return parse_object(text)

    def _session(self, hello: Hello) -> Session:
        if hello.session is not None:
            session = self._sessions.resume(hello.session)
            session.history.forget(hello.event)
            self._sent = hello.event
            self._metrics.resumed.inc()
            return session
        try:
            session = self._sessions.open(hello)
        except Busy as busy:
            self._metrics.refused.labels("busy").inc()
            raise Refusal("busy", str(busy)) from None
        self._metrics.sessions.inc()
        return session

    async def _greet(self, session: Session, hello: Hello) -> None:
        self._look, self._acknowledged = hello.look, session.next
        limits, config = self._limits, self._bundle.config
        await self._say(
            hello_answer(
                session=session.name,
                resumed=hello.session is not None,
                next=session.next,
                model=config.name,
                language=config.language,
                modality=session.lane.sight.modality,
                tick_s=1 / FRAME_RATE,
                block_ticks=config.block,
                limits={
                    "message_bytes": limits.message_bytes,
                    "unacknowledged": limits.unacknowledged,
                    "session_s": limits.session_s,
                    "resume_s": limits.resume_s,
                },
            )
        )

    async def _both_ways(self, session: Session) -> None:
        """Listen and speak, until one of both is over or another connection takes the session."""
        tasks = [
            asyncio.create_task(work)
            for work in (self._listen(session), self._speak(session), self._wait_until_replaced())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if task in done:
                task.result()

    async def _wait_until_replaced(self) -> None:
        await self._replaced.wait()
        raise Refusal("taken_over", "another connection goes on with this session")

    async def _listen(self, session: Session) -> None:
        throttle = Throttle(_MESSAGES_PER_S, 1.0)
        while True:
            try:
                # Who has said the end need not say more, however long the last words take.
                async with asyncio.timeout(None if session.ended else self._limits.idle_s):
                    message = await self._socket.receive()
            except TimeoutError:
                raise Refusal("timeout", f"nothing has come for {self._limits.idle_s:.0f} s") from None
            if message["type"] == "websocket.disconnect":
                if message.get("code") in _FAREWELLS and not session.over:
                    self._sessions.drop(session)
                raise WebSocketDisconnect(message.get("code", 1006))
            if throttle.crossed():
                await asyncio.sleep(throttle.pause_s)
            content = message.get("bytes")
            if content is None:
                self._obey(self._parse(message["text"]), session)
                continue
            if len(content) > self._limits.message_bytes + HEADER_BYTES:
                raise Refusal("too_large", f"a message has more than {self._limits.message_bytes} bytes")
            await session.take(*parse_binary(content, session.format))
            if session.acknowledged - self._acknowledged >= _ACK_MESSAGES:
                session.changed.set()

    def _obey(self, message: dict[str, Any], session: Session) -> None:
        match message["type"]:
            case "modality":
                session.use(parse_modality(message.get("modality")))
            case "look":
                self._look = message.get("look") is True
            case "ack":
                session.history.forget(natural("event", message))
            case "end":
                session.end(natural("next", message))
            case _:
                raise Refusal("bad_message", "a text message has an unknown type")

    async def _speak(self, session: Session) -> None:
        """Events at once; acknowledgements, state and the model's view now and then."""
        report, status_due, look_due = StatusReport(session.lane), _Every(STATUS_S), _Every(LOOK_S)
        while True:
            session.changed.clear()
            over = session.over
            for event in session.history.after(self._sent):
                await self._say(event)
                self._sent = event["n"]
                self._metrics.event(event)
            if over:
                break
            await self._acknowledge(session)
            if status_due():
                await self._say(report.message())
            if self._look and (look := session.lane.sight.look) is not None and look_due():
                await self._say(look_message(look))
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await session.changed.wait()
        if session.refusal is not None:
            raise session.refusal
        await self._say({"type": "done", "event": session.history.latest})
        await self._socket.close(1000)

    async def _acknowledge(self, session: Session) -> None:
        # A client that has resumed knows of more already: what it need not send again.
        waiting = session.acknowledged - self._acknowledged
        if waiting >= _ACK_MESSAGES or (waiting > 0 and self._ack_due()):
            self._acknowledged = session.acknowledged
            await self._say({"type": "ack", "next": self._acknowledged})

    async def _say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        try:
            async with asyncio.timeout(self._limits.send_s):
                await self._socket.send_text(text)
        except TimeoutError:
            self._metrics.refused.labels("timeout").inc()
            raise Refusal("timeout", "messages are not being read") from None

    async def _refuse(self, refusal: Refusal) -> None:
        """Say why, and close; the client may have gone already."""
        self._metrics.errors.labels(refusal.code).inc()
        with suppress(WebSocketDisconnect, TimeoutError, RuntimeError):
            async with asyncio.timeout(1.0):
                await self._socket.send_text(json.dumps(error_message(refusal)))
                await self._socket.close(CLOSE_CODES[refusal.code])


class _Every:
    """Says yes at most once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + self._seconds
        return True
