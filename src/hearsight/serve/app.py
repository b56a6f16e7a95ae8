"""The server: which address leads where, and what is asked of every request on its way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from hearsight.errors import HearsightError
from hearsight.large_pages import be_content_with_large_pages
from hearsight.recognizer import Recognizer, memory
from hearsight.serve import openapi, page
from hearsight.serve.access import Access, Throttles
from hearsight.serve.admission import Busy, Room
from hearsight.serve.answers import HttpError
from hearsight.serve.decoding import Decoders, enough_for
from hearsight.serve.engine import Engine
from hearsight.serve.http import HEADERS_BYTES, ImpatientHttp, ImpatientWebSocket
from hearsight.serve.limits import Limits
from hearsight.serve.live import Connection
from hearsight.serve.metrics import Metrics
from hearsight.serve.session import Sessions
from hearsight.serve.transcriptions import Transcriptions

log = logging.getLogger(__name__)

_FAREWELL_S = 1.0
FACE_NETWORKS = ("detector.onnx", "mesh.onnx")
_GUARDED = ("/v1/", "/metrics")
"""Addresses for which a token is asked, where there is one."""
_NO_SCRIPTS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Options:
    """How to serve.

    Attributes:
        host: name or address to listen at.
        port: 0 takes any free one.
        token: that requests must bring, None for no such rule.
        origins: of web pages elsewhere that may use the server.
        room: how many streams are taken.
        limits: of what clients send.
        runtime: folder of ONNX Runtime Web, with which the page can crop the mouth itself; None for without.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = None
    origins: tuple[str, ...] = ()
    room: Room = field(default_factory=Room)
    limits: Limits = field(default_factory=Limits)
    runtime: Path | None = None


