"""Clients that do not read, and inputs that wait: memory stays bounded."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from starlette.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from hearsight.recognizer import Recognizer
from hearsight.serve import http, live
from hearsight.serve.access import Access
from hearsight.serve.app import Options
from hearsight.serve.decoding import Decoders
from hearsight.serve.limits import Limits
from hearsight.serve.live import Connection
from hearsight.serve.metrics import Metrics
from hearsight.serve.outbox import Heard, Outbox
from hearsight.serve.session import History, Sessions
from hearsight.serve.transcriptions import _EventStream
from hearsight.types import Event, Word
from tests.serve.clips import clip
from tests.serve.conftest import ROOMY
from tests.serve.serving import Client, Running, finals, running, tick_message


class Deaf:
    """A WebSocket whose client says hello and then never reads."""

    headers = Headers({"host": "localhost"})

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"subprotocols": []}
        self._hello = ['{"type": "hello", "version": 1}']
        self.sent = 0

    async def accept(self, _: str | None) -> None:
        pass

    async def receive(self) -> dict[str, Any]:
        if self._hello:
            return {"type": "websocket.receive", "text": self._hello.pop()}
        await asyncio.Event().wait()
        return {}

    async def send_text(self, _: str) -> None:
        self.sent += 1
        if self.sent > 1:
            await asyncio.Event().wait()

    async def close(self, code: int) -> None:
        pass


def test_a_client_that_never_reads_is_cut_off(engine) -> None:
    async def converse() -> None:
        limits = Limits(send_s=0.2, resume_s=0.2)
        decoders = Decoders(limits, spent=lambda _: None, most=1)
        sessions = Sessions(engine, decoders, limits)
        connection = Connection(Deaf(), sessions, Access(), limits, engine.recognizer.bundle, Metrics(engine))
        async with asyncio.timeout(10):
            await connection.run()
            while engine.streams:
                await asyncio.sleep(0.01)
            await decoders.close()

    asyncio.run(converse())


def test_a_live_client_that_never_reads_is_cut_off_and_disturbs_nobody(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_S", 0.0)  # much is said, so that what lies between is full soon
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(http, "UNREAD_S", 1.5)
    limits = Limits(send_s=1.0, resume_s=0.5, requests_per_minute=10_000)
    ticks = clip(3, 150)
    ticks = replace(ticks, audio_present=np.ones(len(ticks), np.bool_))
    pieces = [tick_message(ticks.part(start, start + 1)) for start in range(150)]
    with running(recognizer, Options(port=0, room=ROOMY, limits=limits)) as server:
        calm = texts_of(server, pieces)
        with deaf_client(server) as deaf:
            deaf.send('{"type": "hello", "version": 1, "format": "ticks", "look": true}')
            cut_off = threading.Thread(target=talk_until_cut_off, args=(deaf, pieces), daemon=True)
            cut_off.start()
            assert texts_of(server, pieces) == calm != []
            cut_off.join(60)
            assert not cut_off.is_alive()
        until = time.monotonic() + 10
        while server.engine.streams and time.monotonic() < until:
            time.sleep(0.05)
        assert server.engine.streams == 0


def texts_of(server: Running, pieces: list[bytes]) -> list[str]:
    with Client(server, format="ticks") as client:
        for piece in pieces:
            client.send(2, piece)
        client.end()
        return [each["text"] for each in finals(client.hear_until("done", "error"))]


def deaf_client(server: Running) -> ClientConnection:
    """A client whose socket holds little, and that takes nothing out of it."""
    host, port = server.url.removeprefix("http://").split(":")
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    held.connect((host, int(port)))
    return connect(server.stream, sock=held, max_queue=1, close_timeout=0.1)


def talk_until_cut_off(deaf: ClientConnection, pieces: list[bytes]) -> None:
    with suppress(ConnectionClosed, OSError):
        for number in itertools.count():
            deaf.send(struct.pack("<BI", 2, number) + pieces[number % len(pieces)])
            time.sleep(0.02)


def test_a_reader_of_server_sent_events_that_never_reads_is_cut_off(engine) -> None:
    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    async def answer() -> None:
        lane, reading = engine.open(patient=True), asyncio.get_running_loop().create_future()
        reading.set_result(None)
        lane.end()

        async def content() -> AsyncIterator[str]:
            yield "data: {}"

        response = _EventStream(content(), lane, reading, AsyncExitStack(), send_s=0.1)
        with suppress(TimeoutError, BaseExceptionGroup):
            await response({"type": "http"}, never, never)

    asyncio.run(answer())
    assert engine.files == 0


def event(kind: str, text: str) -> Event:
    return Event(kind, (Word(text, 0.0, 0.1, 1.0),), 0.0, 0.1, ("audio",))


def test_a_late_reader_gets_all_finals_and_only_the_newest_partial() -> None:
    outbox = Outbox()
    for number in range(1000):
        outbox.put([(event("partial", f"a{number}"), 0.0)], over=False)
    outbox.put([(event("final", "b"), 0.0), (event("partial", "c"), 0.0)], over=False)
    outbox.put([(event("partial", "d"), 0.0)], over=True)
    heard, over = outbox.take()
    assert [(each.event.text, each.utterance) for each in heard] == [("b", 0), ("d", 1)]
    assert over


def test_what_a_client_has_is_forgotten_and_what_it_lacks_is_kept() -> None:
    history = History()
    for number in range(10):
        history.add(Heard(event("partial", "p"), number, 0.0))
        history.add(Heard(event("final", str(number)), number, 0.0))
    assert [each["text"] for each in history.after(0)] == [str(number) for number in range(10)]
    history.forget(12)
    assert [each["text"] for each in history.after(0)] == ["6", "7", "8", "9"]
    for number in range(10_000):
        history.add(Heard(event("final", "f"), number, 0.0))
    assert len(history.after(0)) <= 500
