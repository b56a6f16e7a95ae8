"""OpenAI's endpoint: its own client and curl work unchanged, with sound and with video."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx2
import numpy as np
import openai
import pytest

from hearsight.captions import WRITERS
from hearsight.recognizer import Recognizer
from hearsight.serve.app import Options
from hearsight.serve.limits import Limits
from tests.capture.media import Audio, Video, frame_times, write
from tests.serve import asking
from tests.serve.conftest import ROOMY
from tests.serve.serving import EXAMPLE, SENTENCE, Client, Running, running

OPTIONS = Options(port=0, room=ROOMY, limits=Limits(requests_per_minute=10_000))
PATH = "/v1/audio/transcriptions"


@pytest.fixture(scope="module")
def server(small: Recognizer) -> Iterator[Running]:
    with running(small, OPTIONS) as started:
        yield started


@pytest.fixture(scope="module")
def events(small: Recognizer) -> list:
    return list(small.transcribe(EXAMPLE))


def client(server: Running, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


def post(server: Running, content: bytes = b"", **fields: str | list[str]) -> httpx2.Response:
    content = content or EXAMPLE.read_bytes()
    files = {"file": ("a.mp4", content)}
    return asking.post(server.url + PATH, files=files, data={"model": "any", **fields}, timeout=60)


def test_the_official_client_gets_the_text(server) -> None:
    with EXAMPLE.open("rb") as file:
        answer = client(server).audio.transcriptions.create(model="whisper-1", file=file)
    assert answer.text == SENTENCE


def test_the_official_client_gets_words_and_segments(server, events) -> None:
    with EXAMPLE.open("rb") as file:
        answer = client(server).audio.transcriptions.create(
            model="whisper-1",
            file=file,
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    expected = [word for event in events if event.kind == "final" for word in event.words]
    assert [word.word for word in answer.words] == [word.text for word in expected]
    assert [word.start for word in answer.words] == pytest.approx([word.start for word in expected], abs=1e-3)
    assert [segment.text for segment in answer.segments] == [SENTENCE]
    assert answer.segments[0].avg_logprob < 0
    assert answer.language == "english"
    assert answer.duration == pytest.approx(3.0)


@pytest.mark.parametrize("format", ["srt", "vtt", "text"])
def test_the_official_client_gets_captions(server, events, format) -> None:
    with EXAMPLE.open("rb") as file:
        answer = client(server).audio.transcriptions.create(model="any", file=file, response_format=format)
    writer = WRITERS["txt" if format == "text" else format]
    assert answer == "".join(writer(events))


def test_the_official_client_gets_the_text_as_it_becomes_known(server) -> None:
    with EXAMPLE.open("rb") as file:
        stream = client(server).audio.transcriptions.create(model="any", file=file, stream=True)
        heard = list(stream)
    deltas = [each.delta for each in heard if each.type == "transcript.text.delta"]
    assert "".join(deltas) == SENTENCE
    assert len(deltas) > 1
    assert heard[-1].type == "transcript.text.done"
    assert heard[-1].text == SENTENCE


def test_the_official_client_lists_the_model(server) -> None:
    assert [model.id for model in client(server).models.list()] == ["small"]


def test_the_asynchronous_client_works_too(server) -> None:
    import asyncio

    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as asking:
            with EXAMPLE.open("rb") as file:
                return (await asking.audio.transcriptions.create(model="any", file=file)).text

    assert asyncio.run(ask()) == SENTENCE


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_gets_the_text(server) -> None:
    command = ["curl", "-sf", server.url + PATH, "-F", f"file=@{EXAMPLE}", "-F", "model=any"]
    command += ["-F", "response_format=text"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{SENTENCE}\n"


def test_lips_alone_are_read_if_asked_for(server) -> None:
    answer = post(server, modality="video", response_format="verbose_json")
    assert "set white" in answer.json()["text"]


def test_progress_and_our_own_events_come_if_asked_for(server, events) -> None:
    answer = post(server, stream="true", progress="true")
    assert answer.headers["content-type"].startswith("text/event-stream")
    messages = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    own = [each for each in messages if each["type"] == "hearsight.event"]
    assert [each["text"] for each in own if each["kind"] == "final"] == [SENTENCE]
    progress = [each for each in messages if each["type"] == "hearsight.progress"]
    assert progress[-1] == {"type": "hearsight.progress", "heard": 3.0, "duration": 3.0}
    assert messages[-1]["type"] == "transcript.text.done"


def test_a_recording_in_which_nothing_is_said_is_no_error(server, tmp_path) -> None:
    write(tmp_path / "a.mp4", Video())
    assert post(server, (tmp_path / "a.mp4").read_bytes()).json()["text"] == ""


def test_a_large_file_is_read_from_disk_like_a_small_one(server, tmp_path) -> None:
    padded = EXAMPLE.read_bytes() + (3 << 20).to_bytes(4, "big") + b"free" + bytes((3 << 20) - 8)
    assert post(server, padded).json()["text"] == SENTENCE


@pytest.mark.parametrize(
    ("content", "fields", "status", "code"),
    [
        (b"not a recording", {}, 400, "bad_media"),
        (b"", {"response_format": "mp3"}, 400, "invalid_value"),
        (b"", {"timestamp_granularities[]": "letter"}, 400, "invalid_value"),
        (b"", {"modality": "smell"}, 400, "invalid_value"),
        (b"", {"prompt": "x" * 100_000}, 400, "bad_form"),
        (b"", {"language": "en", "prompt": "names", "temperature": "0.2"}, 200, None),
    ],
)
def test_what_makes_no_sense_is_refused_in_openais_form(server, content, fields, status, code) -> None:
    answer = post(server, content, **fields)
    assert answer.status_code == status
    if code is not None:
        assert answer.json()["error"]["code"] == code
        assert answer.json()["error"]["message"].endswith(".")


def test_the_official_client_understands_a_refusal(server) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot be read as sound or video"):
        client(server).audio.transcriptions.create(model="any", file=("a.mp3", b"not a recording"))


def test_forms_that_are_none_are_refused(server) -> None:
    for content, kind in ((b"x", "text/plain"), (b"--a\r\n", "multipart/form-data; boundary=a"), (b"{}", "")):
        answer = asking.post(server.url + PATH, content=content, headers={"Content-Type": kind})
        assert answer.status_code == 400


def test_sound_is_missed_only_where_it_is_needed(server, tmp_path) -> None:
    write(tmp_path / "a.mp4", Video())
    answer = post(server, (tmp_path / "a.mp4").read_bytes(), modality="audio")
    assert answer.status_code == 400
    assert "no sound to recognise by" in answer.json()["error"]["message"]


def test_files_that_are_too_large_or_too_long_are_refused(small, tmp_path) -> None:
    tight = replace(OPTIONS, limits=replace(OPTIONS.limits, upload_bytes=1 << 20, recording_s=1.5))
    with running(small, tight) as server:
        assert post(server, bytes(2 << 20)).status_code == 413

        def trickle() -> Iterator[bytes]:
            yield b'--a\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(40):
                yield bytes(100_000)

        kind = {"Content-Type": "multipart/form-data; boundary=a"}
        assert asking.post(server.url + PATH, content=trickle(), headers=kind).status_code == 413
        assert post(server).json()["error"]["code"] == "too_long"
        # Matroska need not say how long it is.
        write(tmp_path / "a.mkv", Audio(), options={"live": "1"})
        assert post(server, (tmp_path / "a.mkv").read_bytes()).json()["error"]["code"] == "too_long"


def test_an_upload_that_does_not_come_is_not_waited_for(small) -> None:
    tight = replace(OPTIONS, limits=replace(OPTIONS.limits, upload_s=0.3))

    def stuck() -> Iterator[bytes]:
        yield b"--a\r\n"
        time.sleep(1.0)
        yield b"--a\r\n"

    with running(small, tight) as server:
        kind = {"Content-Type": "multipart/form-data; boundary=a"}
        assert asking.post(server.url + PATH, content=stuck(), headers=kind).status_code == 408


def test_a_decoder_that_dies_takes_its_recording_with_it_and_no_more(recognizer) -> None:
    long = io.BytesIO()
    with wave.open(long, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(0).integers(-9000, 9000, 16_000 * 600, np.int16).tobytes())
    with running(recognizer, OPTIONS) as server, Client(server, format="ticks") as live:
        with ThreadPoolExecutor(1) as pool:
            answering = pool.submit(post, server, long.getvalue())
            until = time.monotonic() + 30
            while not server.engine.files and time.monotonic() < until:
                time.sleep(0.01)
            [process] = server.service.file_decoders.process_ids
            os.kill(process, signal.SIGKILL)
            answer = answering.result(60)
        assert answer.status_code == 500
        assert post(server).status_code == 200
        live.end()
        assert live.hear_until("done", "error")[-1]["type"] == "done"


def test_one_recording_too_many_waits_for_its_turn_and_is_told_to_come_back(small) -> None:
    limits = replace(OPTIONS.limits, place_s=0.3)
    with running(small, replace(OPTIONS, room=replace(ROOMY, max_files=1), limits=limits)) as server:
        with server.engine.open(patient=True), pytest.raises(openai.RateLimitError) as refusal:
            client(server).audio.transcriptions.create(model="any", file=EXAMPLE)
        assert "transcribing 1 recordings already" in str(refusal.value)
        assert refusal.value.response.headers["retry-after"] == "10"
        assert post(server).json()["text"] == SENTENCE
        place = server.engine.open(patient=True)
        threading.Timer(0.1, place.close).start()
        assert post(server).json()["text"] == SENTENCE


def test_uploads_at_a_time_are_counted(small) -> None:
    limits, received = replace(OPTIONS.limits, uploads=1), threading.Event()

    def held() -> Iterator[bytes]:
        yield b"--a\r\n"
        received.wait(10)

    with running(small, replace(OPTIONS, limits=limits)) as server:
        kind = {"Content-Type": "multipart/form-data; boundary=a"}
        slow = threading.Thread(
            target=asking.post, args=(server.url + PATH,), kwargs={"content": held(), "headers": kind}
        )
        slow.start()
        until = time.monotonic() + 10
        while not server.service._transcriptions._uploads and time.monotonic() < until:
            time.sleep(0.01)
        assert post(server).status_code == 429
        received.set()
        slow.join()
        assert post(server).json()["text"] == SENTENCE


def test_a_client_that_leaves_stops_the_work(small, tmp_path) -> None:
    write(tmp_path / "long.mp4", Video(times=frame_times(25, 120)), Audio(spans=[(0, 120)]))
    long = (tmp_path / "long.mp4").read_bytes()
    with running(small, OPTIONS) as server:
        for fields in ({}, {"stream": "true"}):
            with pytest.raises(httpx2.TimeoutException):
                asking.post(
                    server.url + PATH,
                    files={"file": ("a.mp4", long)},
                    data={"model": "any", **fields},
                    timeout=httpx2.Timeout(0.4, connect=5, write=5),
                )
            until = time.monotonic() + 15
            while server.engine.files and time.monotonic() < until:
                time.sleep(0.02)
            assert server.engine.files == 0


def test_the_token_is_the_clients_key(small) -> None:
    with running(small, replace(OPTIONS, token="geheim")) as server:
        with EXAMPLE.open("rb") as file:
            assert (
                client(server, "geheim").audio.transcriptions.create(model="any", file=file).text == SENTENCE
            )
        with pytest.raises(openai.AuthenticationError):
            client(server, "falsch").audio.transcriptions.create(model="any", file=EXAMPLE)