class Service:
    """What the addresses answer. Belongs to one event loop.

    Args:
        engine: recognises; the caller closes it.
        options: how.
    """

    def __init__(self, engine: Engine, options: Options) -> None:
        self._engine, self._limits = engine, options.limits
        self._runtime = options.runtime
        if self._runtime is not None:
            page.check_runtime(self._runtime)
        self._bundle = engine.recognizer.bundle
        self._access = Access(options.token, options.origins, options.host)
        self._throttles = Throttles(options.limits.requests_per_minute, 60.0)
        self._metrics = Metrics(engine)
        most = enough_for(engine.load.cores)
        self.decoders = Decoders(options.limits, engine.load.spent_by_others, most)
        self.sessions = Sessions(engine, self.decoders, options.limits)
        # Recordings have a process of their own, which gives way to live streams and is no cost of theirs.
        self.file_decoders = Decoders(options.limits, lambda _: None, most=1, niceness=10)
        self._transcriptions = Transcriptions(engine, self.file_decoders, options.limits, self._metrics)
        self._openapi = openapi.describe(self._bundle.config.name, token=options.token is not None)
        self.app = Starlette(
            routes=self._routes(),
            middleware=self._middleware(options.origins),
            exception_handlers={HttpError: _answer_error},
            lifespan=self._lifespan,
        )

    def close(self) -> None:
        """End the sessions."""
        self.sessions.close()

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._index),
            Route(f"{page.MOUNT}/{{name}}", self._page_file),
            Route("/face/{name}", self._face_network),
            Route(f"{page.RUNTIME_MOUNT}/", self._list_runtime),
            Route(f"{page.RUNTIME_MOUNT}/{{name}}", self._runtime_file),
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/metrics", self._show_metrics),
            Route("/docs", self._docs),
            Route("/openapi.json", self._show_openapi),
            Route("/v1/models", self._models),
            Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
            WebSocketRoute("/v1/stream", self._stream),
        ]

    def _middleware(self, origins: Iterable[str]) -> list[Middleware]:
        guard = Middleware(_Guard, access=self._access, throttles=self._throttles)
        if not (allowed := list(origins)):
            return [guard]
        headers = ["Authorization", "Content-Type"]
        cors = Middleware(
            CORSMiddleware, allow_origins=allowed, allow_methods=["GET", "POST"], allow_headers=headers
        )
        return [cors, guard]

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.decoders.warm_up()
        yield
        self.close()
        await asyncio.gather(self.decoders.close(), self.file_decoders.close())

    async def _index(self, _: Request) -> Response:
        return self._file("index.html")

    async def _page_file(self, request: Request) -> Response:
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        """A file of the page, by the names that lie in its folder: what a client says is never a path."""
        known = {path.name: path for path in page.FOLDER.iterdir() if path.suffix in page.SUFFIXES}
        if name not in known:
            raise HttpError(404, "There is no such file.", "not_found")
        return FileResponse(known[name], headers=page.RUNTIME_HEADERS if self._runtime else page.HEADERS)

    async def _list_runtime(self, _: Request) -> Response:
        return JSONResponse({"files": page.RUNTIME_FILES if self._runtime else []})

    async def _runtime_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if self._runtime is None or name not in page.RUNTIME_FILES:
            raise HttpError(404, "There is no such file.", "not_found")
        media_type = "application/wasm" if name.endswith(".wasm") else "text/javascript"
        return FileResponse(self._runtime / name, media_type=media_type, headers=page.HEADERS)

    async def _face_network(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FACE_NETWORKS:
            raise HttpError(404, "There is no such network.", "not_found")
        content = (resources.files("hearsight") / "assets" / "face" / name).read_bytes()
        return Response(content, media_type="application/octet-stream", headers=page.HEADERS)

    async def _health(self, _: Request) -> Response:
        if not self._engine.is_alive:
            return JSONResponse({"status": "dead"}, 500)
        return JSONResponse({"status": "alive"})

    async def _ready(self, _: Request) -> Response:
        try:
            self._engine.check_room()
        except Busy as busy:
            return JSONResponse({"status": "busy", "message": f"{busy}."}, 503, {"Retry-After": "10"})
        return JSONResponse({"status": "ready", "streams": self._engine.streams})

    async def _show_metrics(self, _: Request) -> Response:
        return PlainTextResponse(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def _docs(self, _: Request) -> Response:
        return HTMLResponse(openapi.page(self._openapi), headers=_NO_SCRIPTS)

    async def _show_openapi(self, _: Request) -> Response:
        return JSONResponse(self._openapi)

    async def _models(self, _: Request) -> Response:
        model = {"id": self._bundle.config.name, "object": "model", "created": 0, "owned_by": "hearsight"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _transcribe(self, request: Request) -> Response:
        return await self._transcriptions(request)

    async def _stream(self, websocket: WebSocket) -> None:
        connection = Connection(
            websocket, self.sessions, self._access, self._limits, self._bundle, self._metrics
        )
        await connection.run()


async def _answer_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return error.response()


class _Guard:
    """Origin, token and pace of every request; WebSockets say their token later and are asked then."""

    def __init__(self, app: ASGIApp, access: Access, throttles: Throttles) -> None:
        self._app, self._access, self._throttles = app, access, throttles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal.response()(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).close(1008)

    def _refusal(self, scope: Scope) -> HttpError | None:
        connection = HTTPConnection(scope)
        address = connection.client.host if connection.client else ""
        guarded = scope["path"].startswith(_GUARDED)
        if guarded and self._throttles.of(address).crossed():
            return HttpError(429, "Too many requests: try again in a minute.", "too_many", retry_s=60)
        if not self._access.origin_allowed(connection):
            return HttpError(403, "This origin or host name is not allowed.", "forbidden")
        if guarded and scope["type"] == "http" and not self._access.token_allowed(connection):
            return HttpError(401, "The token is missing or wrong.", "unauthorised")
        return None


class Server(uvicorn.Server):
    """uvicorn, which says where it listens, and tells live clients when it goes.

    Args:
        service: what it serves.
        options: where.
        say: takes the line with the address.
    """

    KEEP_ALIVE_S = 30
    """Until the next request of a connection has come."""

    def __init__(self, service: Service, options: Options, say: Callable[[str], object]) -> None:
        super().__init__(
            uvicorn.Config(
                service.app,
                host=options.host,
                port=options.port,
                http=ImpatientHttp,
                ws=ImpatientWebSocket,
                ws_max_size=options.limits.message_bytes + 64,
                ws_ping_interval=20.0,
                ws_ping_timeout=30.0,
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                limit_concurrency=options.limits.connections,
                h11_max_incomplete_event_size=HEADERS_BYTES,
                timeout_keep_alive=self.KEEP_ALIVE_S,
                timeout_graceful_shutdown=5,
            )
        )
        self._service, self._say, self._host = service, say, options.host

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listen, and say where."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._say(self.address)

    @property
    def address(self) -> str:
        """Where it listens, for a browser."""
        port = self.servers[0].sockets[0].getsockname()[1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}/"

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Tell live clients, then close."""
        self._service.close()
        await self._service.sessions.wait_until_told(_FAREWELL_S)
        await super().shutdown(sockets)  # type: ignore[arg-type]


def serve(recognizer: Recognizer, options: Options, say: Callable[[str], object] = print) -> None:
    """Serve until interrupted.

    Args:
        recognizer: the model.
        options: where, for whom, how much.
        say: takes the line that says where it listens.

    Raises:
        HearsightError: the address cannot be listened at.
    """
    memory.keep_little()
    with Engine(recognizer, room=options.room) as engine:
        be_content_with_large_pages()
        server = Server(
            Service(engine, options), options, lambda address: say(f"hearsight listens at {address}")
        )
        try:
            server.run()
        except SystemExit:
            # uvicorn has no other way to say that it could not begin.
            raise HearsightError(
                f"{options.host}:{options.port} cannot be listened at: is another server running there? "
                "Choose another --port"
            ) from None
