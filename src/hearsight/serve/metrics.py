"""What Prometheus may ask; nothing in it tells what anybody has said."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hearsight.serve.engine import Engine
from hearsight.types import FRAME_RATE

_LAGS_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 5.0)


class Metrics:
    """The server's counters.

    Args:
        engine: whose streams and load are shown.
    """

    def __init__(self, engine: Engine) -> None:
        self._registry = registry = CollectorRegistry()
        self.sessions = Counter("hearsight_sessions", "Live sessions begun.", registry=registry)
        self.resumed = Counter("hearsight_sessions_resumed", "Connections that went on.", registry=registry)
        self.refused = Counter("hearsight_refused", "Refused for lack of room.", ["why"], registry=registry)
        self.errors = Counter("hearsight_errors", "Connections ended by errors.", ["code"], registry=registry)
        self.transcriptions = Counter(
            "hearsight_transcriptions", "Recordings transcribed.", ["status"], registry=registry
        )
        self._events = Counter("hearsight_events", "Events sent.", ["kind"], registry=registry)
        self._lag = Histogram(
            "hearsight_event_lag_seconds",
            "From the arrival of the input heard last until its event was made.",
            buckets=_LAGS_S,
            registry=registry,
        )
        self._gauge("streams", "Live streams open.", lambda: engine.streams)
        self._gauge("files", "Recordings being transcribed.", lambda: engine.files)
        self._gauge("lag_seconds", "95th percentile of the last seconds' lag.", lambda: engine.load.lag)
        self._gauge("stream_cost", "CPU seconds per second of a stream.", lambda: engine.load.cost)
        self._gauge(
            "load", "Share of the processors that streams need.", lambda: engine.load.share(engine.streams)
        )
        self._gauge("heard_seconds", "Input recognised.", lambda: engine.heard_ticks / FRAME_RATE)
        self._gauge("network_calls", "Calls of networks.", lambda: engine.batcher.calls)
        self._gauge("network_rows", "What these would have been one by one.", lambda: engine.batcher.rows)

    def _gauge(self, name: str, help: str, value: Any) -> None:
        Gauge(f"hearsight_{name}", help, registry=self._registry).set_function(value)

    def event(self, message: dict[str, Any]) -> None:
        """A live event was sent."""
        self._events.labels(message["kind"]).inc()
        self._lag.observe(message["lag"])

    def text(self) -> bytes:
        """All of it, in Prometheus' text form."""
        return generate_latest(self._registry)
