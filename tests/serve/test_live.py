"""The WebSocket: what it hears, what it promises, and what it refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from hearsight.capture.files import read_chunks
from hearsight.recognizer import Recognizer
from hearsight.recognizer.session import Ticks
from hearsight.serve.app import Options
from hearsight.serve.limits import Limits
from hearsight.types import Chunk, Crops
from tests.serve.clips import clip
from tests.serve.conftest import ROOMY
from tests.serve.serving import (
    EXAMPLE,
    SENTENCE,
    Client,
    Running,
    finals,
    running,
    slices,
    tick_message,
    webm,
)

LIMITS = Limits(hello_s=1.0, idle_s=3.0, send_s=1.0, resume_s=2.0, requests_per_minute=10_000)
OPTIONS = Options(port=0, room=ROOMY, limits=LIMITS)


@pytest.fixture(scope="module")
def server(recognizer: Recognizer) -> Iterator[Running]:
    """Serves the toy, whose words mean nothing but depend on everything."""
    with running(recognizer, OPTIONS) as started:
        yield started


@pytest.fixture(scope="module")
def real(small: Recognizer) -> Iterator[Running]:
    """Serves the model that comes along."""
    with running(small, OPTIONS) as started:
        yield started


def quantised(ticks: Ticks) -> Ticks:
    """As it is after its way through 16 bits."""
    samples = np.round(ticks.samples * 32768).clip(-32768, 32767).astype(np.float32) / np.float32(32768)
    return replace(ticks, samples=samples)


def expected(recognizer: Recognizer, ticks: Ticks, modality: str = "av") -> list[str]:
    ticks, stream = quantised(ticks), recognizer.stream(modality)
    crops = Crops(0, ticks.crops, ticks.video_present)
    events = stream.push_crops(crops, ticks.samples, ticks.audio_present) + stream.finish()
    return [event.text for event in events if event.kind == "final"]


def with_sound(ticks: Ticks) -> Ticks:
    """A message has sound or not, as a whole."""
    return replace(ticks, audio_present=np.ones(len(ticks), np.bool_))


def send_all(client: Client, ticks: Ticks, size: int) -> None:
    for start in range(0, len(ticks), size):
        client.send(2, tick_message(ticks.part(start, start + size)))
    client.end()


def test_slices_of_a_media_recorder_are_heard_like_the_file(real, small, tmp_path) -> None:
    content = webm()
    (tmp_path / "a.webm").write_bytes(content)
    of_file = [event for event in small.transcribe(tmp_path / "a.webm") if event.kind == "final"]
    with Client(real, format="webm") as client:
        for piece in slices(content, 30):
            client.send(1, piece)
        client.end()
        heard = client.hear_until("done", "error")
    assert [event["text"] for event in finals(heard)] == [event.text for event in of_file] == [SENTENCE]
    words = [word for event in of_file for word in event.words]
    for said, word in zip(finals(heard)[0]["words"], words, strict=True):
        assert (said["word"], said["start"], said["end"]) == (
            word.text,
            round(word.start, 3),
            round(word.end, 3),
        )


def test_pictures_as_jpeg_files_are_looked_at(real) -> None:
    with Client(real, format="ticks", modality="video", look=True) as client:
        for chunk in read_chunks(EXAMPLE, ticks=5):
            client.send(2, jpeg_message(chunk))
        client.end()
        heard = client.hear_until("done", "error")
    assert "set white" in finals(heard)[0]["text"]
    assert finals(heard)[0]["senses"] == ["video"]
    looks = [each for each in heard if each["type"] == "look" and each["face"]]
    assert looks and (looks[0]["width"], looks[0]["height"]) == (480, 360)
    left, top, right, bottom = looks[0]["face"]
    assert all(left < x < right and top < y < bottom + 20 for x, y in looks[0]["mouth"])


def jpeg_message(chunk: Chunk) -> bytes:
    files = [cv2.imencode(".jpg", frame[:, :, ::-1])[1].tobytes() for frame in chunk.frames]
    nothing = Ticks.empty(len(chunk))
    return tick_message(replace(nothing, samples=chunk.samples), jpegs=files, pictures=3)


@pytest.mark.parametrize("modality", ["av", "audio", "video"])
def test_crops_and_sound_are_heard_as_without_a_server(server, recognizer, modality) -> None:
    ticks = with_sound(clip(3, 150))
    with Client(server, format="ticks", modality=modality) as client:
        send_all(client, ticks, 7)
        heard = client.hear_until("done", "error")
    assert [event["text"] for event in finals(heard)] == expected(recognizer, ticks, modality)


def test_events_keep_what_they_promise(server) -> None:
    with Client(server, format="ticks") as client:
        send_all(client, with_sound(clip(1, 250)), 4)
        heard = client.hear_until("done", "error")
    events = [each for each in heard if each["type"] == "event"]
    assert finals(heard), "the clip must say something"
    assert all(before["n"] < after["n"] for before, after in pairwise(events))
    for before, after in pairwise(events):
        if before["utterance"] == after["utterance"]:
            assert before["kind"] == "partial", "nothing follows a final in its utterance"
            stable = [word["word"] for word in before["words"][: before["stable"]]]
            assert [word["word"] for word in after["words"][: len(stable)]] == stable
    assert [event["utterance"] for event in finals(heard)] == list(range(len(finals(heard))))
    assert heard[-1] == {"type": "done", "event": events[-1]["n"]}


def test_a_lost_connection_is_resumed_without_losing_or_repeating_words(server, recognizer) -> None:
    ticks = with_sound(clip(4, 240))
    pieces = [tick_message(ticks.part(start, start + 4)) for start in range(0, 240, 4)]
    heard, session, event, turn = [], None, 0, 0
    while not heard or heard[-1]["type"] != "done":
        resume = {"resume": {"session": session, "event": event}} if session else {}
        with Client(server, format="ticks", **resume) as client:
            session = client.hello["session"]
            assert client.hello["resumed"] == bool(resume)
            start = client.hello["next"]
            stop = len(pieces) if turn == 3 else min(start + 13, len(pieces))
            for number in range(start, stop):
                client.send(2, pieces[number], number)
            if stop < len(pieces):
                # Gone in the middle, with some of what was sent still on its way.
                heard += some(client)
                client.drop()
            else:
                client.end()
                heard += client.hear_until("done", "error")
            event = max([each["n"] for each in heard if each["type"] == "event"], default=0)
            turn += 1
    assert turn > 2
    numbers = [each["n"] for each in heard if each["type"] == "event"]
    assert numbers == sorted(set(numbers))
    assert [each["text"] for each in finals(heard)] == expected(recognizer, ticks)


def some(client: Client) -> list[dict]:
    heard = []
    try:
        for _ in range(3):
            heard.append(client.hear(0.2))
    except TimeoutError:
        pass
    return heard


def test_what_was_acknowledged_is_heard_even_if_the_client_vanishes(server, recognizer) -> None:
    ticks = with_sound(clip(6, 200))
    client = Client(server, format="ticks")
    for start in range(0, 200, 4):
        client.send(2, tick_message(ticks.part(start, start + 4)))
    while client.hear_until("ack")[-1]["next"] < 50:
        pass
    client.drop()
    with Client(server, format="ticks", resume={"session": client.hello["session"], "event": 0}) as again:
        assert again.hello["next"] == 50
        again.end()
        heard = again.hear_until("done", "error")
    assert [event["text"] for event in finals(heard)] == expected(recognizer, ticks)


def test_a_session_that_is_done_can_be_asked_for_its_last_words_again(server) -> None:
    with Client(server, format="ticks") as client:
        send_all(client, with_sound(clip(1, 120)), 6)
        first = client.hear_until("done", "error")
    with Client(server, format="ticks", resume={"session": client.hello["session"], "event": 0}) as again:
        second = again.hear_until("done", "error")
    assert finals(first) == finals(second) != []


def test_a_session_is_over_when_its_client_has_been_away_too_long(server) -> None:
    client = Client(server, format="ticks")
    client.send(2, tick_message(with_sound(clip(1, 4))))
    client.hear_until("ack")
    client.drop()
    until = time.monotonic() + 10
    while server.engine.streams and time.monotonic() < until:
        time.sleep(0.05)
    assert server.engine.streams == 0
    with Client(server, format="ticks", resume={"session": client.hello["session"], "event": 0}) as again:
        assert again.hello["code"] == "unknown_session"
        assert closed(again) == 4410


def test_a_client_that_says_goodbye_frees_its_place(server) -> None:
    before = server.engine.streams
    with Client(server, format="ticks") as client:
        assert server.engine.streams == before + 1
    until = time.monotonic() + 5
    while server.engine.streams > before and time.monotonic() < until:
        time.sleep(0.02)
    assert server.engine.streams == before
    with Client(server, format="ticks", resume={"session": client.hello["session"], "event": 0}) as again:
        assert again.hello["code"] == "unknown_session"


def test_the_newer_connection_takes_the_session_over(server) -> None:
    with Client(server, format="ticks") as first:
        resume = {"session": first.hello["session"], "event": 0}
        with Client(server, format="ticks", resume=resume) as second:
            assert first.hear_until("error")[-1]["code"] == "taken_over"
            send_all(second, with_sound(clip(1, 60)), 6)
            assert second.hear_until("done", "error")[-1]["type"] == "done"


def closed(client: Client) -> int:
    with pytest.raises(ConnectionClosed) as error:
        while True:
            client.hear(10)
    return error.value.rcvd.code


def tick() -> bytes:
    return tick_message(Ticks.empty(1), pictures=0)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "bad_message"),
        ("[1]", "bad_message"),
        ('{"type": "dance"}', "bad_message"),
        ('{"type": "modality", "modality": "smell"}', "bad_message"),
        ('{"type": "modality", "modality": ["av"]}', "bad_message"),
        ('{"type": "end", "next": 5}', "gap"),
        ('{"type": "end", "next": -1}', "bad_message"),
        ('{"type": "ack", "event": NaN}', "bad_message"),
        ("[" * 10_000, "bad_message"),
        (json.dumps({"type": "x" * 20_000}), "too_large"),
        (b"", "bad_message"),
        (b"\x01\0\0\0\0", "bad_message"),
        (b"\x02\x05\0\0\0" + tick(), "gap"),
        (b"\x02\0\0\0\0", "bad_message"),
        (b"\x02\0\0\0\0" + bytes([0, 0, 0, 0]), "bad_message"),
        (b"\x02\0\0\0\0" + tick() + b"more", "bad_message"),
    ],
)
def test_rubbish_ends_the_connection_with_a_sentence(server, message, code) -> None:
    with Client(server, format="ticks") as client:
        client.socket.send(message)
        error = client.hear_until("error")[-1]
    assert error["code"] == code
    assert error["message"].endswith(".") and len(error["message"]) < 200


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"version": 2}, "unsupported_version"),
        ({"format": "mp3"}, "bad_message"),
        ({"modality": 7}, "bad_message"),
        ({"resume": "last"}, "bad_message"),
        ({"resume": {"session": "guess", "event": 0}}, "unknown_session"),
    ],
)
def test_a_hello_that_makes_no_sense_is_refused(server, hello, code) -> None:
    with connect(server.stream) as socket:
        socket.send(json.dumps({"type": "hello", "version": 1, **hello}))
        assert json.loads(socket.recv(5))["code"] == code


def test_who_says_nothing_is_not_waited_for(server) -> None:
    with connect(server.stream) as socket:
        assert json.loads(socket.recv(5))["code"] == "timeout"
    with Client(server, format="ticks") as client:
        assert client.hear_until("error")[-1]["code"] == "timeout"


def test_bytes_that_are_no_webm_are_refused(server) -> None:
    for content in (bytes(3000), b"RIFF" + bytes(5000), webm(video=False)[:2000] + bytes(200_000)):
        with Client(server, format="webm") as client:
            client.send(1, content)
            with suppress(ConnectionClosed):  # the refusal may come first
                client.end()
            last = client.hear_until("done", "error")[-1]
        assert last["type"] == "done" or last["code"] == "bad_media"


def test_an_end_without_input_is_an_ordinary_end(server) -> None:
    for format in ("webm", "ticks"):
        with Client(server, format=format) as client:
            client.end()
            assert client.hear_until("done", "error")[-1] == {"type": "done", "event": 0}


def test_messages_and_pictures_may_not_be_huge(server) -> None:
    with Client(server, format="webm") as client:
        client.send(1, bytes((1 << 20) + 1))
        assert client.hear_until("error")[-1]["code"] == "too_large"
    bomb = cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes()
    at = bomb.index(b"\xff\xc0")
    bomb = bomb[: at + 5] + (60_000).to_bytes(2, "big") * 2 + bomb[at + 9 :]
    with Client(server, format="ticks") as client:
        client.send(2, tick_message(Ticks.empty(1), jpegs=[bomb], pictures=3))
        assert client.hear_until("error")[-1]["code"] == "too_large"


def test_who_sends_too_fast_is_slowed_down_and_disturbs_nobody(recognizer) -> None:
    hasty = replace(OPTIONS, limits=replace(LIMITS, ahead_s=0.5, idle_s=30.0))
    quiet, loud = with_sound(clip(1, 60)), with_sound(clip(2, 25))
    with running(recognizer, hasty) as server, Client(server, format="ticks") as fast:
        began = time.monotonic()
        message = tick_message(loud)
        for _ in range(3):
            fast.send(2, message)
        with Client(server, format="ticks") as other:
            send_all(other, quiet, 20)
            heard = other.hear_until("done", "error")
        assert [event["text"] for event in finals(heard)] == expected(recognizer, quiet)
        fast.end()
        assert fast.hear_until("done", "error")[-1]["type"] == "done"
        assert time.monotonic() - began > 1.4


def test_a_stream_that_does_not_fit_is_told_so(recognizer) -> None:
    tight = replace(OPTIONS, room=replace(ROOMY, max_streams=1))
    with (
        running(recognizer, tight) as server,
        Client(server, format="ticks"),
        Client(server, format="ticks") as second,
    ):
        assert second.hello["code"] == "busy"
        assert second.hello["message"].startswith("all 1 streams of this server are taken")
        assert closed(second) == 1013


def test_a_page_from_elsewhere_is_not_let_in(server) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        with pytest.raises(InvalidStatus) as error:
            connect(server.stream, additional_headers=headers)
        assert error.value.response.status_code == 403
    with connect(server.stream, additional_headers={"Origin": server.url}):
        pass


def test_the_senses_can_be_changed_while_it_runs(server) -> None:
    with Client(server, format="ticks", modality="video") as client:
        client.say(type="modality", modality="audio")
        send_all(client, with_sound(clip(1, 120)), 6)
        heard = client.hear_until("done", "error")
    assert {sense for event in finals(heard) for sense in event["senses"]} == {"audio"}


def test_the_state_is_told(server) -> None:
    tone = 0.1 * np.sqrt(2) * np.sin(np.arange(50 * 640) / 5)
    ticks = replace(with_sound(Ticks.empty(50)), samples=tone.astype(np.float32))
    with Client(server, format="ticks", look=True) as client:
        client.send(2, tick_message(ticks.part(0, 25)))
        heard = client.hear_until("look")
        client.send(2, tick_message(ticks.part(25)))
        heard += client.hear_until("status")
        while heard[-1]["heard"] < 2:
            heard += client.hear_until("status")
    state, look = heard[-1], next(each for each in heard if each["type"] == "look")
    assert state["received"] == 2.0 and state["queued"] == 0.0
    assert state["level"] == pytest.approx(-20, abs=0.5)
    assert look["face"] is None


def test_clients_are_told_when_the_server_goes(recognizer) -> None:
    with running(recognizer, OPTIONS) as server:
        client = Client(server, format="ticks")
    with client:
        assert client.hear_until("error")[-1]["code"] == "going_away"
