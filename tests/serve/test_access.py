"""Who is let in: tokens, origins, names, and how often."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
from starlette.datastructures import Headers

from hearsight.recognizer import Recognizer
from hearsight.serve import http
from hearsight.serve.access import Access, Throttle, Throttles
from hearsight.serve.app import Options, Server
from hearsight.serve.limits import Limits
from tests.serve import asking
from tests.serve.conftest import ROOMY
from tests.serve.serving import Client, Running, running

OPTIONS = Options(port=0, room=ROOMY, limits=Limits(requests_per_minute=10_000), token="geheim")


@pytest.fixture(scope="module")
def server(recognizer: Recognizer) -> Iterator[Running]:
    with running(recognizer, OPTIONS) as started:
        yield started


def request(**headers: str) -> SimpleNamespace:
    return SimpleNamespace(
        headers=Headers({name.replace("_", "-"): value for name, value in headers.items()})
    )


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1:8765", None, True),
        ("localhost:8765", "http://localhost:8765", True),
        ("[::1]:8765", "http://[::1]:8765", True),
        ("192.168.1.7", "http://192.168.1.7", True),
        ("captions.example", "https://captions.example", True),
        ("localhost:8765", "https://captions.example", True),
        ("localhost:8765", "http://localhost:9999", False),
        ("localhost:8765", "https://elsewhere.example", False),
        ("localhost:8765", "null", False),
        ("localhost:8765", "http://localhost:8765.elsewhere.example", False),
        ("elsewhere.example:8765", None, False),
        ("elsewhere.example:8765", "http://elsewhere.example:8765", False),
        ("", None, False),
        ("[", None, False),
    ],
)
def test_only_our_own_pages_and_those_allowed_may_ask(host, origin, allowed) -> None:
    access = Access(origins=["https://captions.example/"])
    headers = {"host": host} if origin is None else {"host": host, "origin": origin}
    assert access.origin_allowed(request(**headers)) == allowed


@pytest.mark.parametrize(
    ("header", "said", "allowed"),
    [
        ("Bearer geheim", None, True),
        ("bearer geheim", None, True),
        ("Bearer falsch", None, False),
        ("Bearer falsch", "geheim", False),
        ("Basic geheim", None, False),
        ("Bearer gehéim", None, False),
        (None, "geheim", True),
        (None, "falsch", False),
        (None, None, False),
    ],
)
def test_the_token_is_asked_for(header, said, allowed) -> None:
    headers = {} if header is None else {"authorization": header}
    assert Access("geheim").token_allowed(request(**headers), said) == allowed
    assert Access().token_allowed(request(**headers), said)


def test_a_throttle_lets_so_many_pass_in_a_window() -> None:
    now = [0.0]
    throttle = Throttle(2, 1.0, lambda: now[0])
    assert [throttle.crossed() for _ in range(3)] == [False, False, True]
    assert throttle.pause_s == 1.0
    now[0] = 1.0
    assert not throttle.crossed()


def test_addresses_that_come_once_are_forgotten() -> None:
    throttles = Throttles(1, 60.0)
    assert not throttles.of("first").crossed()
    assert throttles.of("first").crossed()
    for number in range(20_000):
        throttles.of(str(number))
    assert len(throttles._by_address) <= 10_000


def test_what_is_said_needs_the_token_and_the_page_does_not(server) -> None:
    for path in ("/", "/page/style.css", "/face/mesh.onnx", "/health", "/ready", "/docs", "/openapi.json"):
        assert asking.get(server.url + path).status_code == 200, path
    for path in ("/v1/models", "/metrics"):
        answer = asking.get(server.url + path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        allowed = {"Authorization": "Bearer geheim"}
        assert asking.get(server.url + path, headers=allowed).status_code == 200, path
    assert asking.post(f"{server.url}/v1/audio/transcriptions").status_code == 401


def test_a_browser_may_say_the_token_in_its_hello(server) -> None:
    with Client(server, token="geheim") as client:
        assert client.hello["type"] == "hello"
    for token in ("falsch", None, 7):
        with Client(server, token=token) as client:
            assert client.hello["code"] == "unauthorised"


def test_pages_from_elsewhere_may_not_post_either(server) -> None:
    headers = {"Authorization": "Bearer geheim", "Origin": "https://elsewhere.example"}
    answer = asking.post(f"{server.url}/v1/audio/transcriptions", headers=headers, files={"file": b"x"})
    assert answer.status_code == 403


def test_pages_that_are_allowed_may_read_the_answers(recognizer) -> None:
    origin = "https://captions.example"
    with running(recognizer, replace(OPTIONS, origins=(origin,))) as server:
        ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        asked = asking.options(f"{server.url}/v1/audio/transcriptions", headers=ask)
        answer = asking.get(
            f"{server.url}/v1/models", headers={"Origin": origin, "Authorization": "Bearer geheim"}
        )
    assert asked.headers["access-control-allow-origin"] == origin
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin


def test_paths_of_clients_are_names_only(server) -> None:
    for path in ("/page/__init__.py", "/page/..%2f..%2fapp.py", "/page/%2e%2e/app.py", "/face/hashes.json"):
        assert asking.get(server.url + path).status_code == 404, path


def test_the_page_may_use_nothing_from_elsewhere(server) -> None:
    for path in ("/", "/page/style.css", "/docs"):
        policy = asking.get(server.url + path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
    assert "http" not in asking.get(f"{server.url}/docs").text.split("<body>")[1]


def test_requests_a_minute_are_counted(recognizer) -> None:
    few = replace(OPTIONS, token=None, limits=replace(OPTIONS.limits, requests_per_minute=3))
    with running(recognizer, few) as server:
        answers = [asking.get(f"{server.url}/v1/models").status_code for _ in range(5)]
        assert answers == [200, 200, 200, 429, 429]
        assert asking.get(f"{server.url}/health").status_code == 200


def tcp(server: Running, received: int | None = None) -> socket.socket:
    """A bare connection, which takes so many bytes unread."""
    host, port = server.url.removeprefix("http://").split(":")
    made = socket.socket()
    if received is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received)
    made.settimeout(5)
    made.connect((host, int(port)))
    return made


def trickles(connection: socket.socket, until_s: float) -> float:
    """Send a byte now and then, until one is cut off; after how many seconds that was."""
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - began < until_s:
            connection.sendall(b"x")
            time.sleep(0.1)
    return time.monotonic() - began


def test_headers_that_do_not_come_are_not_waited_for(recognizer, monkeypatch) -> None:
    monkeypatch.setattr(http, "HEADERS_S", 0.3)
    with running(recognizer, OPTIONS) as server, Client(server, token="geheim") as client:
        with tcp(server) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\n")
            assert slow.recv(100) == b""
        time.sleep(0.3)
        client.end()
        assert client.hear_until("done", "error")[-1]["type"] == "done", "a WebSocket is not cut off"


def test_a_next_request_that_does_not_come_is_not_waited_for_either(recognizer, monkeypatch) -> None:
    monkeypatch.setattr(Server, "KEEP_ALIVE_S", 1)
    with running(recognizer, OPTIONS) as server, tcp(server) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nG")
        assert b"200" in slow.recv(10_000)
        assert trickles(slow, until_s=8) < 5


def test_a_body_that_nobody_asked_for_is_not_waited_for(recognizer, monkeypatch) -> None:
    monkeypatch.setattr(Server, "KEEP_ALIVE_S", 1)
    with running(recognizer, OPTIONS) as server, tcp(server) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        assert b"200" in slow.recv(10_000)
        assert trickles(slow, until_s=8) < 5


def test_answers_that_are_not_read_are_not_kept(recognizer, monkeypatch) -> None:
    monkeypatch.setattr(http, "UNREAD_S", 0.5)
    asked = b"GET /face/detector.onnx HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with (
        running(recognizer, OPTIONS) as server,
        tcp(server, received=4096) as deaf,
        Client(server, token="geheim"),
    ):
        deaf.sendall(10 * asked)
        time.sleep(1.5)
        read = 0
        with contextlib.suppress(OSError):
            while part := deaf.recv(1 << 20):
                read += len(part)
        assert 0 < read < 10 * 1_000_000
        assert asking.get(server.url + "/health").status_code == 200


def test_a_flood_of_headers_is_refused(server) -> None:
    with tcp(server) as flood:
        flood.sendall(b"GET / HTTP/1.1\r\n")
        answer = b""
        with contextlib.suppress(OSError):
            for number in range(20_000):
                flood.sendall(b"X-%d: %s\r\n" % (number, b"y" * 100))
        with contextlib.suppress(OSError):
            answer = flood.recv(100)
        assert answer == b"" or b"400" in answer or b"431" in answer
