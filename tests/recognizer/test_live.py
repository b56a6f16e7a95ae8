"""Live captions: the words of the file, as they come, and nothing lost at the end."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hearsight.errors import HearsightError, MediaError
from hearsight.evaluate.word_errors import count_errors
from hearsight.face.stillness import LEAST_TICKS
from hearsight.recognizer import Recognizer
from hearsight.recognizer import live_recording as recording
from hearsight.recognizer.effort import Effort, EffortController
from hearsight.recognizer.live import LiveCaptions
from hearsight.recognizer.live_recording import RecordingThread
from hearsight.recognizer.mixing import NoiseMixer
from hearsight.types import Chunk, Event, Modality
from tests.recognizer.live_fake import CHUNK, FakeCapture, Tick, ticks_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "set_white_by_k_four_soon.mp4"


@pytest.fixture(scope="module")
def small() -> Recognizer:
    return Recognizer.load("small")


@pytest.fixture
def ticks() -> list[Tick]:
    """Ten seconds of sound alone, four bursts a second as of speech: the toy hears nonsense in it."""
    rng = np.random.default_rng(0)
    loudness = [0.2 if tick % 6 < 4 else 0.001 for tick in range(250)]
    return [Tick(None, (loud * rng.standard_normal(640)).astype(np.float32)) for loud in loudness]


def finals(events: list[Event]) -> list[str]:
    return [event.text for event in events if event.kind == "final"]


def test_live_says_what_the_file_says(small: Recognizer) -> None:
    whole = list(small.transcribe(EXAMPLE))
    with small.live(input=str(EXAMPLE)) as captions:
        live = list(captions)
    if captions.status.skipped_ticks:
        pytest.skip("this computer is too busy to look at the pictures")
    assert finals(live) == finals(whole) == ["set white by k four soon"]
    assert captions.ended
    assert all(event.emitted is not None and event.emitted >= event.end - 0.05 for event in live)


def test_the_same_without_a_clock(small: Recognizer) -> None:
    whole = list(small.transcribe(EXAMPLE))
    with LiveCaptions(small, FakeCapture(ticks_of(EXAMPLE)), modality="av") as captions:
        live = list(captions)
    assert [(event.kind, event.words, event.end) for event in live] == [
        (event.kind, event.words, event.end) for event in whole
    ]


def test_a_picture_that_freezes_while_somebody_speaks_goes_at_once_live_and_in_a_file(
    small: Recognizer,
) -> None:
    ticks, stop = ticks_of(EXAMPLE), 40
    still = ticks[stop - 1].picture
    frozen = [
        replace(tick, picture=None if still is None else still.copy()) if stop <= number < stop + 20 else tick
        for number, tick in enumerate(ticks)
    ]
    gone = [
        replace(tick, picture=None) if stop + LEAST_TICKS - 1 <= number < stop + 20 else tick
        for number, tick in enumerate(ticks)
    ]
    with LiveCaptions(small, FakeCapture(frozen), modality="av") as captions:
        live = [replace(event, emitted=None) for event in captions]
    assert live == pushed(small, frozen, "av")
    assert finals(live) == finals(pushed(small, gone, "av"))
    assert finals(pushed(small, frozen, "video")) != finals(pushed(small, gone, "video")), (
        "nothing else is left"
    )


def pushed(recognizer: Recognizer, ticks: list[Tick], modality: Modality) -> list[Event]:
    """What a stream says of the ticks, a few at a time."""
    stream, events = recognizer.stream(modality), []
    for start in range(0, len(ticks), CHUNK):
        run = ticks[start : start + CHUNK]
        events += stream.push([tick.picture for tick in run], np.concatenate([tick.samples for tick in run]))
    return [*events, *stream.finish()]


def test_stop_finishes_the_last_words(recognizer: Recognizer, ticks: list[Tick]) -> None:
    capture = FakeCapture(ticks, before=lambda tick: captions.stop() if tick == 100 else None)
    captions = LiveCaptions(recognizer, capture, modality="av")
    with captions:
        events = list(captions)
    assert capture.taken in (100, 104)
    assert capture.taken == 104
    assert capture.closed
    with LiveCaptions(recognizer, FakeCapture(ticks[:104]), modality="av") as whole:
        assert finals(events) == finals(list(whole))
    assert captions.poll(0.0) is None


def test_it_ends_after_the_time_asked_for(recognizer: Recognizer, ticks: list[Tick]) -> None:
    with LiveCaptions(recognizer, FakeCapture(ticks), modality="av", duration_s=3.0) as captions:
        assert list(captions)[-1].end == 3.0
    with LiveCaptions(recognizer, FakeCapture(ticks), modality="av", duration_s=3.04) as captions:
        assert list(captions)[-1].end == 3.04


def test_leaving_early_leaves_no_thread(recognizer: Recognizer, ticks: list[Tick]) -> None:
    with LiveCaptions(recognizer, FakeCapture(ticks * 10), modality="av") as captions:
        next(iter(captions))
    assert not [thread for thread in threading.enumerate() if thread.name == "hearsight-live"]


def test_an_input_that_breaks_off_keeps_its_words(recognizer: Recognizer, ticks: list[Tick]) -> None:
    capture = FakeCapture(ticks, error=MediaError("the cable is out"))
    events = []
    with pytest.raises(MediaError, match="cable"), LiveCaptions(recognizer, capture, modality="av") as live:
        for event in live:
            events.append(event)
    assert events[-1].kind == "final"
    assert events[-1].end == 10.0


def test_senses_can_be_chosen_while_it_runs(small: Recognizer) -> None:
    used = []

    def choose(tick: int) -> None:
        used.append(captions.status.senses)
        if tick in choices:
            captions.modality = choices[tick]

    choices = {20: "audio", 40: "video", 60: "av"}
    captions = LiveCaptions(small, FakeCapture(ticks_of(EXAMPLE), before=choose), modality="av")
    with captions:
        list(captions)
    assert used[5] == used[18] == ("audio", "video")
    assert used[8] == ("audio",)
    assert used[13] == ("video",)
    with pytest.raises(ValueError, match="smell"):
        captions.modality = "smell"  # type: ignore[assignment]


def test_noise_is_heard_and_the_lips_are_not_harmed(recognizer: Recognizer, ticks: list[Tick]) -> None:
    quiet = [Tick(None, np.zeros(640, np.float32))] * 50 + ticks
    noise = np.random.default_rng(1).standard_normal(16000).astype(np.float32)
    with LiveCaptions(recognizer, FakeCapture(quiet), modality="av") as captions:
        clean = list(captions)
    with LiveCaptions(recognizer, FakeCapture(quiet), modality="av", mixer=NoiseMixer(noise, -5)) as captions:
        noisy = list(captions)
    assert finals(noisy) != finals(clean)
    with pytest.raises(HearsightError, match="level"):
        recognizer.live(input=str(EXAMPLE), noise=noise)


def test_after_a_time_with_nothing_at_all_it_begins_anew(small: Recognizer) -> None:
    clip = ticks_of(EXAMPLE)
    nothing = [Tick(None, np.zeros(640, np.float32), present=False)] * 60
    with LiveCaptions(small, FakeCapture([*clip, *nothing, *clip]), modality="av") as captions:
        events = [event for event in captions if event.kind == "final"]
    assert [event.text for event in events] == ["set white by k four soon"] * 2
    first, second = ([(word.start, word.end) for word in event.words] for event in events)
    moved = [(start + 5.4, end + 5.4) for start, end in first]
    np.testing.assert_allclose(second, moved, atol=0.045)


def test_a_busy_computer_skips_pictures_and_says_so(small: Recognizer) -> None:
    capture = FakeCapture(ticks_of(EXAMPLE, 2), queued_s=lambda tick: 1.0 if tick < 75 else 0.0)
    controller = EffortController(clock=lambda: capture.now)
    captions = LiveCaptions(small, capture, modality="av", controller=controller)
    with captions:
        events = list(captions)
    assert captions.status.skipped_ticks >= 60
    assert controller.effort is not Effort.FULL
    assert any("computer busy" in notice for notice in captions.status.notices)
    assert count_errors("set white by k four soon", finals(events)[0]).errors <= 1, "by ear, in less time"


def test_with_the_least_effort_waiting_input_is_taken_at_once(
    recognizer: Recognizer, ticks: list[Tick]
) -> None:
    capture = FakeCapture(ticks, queued_s=lambda tick: 5.0)
    controller = EffortController(clock=lambda: capture.now)
    with LiveCaptions(recognizer, FakeCapture(ticks), modality="av") as captions:
        usual = list(captions)
    with LiveCaptions(recognizer, capture, modality="av", controller=controller) as captions:
        least = list(captions)
    assert len(least) < 0.8 * len(usual)
    assert least[-1].end == usual[-1].end


class Recorded:
    """A recorder that keeps chunks, slowly if asked to, or has no room."""

    def __init__(self, *, wait: threading.Event | None = None, error: Exception | None = None) -> None:
        self.chunks: list[Chunk] = []
        self.closed = False
        self._wait, self._error = wait, error

    def write(self, chunk: Chunk) -> None:
        if self._wait is not None:
            self._wait.wait(10)
        if self._error is not None:
            raise self._error
        self.chunks.append(chunk)

    def close(self) -> None:
        self.closed = True


def chunk(start: int) -> Chunk:
    return Chunk(start, [None] * 4, np.zeros(4 * 640, np.float32), np.ones(4, np.bool_))


def test_what_is_recorded_is_complete_and_in_order() -> None:
    recorder = Recorded()
    with RecordingThread(Path("talk.mkv"), recorder) as thread:
        for start in range(0, 400, 4):
            thread.write(chunk(start))
            while len(recorder.chunks) < start // 4 - recording.ROOM_CHUNKS // 2:
                time.sleep(0.001)
        thread.finish()
    assert [each.start for each in recorder.chunks] == list(range(0, 400, 4))
    assert recorder.closed
    assert thread.notices == ()


def test_a_slow_disk_delays_nothing_and_what_is_missing_is_said() -> None:
    go_on = threading.Event()
    recorder = Recorded(wait=go_on)
    with RecordingThread(Path("talk.mkv"), recorder) as thread:
        for start in range(0, 400, 4):
            thread.write(chunk(start))
        [notice] = thread.notices
        go_on.set()
        thread.finish()
    assert "missing from the recording" in notice
    assert len(recorder.chunks) < 100


def test_a_full_disk_ends_the_recording_not_the_words() -> None:
    recorder = Recorded(error=OSError(28, "No space left on device"))
    with RecordingThread(Path("talk.mkv"), recorder) as thread:
        for start in range(0, 40, 4):
            thread.write(chunk(start))
        with pytest.raises(HearsightError, match=r"talk.mkv: No space left on device"):
            thread.finish()
    assert recorder.closed
    assert "recording stopped" in thread.notices[0]
