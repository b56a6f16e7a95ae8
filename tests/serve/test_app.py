"""What operators and programs ask of the server."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from hearsight.serve.limits import Limits
from tests.serve import asking
from tests.serve.clips import clip
from tests.serve.conftest import ROOMY
from tests.serve.serving import Client, Running, running, tick_message

OPTIONS = Options(port=0, room=replace(ROOMY, max_streams=2), limits=Limits(requests_per_minute=10_000))


@pytest.fixture(scope="module")
def server(recognizer: Recognizer) -> Iterator[Running]:
    with running(recognizer, OPTIONS) as started:
        yield started


def metrics(server: Running) -> dict[str, float]:
    families = text_string_to_metric_families(asking.get(f"{server.url}/metrics").text)
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_it_is_ready_while_another_stream_would_be_taken(server) -> None:
    assert asking.get(f"{server.url}/health").json() == {"status": "alive"}
    assert asking.get(f"{server.url}/ready").json() == {"status": "ready", "streams": 0}
    with Client(server, format="ticks"), Client(server, format="ticks"):
        answer = asking.get(f"{server.url}/ready")
        assert answer.status_code == 503
        assert answer.json()["message"].startswith("all 2 streams of this server are taken")
        assert "retry-after" in answer.headers
        assert asking.get(f"{server.url}/health").status_code == 200


def test_what_happens_is_counted_and_nothing_that_was_said(server) -> None:
    before = metrics(server)
    with Client(server, format="ticks") as client:
        client.send(2, tick_message(clip(1, 25)))
        client.send(2, tick_message(clip(2, 25)))
        client.end()
        heard = client.hear_until("done", "error")
    after = metrics(server)
    events = [each for each in heard if each["type"] == "event"]
    assert after["hearsight_sessions_total"] == before["hearsight_sessions_total"] + 1
    assert after["hearsight_heard_seconds"] == before["hearsight_heard_seconds"] + 2
    counted = after["hearsight_event_lag_seconds_count"] - before["hearsight_event_lag_seconds_count"]
    assert counted == len(events) > 0
    text = asking.get(f"{server.url}/metrics").text
    assert not any(word["word"] in text.split() for event in events for word in event["words"])


def test_the_interface_is_described(server) -> None:
    document = asking.get(f"{server.url}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method in methods:
            answer = asking.request(method, server.url + path)
            assert answer.status_code not in (404, 405, 500) or path == "/v1/stream", path
    page = asking.get(f"{server.url}/docs").text
    assert "/v1/audio/transcriptions" in page and "<script" not in page


def test_an_address_that_is_taken_is_one_sentence(server) -> None:
    port = server.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "hearsight", "serve", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(f"hearsight: 127.0.0.1:{port} cannot be listened at")
    assert "Traceback" not in ended.stderr


def test_it_says_where_it_listens_and_ends_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "hearsight", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert line.startswith("hearsight listens at http://127.0.0.1:")
        assert asking.get(f"{line.split()[-1]}health").status_code == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode in (0, 130)
