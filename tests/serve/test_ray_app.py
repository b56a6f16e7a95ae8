"""Replicas under Ray: streams are spread, and when one replica is killed the others do not notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import openai
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hearsight.errors import HearsightError
from tests.serve.serving import EXAMPLE, SENTENCE, Client, finals, slices, webm

ray = pytest.importorskip("ray", reason="pip install 'hearsight[scale]' to test replicas")
serve = pytest.importorskip("ray.serve")

PATIENCE_S = 120.0
PORT = 18_765


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimpleNamespace]:
    from hearsight.serve.ray_app import app

    with pytest.MonkeyPatch.context() as patch:
        # A cluster for one test on one computer; Ray would leave a secret in the home folder.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            serve.start(http_options={"host": "127.0.0.1", "port": PORT})
            serve.run(app({"cpus": "0.5", "min_replicas": "2", "max_replicas": "2"}))
            url = f"http://127.0.0.1:{PORT}"
            yield SimpleNamespace(url=url, stream=f"ws://127.0.0.1:{PORT}/v1/stream")
        finally:
            serve.shutdown()
            ray.shutdown()


def replicas() -> list[psutil.Process]:
    """The processes of this test's replicas."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "ServeReplica:default:hearsight" in " ".join(_command(child))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


class Speaker(threading.Thread):
    """Plays the clip at its own pace; when its server dies it begins again with another."""

    def __init__(self, cluster: SimpleNamespace, pieces: list[bytes]) -> None:
        super().__init__()
        self._cluster, self._pieces = cluster, pieces
        self.said: list[str] = []
        self.lost: list[str] = []

    def run(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while not self.said and time.monotonic() < until:
            try:
                self._speak()
            except (ConnectionClosed, InvalidStatus, OSError, TimeoutError) as error:
                self.lost.append(repr(error))
                time.sleep(0.5)

    def _speak(self) -> None:
        with Client(self._cluster, format="webm") as client:
            for piece in self._pieces:
                client.send(1, piece)
                time.sleep(0.1)
            client.end()
            heard = client.hear_until("done", "error")
            if heard[-1]["type"] == "done":
                self.said = [event["text"] for event in finals(heard)]


def test_the_official_client_gets_the_text_from_a_cluster(cluster) -> None:
    client = openai.OpenAI(base_url=f"{cluster.url}/v1", api_key="none")
    assert client.audio.transcriptions.create(model="any", file=EXAMPLE).text == SENTENCE


def test_a_replica_that_is_killed_under_load_is_replaced_and_others_go_on(cluster) -> None:
    before = replicas()
    assert len(before) == 2
    speakers = [Speaker(cluster, slices(webm(), 60)) for _ in range(4)]
    for speaker in speakers:
        speaker.start()
        # Ray looks at how much a replica has to do, which it does not know of those that come at once.
        time.sleep(0.7)
    time.sleep(1.0)
    before[0].kill()
    for speaker in speakers:
        speaker.join(PATIENCE_S)
    assert [speaker.said for speaker in speakers] == [[SENTENCE]] * 4
    assert any(speaker.lost for speaker in speakers), "the killed replica had streams"
    assert not all(speaker.lost for speaker in speakers), [speaker.lost for speaker in speakers]
    until = time.monotonic() + PATIENCE_S
    while len(replicas()) < 2 and time.monotonic() < until:
        time.sleep(0.5)
    assert len(replicas()) == 2


@pytest.mark.parametrize("arguments", [{"streams": "4"}, {"cpus": "many"}, {"max_streams": "0"}])
def test_arguments_that_make_no_sense_are_refused(arguments) -> None:
    from hearsight.serve.ray_app import app

    with pytest.raises(HearsightError):
        app(arguments)
