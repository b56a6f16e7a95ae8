"""A headless Chromium for tests, and the page in it, served from the folder without a server."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hearsight.serve import page as files

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route, WebSocketRoute

CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",  # containers have none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
ADDRESS = "http://127.0.0.1:9/"
"""Where the page pretends to come from; nothing listens there."""
PATIENCE_MS = 60_000
CLIP_MS = 20_000
"""By then the words of a clip of three seconds have been recognised, or will not be any more."""
BUSY = 1.5
"""Load per processor above which Chromium cannot play a clip in real time."""


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A headless Chromium; the test is skipped where there is none, or nothing to drive it with."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install '.[browser]'")
    programs = [found for name in CHROMIUMS if (found := shutil.which(name))]
    if not programs:
        pytest.skip(f"no Chromium: none of {', '.join(CHROMIUMS)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=programs[0], args=[*FLAGS, *flags])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser, address: str = ADDRESS, *, refused: tuple[int, ...] = (), **options: Any
) -> Iterator[Page]:
    """The page in a fresh context; at the end, it must have complained of nothing and asked nobody else.

    Chromium complains of every answer with an error status; those in ``refused`` are expected.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 760}, **options})
    context.grant_permissions(["camera", "microphone"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: complaints.extend(_foreign(asked.url, address)))
    if address == ADDRESS:
        page.route("**/*", _serve)
    yield page
    context.close()
    expected = [f"the server responded with a status of {status} " for status in refused]
    unexpected = [each for each in complaints if not any(part in each for part in expected)]
    assert not unexpected, unexpected


def _foreign(url: str, address: str) -> list[str]:
    own = url.startswith((address, address.replace("http", "ws", 1), "blob:", "data:"))
    return [] if own else [f"asked {url}"]


def _serve(route: Route) -> None:
    """Hand out a file as a server has to."""
    name = route.request.url.removeprefix(ADDRESS).removeprefix(f"{files.MOUNT.strip('/')}/") or "index.html"
    file = files.FOLDER / name
    if name == f"{files.RUNTIME_MOUNT.strip('/')}/":
        route.fulfill(json={"files": []})
    elif file.suffix in files.SUFFIXES and file.is_file():
        route.fulfill(path=file, headers={**files.HEADERS, "Content-Type": _media_type(file)})
    else:
        route.fulfill(status=404)


def _media_type(file: Path) -> str:
    types = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
    return f"{types[file.suffix]}; charset=utf-8"


@contextmanager
def in_real_time() -> Iterator[None]:
    """Words that do not come are excused where the machine was too busy to play a clip as a camera."""
    from playwright.sync_api import TimeoutError

    try:
        yield
    except TimeoutError:
        if os.getloadavg()[0] > BUSY * (os.cpu_count() or 1):
            pytest.skip("no words in time, but this machine is too busy to play a clip as a camera")
        raise


class ScriptedServer:
    """The server's side of the protocol, said word by word by a test.

    Attributes:
        hellos: what the page said first on each connection.
        said: its other messages.
        numbers: the numbers of its binary messages, for each connection.
    """

    def __init__(self, page: Page, greet: Callable[[ScriptedServer, WebSocketRoute], None]) -> None:
        self.hellos: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.numbers: list[list[int]] = []
        self._greet = greet
        self._socket: WebSocketRoute | None = None
        page.route_web_socket("**/v1/stream", self._connected)

    def _connected(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        self.numbers.append([])
        numbers = self.numbers[-1]

        def receive(message: str | bytes) -> None:
            if isinstance(message, bytes):
                numbers.append(int.from_bytes(message[1:5], "little"))
                return
            read = json.loads(message)
            if read["type"] == "hello":
                self.hellos.append(read)
                self._greet(self, socket)
            else:
                self.said.append(read)

        socket.on_message(receive)

    def say(self, **message: Any) -> None:
        """Send a message."""
        assert self._socket is not None
        self._socket.send(json.dumps(message))

    def welcome(self, *, next: int = 0, resumed: bool = False, **limits: int) -> None:
        """Answer a hello."""
        known = {"message_bytes": 1 << 20, "unacknowledged": 64, "session_s": 14400, "resume_s": 30}
        self.say(
            type="hello", version=1, session="s1", resumed=resumed, next=next, limits={**known, **limits}
        )

    def event(self, n: int, kind: str, text: str, *, stable: int = 0, **more: Any) -> None:
        """Send an event whose words last 0.3 s each, from second 1 on."""
        words = [
            {"word": word, "start": 1 + 0.3 * at, "end": 1.3 + 0.3 * at, "confidence": 0.9}
            for at, word in enumerate(text.split())
        ]
        about = {"start": 1.0, "end": 3.0, "senses": ["audio", "video"], "on_screen": True, "lag": 0.2}
        said = {"n": n, "kind": kind, "text": text, "stable": stable, "words": words}
        self.say(type="event", utterance=1, **{**about, **said, **more})

    def close(self) -> None:
        """Break the connection."""
        assert self._socket is not None
        self._socket.close(code=3000)
