"""Ticks come in real time, whatever the devices do, and are what reading the same from a file gives."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from hearsight.capture import inputs as live_inputs
from hearsight.capture import open_live, queues, read_chunks
from hearsight.errors import HearsightError, MediaError
from tests.capture.fakes import FakeClock, FakeFeed
from tests.capture.media import AAC, Audio, Video, frame_times, write

CLIP = Path(__file__).resolve().parents[2] / "examples" / "set_white_by_k_four_soon.mp4"
PLAYED = (
    f"movie={CLIP}:s=dv+da[v][a];[v]realtime,fps=25[out0];"
    "[a]arealtime,aresample=16000,aformat=channel_layouts=mono[out1]"
)


@pytest.fixture
def patience(monkeypatch):
    """The computer that runs the tests may be slow."""
    monkeypatch.setattr(queues, "_PATIENCE_S", 5.0)


def gather(chunks):
    """Pictures, samples, whether there is sound, after checking that no tick is missing."""
    pictures, samples, present = [], [np.zeros(0, np.float32)], [np.zeros(0, np.bool_)]
    for chunk in chunks:
        assert chunk.start == len(pictures)
        assert len(chunk.samples) == 640 * len(chunk) == 640 * len(chunk.audio_present)
        pictures += chunk.frames
        samples.append(chunk.samples)
        present.append(chunk.audio_present)
    return pictures, np.concatenate(samples), np.concatenate(present)


def assert_same(live, read):
    assert len(live[0]) == len(read[0])
    np.testing.assert_array_equal(live[1], read[1])
    np.testing.assert_array_equal(live[2], read[2])
    for picture, expected in zip(live[0], read[0], strict=True):
        assert (picture is None) == (expected is None)
        np.testing.assert_array_equal(picture, expected)


def timed(capture, clock):
    """The chunks, each with how long after its end it came, in seconds."""
    return [(chunk, clock.now() - capture.began - (chunk.start + len(chunk)) / 25) for chunk in capture]


# Files and graphs


@pytest.mark.parametrize(
    "streams",
    [
        (Video(times=frame_times(25, 0.7)), Audio(spans=[(0.0, 0.7)])),
        (Video(times=frame_times(30, 0.7, 0.31)), Audio(spans=[(0.0, 0.5)])),
        (Video(times=frame_times(10, 0.7)),),
        (Audio(spans=[(0.0, 0.1), (0.5, 0.7)], codec="pcm_s16le"), Video(times=frame_times(25, 0.3))),
        (AAC,),
    ],
    ids=["both", "30 fps and late", "pictures", "holes", "sound"],
)
@pytest.mark.parametrize("ticks", [1, 4])
def test_a_file_played_live_gives_what_reading_it_gives(streams, ticks, tmp_path):
    path = write(tmp_path / "clip.mkv", *streams)
    with open_live(input=str(path), ticks=ticks) as capture:
        live = gather(capture)
    assert_same(live, gather(read_chunks(path)))


def test_a_file_is_played_at_its_own_pace(tmp_path):
    path = write(tmp_path / "clip.mkv", Video(times=frame_times(25, 0.8)), Audio(spans=[(0.0, 0.8)]))
    with open_live(input=str(path), ticks=1) as capture:
        for chunk in capture:
            assert time.monotonic() - capture.began >= (chunk.start + 1) / 25


def test_a_file_loses_nothing_when_nobody_listens_for_a_while(tmp_path):
    path = write(tmp_path / "clip.mkv", Video(times=frame_times(25, 0.6)), Audio(spans=[(0.0, 0.6)]))
    with open_live(input=str(path)) as capture:
        time.sleep(1.0)
        assert capture.status.queued_s == pytest.approx(1.0, abs=0.5)
        live = gather(capture)
        assert capture.status.queued_s == 0.0
    assert_same(live, gather(read_chunks(path)))


def test_a_graph_played_as_camera_and_microphone_gives_what_reading_it_gives(patience):
    with open_live(input=PLAYED, format="lavfi") as capture:
        live = gather(capture)
        status = capture.status
    assert_same(live, gather(read_chunks(PLAYED, format="lavfi")))
    assert status.video_fps == pytest.approx(25, abs=0.5)
    assert (status.dropped_frames, status.dropped_samples) == (0, 0)


def test_what_comes_faster_than_it_plays_is_played_at_its_own_pace(patience):
    graph = "testsrc=duration=1.6:rate=25:size=64x48[out0];sine=duration=1.6:sample_rate=16000[out1]"
    with open_live(input=graph, format="lavfi") as capture:
        live = gather(capture)
        took = time.monotonic() - capture.began
    assert_same(live, gather(read_chunks(graph, format="lavfi")))
    assert took >= 1.5


def test_an_input_without_end_that_breaks_off_is_opened_again(monkeypatch):
    monkeypatch.setattr(live_inputs, "is_endless", lambda source, format: True)
    graph = "testsrc=duration=0.4:rate=25:size=64x48,realtime[out0];sine=duration=0.4,arealtime[out1]"
    seen = []
    with open_live(input=graph, format="lavfi", ticks=1) as capture:
        for chunk in capture:
            seen.append(chunk.frames[0] is not None and bool(chunk.audio_present[0]))
            if len(seen) == 50:
                capture.stop()
                break
    # There are ticks without in between, and more with afterwards.
    assert all(seen[:8])
    assert not all(seen)
    assert sum(seen) > 15


@pytest.mark.parametrize(
    ("source", "format", "endless"),
    [
        ("rtsp://camera/1", None, True),
        ("http://host/talk.mp4", None, False),
        ("/dev/video0", "v4l2", True),
        ("testsrc", "lavfi", False),
    ],
)
def test_cameras_have_no_end_and_recordings_have(source, format, endless):
    assert live_inputs.is_endless(source, format) is endless


def test_an_input_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(MediaError, match="does not exist"), open_live(input=str(tmp_path / "no.mkv")):
        pass


def test_without_camera_and_microphone_there_is_nothing_to_do():
    with pytest.raises(HearsightError, match="nothing to caption"):
        open_live(camera=None, microphone=None)


def test_stop_from_another_thread_ends_after_what_was_captured():
    graph = "testsrc=rate=25:size=64x48,realtime[out0];sine=sample_rate=16000,arealtime[out1]"
    with open_live(input=graph, format="lavfi") as capture:
        threading.Timer(0.5, capture.stop).start()
        pictures, _, _ = gather(capture)
        passed = time.monotonic() - capture.began
    assert 10 <= len(pictures) <= 25 * passed + 5


# By a clock that takes no time


def test_ticks_come_as_soon_as_they_are_over():
    clock = FakeClock()
    with FakeFeed(clock, delay=0.01).capture(ticks=1) as capture:
        chunks = timed(capture, clock)
    assert len(chunks) == 250
    assert all(0 <= late <= 0.06 for _, late in chunks)
    assert all(chunk.frames[0] is not None and chunk.audio_present.all() for chunk, _ in chunks)


@pytest.mark.parametrize("missing", ["pictures", "sound"])
def test_ticks_go_on_when_a_device_delivers_nothing_for_a_while(missing):
    clock = FakeClock()
    feed = FakeFeed(clock, **{f"{missing}_missing": (2.0, 6.0)})
    with feed.capture(ticks=1) as capture:
        chunks = timed(capture, clock)
    assert len(chunks) == 250
    assert all(late <= 0.35 for _, late in chunks)
    # Once it is known to be missing, nothing waits for it.
    assert all(late <= 0.06 for chunk, late in chunks if chunk.start > 60)
    if missing == "sound":
        present = [bool(chunk.audio_present[0]) for chunk, _ in chunks]
        assert present == [True] * 50 + [False] * 100 + [True] * 100
        assert all(chunk.frames[0] is not None for chunk, _ in chunks)
    else:
        present = [chunk.frames[0] is not None for chunk, _ in chunks]
        # The last picture stands for half a second.
        assert present == [True] * 62 + [False] * 88 + [True] * 100
        assert all(chunk.audio_present.all() for chunk, _ in chunks)


def test_late_pictures_are_waited_for_and_shown_in_their_tick():
    clock = FakeClock()
    feed = FakeFeed(clock, delay=0.2, look=lambda number: number)
    with feed.capture(ticks=1) as capture:
        shown = [int(chunk.frames[0].mean()) for chunk in capture]
    assert shown == pytest.approx(list(range(250)), abs=1)


def test_a_slow_camera_does_not_delay_the_sound():
    clock = FakeClock()
    with FakeFeed(clock, fps=4).capture(ticks=1) as capture:
        chunks = timed(capture, clock)
    assert all(late <= 0.08 for chunk, late in chunks if chunk.start > 50)
    assert all(chunk.frames[0] is not None for chunk, _ in chunks)


def test_what_nobody_takes_is_dropped_and_counted():
    clock = FakeClock()
    with FakeFeed(clock, seconds=60).capture() as capture:
        clock.pass_time(30.0)
        assert capture.status.queued_s == pytest.approx(30.0, abs=0.1)
        assert capture.status.dropped_frames == pytest.approx(20 * 25, abs=5)
        assert capture.status.dropped_samples == pytest.approx(20 * 16_000, abs=2_000)
        dropped = capture.status.dropped_frames
        pictures, _, present = gather(capture)
        assert capture.status.dropped_frames == dropped
    # The clock does not lose a tick by it.
    assert len(pictures) == 1500
    assert present[:495].sum() == 0
    assert present[505:].all()


def test_pictures_a_second_are_counted_by_time_stamps():
    clock = FakeClock()
    with FakeFeed(clock, fps=30, pictures_missing=(5.0, 10.0)).capture() as capture:
        rates = {chunk.start: capture.status.video_fps for chunk in capture}
    assert rates[100] == pytest.approx(30, abs=0.5)
    assert rates[240] == 0.0


def test_the_status_says_what_is_missing():
    clock = FakeClock()
    feed = FakeFeed(clock, pictures_missing=(2.0, 4.0), sound_missing=(5.0, 7.0))
    with feed.capture(ticks=1) as capture:
        states = [(capture.status.audio, capture.status.video) for _ in capture]
    assert states[25] == ("ok", "ok")
    assert states[90] == ("ok", "lost")
    assert states[110] == ("ok", "ok")
    assert states[160] == ("lost", "ok")
    assert states[190] == ("ok", "ok")


def test_a_sense_that_was_not_asked_for_is_not_lost():
    clock = FakeClock()
    with FakeFeed(clock, fps=0).capture() as capture:
        pictures, _, present = gather(capture)
        assert (capture.status.audio, capture.status.video) == ("ok", "none")
    assert pictures == [None] * 250
    assert present.all()


def test_four_minutes_take_no_more_memory_than_one():
    clock, process, memory = FakeClock(), psutil.Process(), []
    with FakeFeed(clock, seconds=240.0, pictures_missing=(120.0, 180.0)).capture() as capture:
        for chunk in capture:
            if chunk.start % 500 == 0:
                memory.append(process.memory_info().rss / 1e6)
    assert max(memory) - memory[3] < 5.0
