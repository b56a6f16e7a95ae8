"""How many live streams one server carries: event lag against the number of paced streams.

    python -m benchmarks.serve_load CLIP [--streams 1,4,8,12,16] [--arrivals 32] [--seconds 20] [--cores 0,1]
                                    [--format webm|crops|audio] [--admission] [--separate] [--out DIR]

A server runs in a process of its own, the streams in this one: each plays the clip over and over at its own
pace, sent the way a browser sends it, in slices of 100 ms (webm: VP8 of 640x480, Opus), or as mouth crops and
sound (crops), or as sound alone (audio). Streams begin one after the other, spread over a second.

The lag of an event is the time from when the last moment of input that it has heard was due at a microphone,
to when the event has arrived at the client: waiting for the slice to be full, transport, decoding, face work,
networks and queues are in it. Without --admission the server takes every stream, however late it becomes.
With --arrivals, so many streams come to one more server, one a second, and none leaves: it has to refuse
those that do not fit, and those that run must not notice.
With --separate, each number of streams is also played by as many processes with a stream each, which decode
and recognise the same WebM at its own pace: what the streams would cost without a server.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import math
import multiprocessing
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from websockets.asyncio.client import connect

from benchmarks.serve_curve import plot, sentence, table
from benchmarks.serve_meter import Meter
from hearsight.assets import DEFAULT_MODEL
from hearsight.large_pages import begin_with_large_pages

SLICE_S = 0.1
RECORDER = {"live": "1", "flush_packets": "1", "cluster_size_limit": "1"}
"""FFmpeg writes clusters when they are full: small ones, so that nothing waits there for more to come."""
GOAL_S = 0.7
"""What the lag should be at most, shown in the plot."""
WARM_UP_S = 4.0
"""Events of the first seconds are not counted: networks and threads are still being set up."""


def serve(pipe: Connection, cores: list[int] | None, model: str, admission: bool) -> None:
    """The server's process."""
    if cores is not None:
        os.sched_setaffinity(0, cores)
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    from hearsight.recognizer import Recognizer
    from hearsight.serve import app
    from hearsight.serve.admission import Room
    from hearsight.serve.limits import Limits

    room = Room() if admission else Room(max_streams=10_000, max_lag_s=math.inf, max_share=math.inf)
    limits = Limits(requests_per_minute=1_000_000, connections=10_000)
    options = app.Options(port=0, room=room, limits=limits)
    app.serve(Recognizer.load(model), options, say=pipe.send)


@dataclass(frozen=True)
class Take:
    """What one stream sends.

    Attributes:
        kind: of its binary messages.
        messages: one for each slice of the clip, repeated.
        seconds: how long they last.
    """

    kind: int
    messages: list[bytes]
    seconds: float

    def first(self, seconds: float) -> Take:
        """Its first so many seconds."""
        return Take(self.kind, self.messages[: int(seconds / SLICE_S)], seconds)


@dataclass
class Played:
    """What one stream has met.

    Attributes:
        lags: of its events after the warm-up, each with when it came: seconds, the one since all began.
        finals: texts.
        refused: code of the error, if it was not taken or broke off.
        refused_at: when it was, in seconds since all began.
    """

    lags: list[tuple[float, float]] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    refused: str | None = None
    refused_at: float | None = None


def webm_take(clip: Path, seconds: float) -> Take:
    """The clip over and over as a browser's recorder would send it: each slice ends where its time does."""
    made, marks = io.BytesIO(), []
    with av.open(made, "w", format="webm", options=RECORDER) as out:
        sound = out.add_stream("libopus", rate=48_000)
        picture = out.add_stream("libvpx", rate=25, options={"deadline": "realtime", "cpu-used": "8"})
        pictures, samples, rate = _decoded(clip)
        picture.width, picture.height, picture.pix_fmt = 640, 480, "yuv420p"
        picture.bit_rate = 1_000_000
        resampler, position, index = av.AudioResampler("flt", "mono", 48_000), 0, 0
        while index / 25 < seconds:
            frame = av.VideoFrame.from_ndarray(pictures[index % len(pictures)], "rgb24")
            frame = frame.reformat(640, 480, "yuv420p")
            frame.pts = index
            out.mux(picture.encode(frame))
            step = rate // 25
            part = np.take(samples, range(position, position + step), mode="wrap")[None]
            block = av.AudioFrame.from_ndarray(part.astype(np.float32), "flt", "mono")
            block.sample_rate, block.pts = rate, position
            for resampled in resampler.resample(block):
                out.mux(sound.encode(resampled))
            position, index = position + step, index + 1
            marks.append((index / 25, made.tell()))
    content, messages, start = made.getvalue(), [], 0
    for number in range(1, int(seconds / SLICE_S) + 1):
        end = max((at for when, at in marks if when <= number * SLICE_S + 1e-6), default=0)
        messages.append(content[start:end])
        start = end
    messages[-1] += content[start:]
    return Take(1, messages, seconds)


def _decoded(clip: Path) -> tuple[list[Any], Any, int]:
    from hearsight.capture.files import read_chunks

    chunks = list(read_chunks(clip))
    pictures = [frame for chunk in chunks for frame in chunk.frames if frame is not None]
    return pictures, np.concatenate([chunk.samples for chunk in chunks]), 16_000


def tick_take(clip: Path, seconds: float, *, crops: bool) -> Take:
    """The clip over and over in messages of two and three ticks in turn, which are 100 ms on average."""
    from hearsight.capture.files import read_chunks
    from hearsight.face import FacePath

    face, ticks = FacePath.load(), []
    for chunk in read_chunks(clip):
        mouths = face.process(chunk) if crops else None
        for index in range(len(chunk)):
            sound = (chunk.samples[index * 640 : (index + 1) * 640] * 32767).astype("<i2").tobytes()
            seen = mouths is not None and mouths.video_present[index]
            ticks.append((sound, mouths.pixels[index].tobytes() if mouths is not None and seen else b""))
    messages, start, total = [], 0, int(seconds * 25)
    for number in range(int(seconds / SLICE_S)):
        stop = min(int((number + 1) * SLICE_S * 25), total)
        part = [ticks[tick % len(ticks)] for tick in range(start, stop)]
        head = bytes([len(part), 1, int(crops), 0]) + b"".join(sound for sound, _ in part)
        files = (len(crop).to_bytes(4, "little") + crop for _, crop in part)
        messages.append(head + b"".join(files if crops else ()))
        start = stop
    return Take(2, messages, seconds)


async def play(url: str, take: Take, delay: float) -> Played:
    """One stream from its hello to its end."""
    played, born = Played(), time.perf_counter()
    await asyncio.sleep(delay)
    format = {1: "webm", 2: "ticks"}[take.kind]
    async with connect(f"ws{url.removeprefix('http')}v1/stream", max_size=None) as socket:
        await socket.send(json.dumps({"type": "hello", "version": 1, "format": format}))
        hello = json.loads(await socket.recv())
        if hello["type"] == "error":
            played.refused, played.refused_at = hello["code"], time.perf_counter() - born
            return played
        began = time.perf_counter()
        sending = asyncio.create_task(_send(socket, take, began))
        try:
            async for text in socket:
                arrived, message = time.perf_counter() - began, json.loads(text)
                if message["type"] == "error":
                    played.refused, played.refused_at = message["code"], arrived + began - born
                if message["type"] != "event":
                    continue
                # The last event comes with the end of the input, for which nobody has to wait.
                if WARM_UP_S < message["end"] < take.seconds - 0.5:
                    played.lags.append((arrived + began - born, arrived - message["end"]))
                if message["kind"] == "final":
                    played.finals.append(message["text"])
        finally:
            sending.cancel()
    return played


async def _send(socket: Any, take: Take, began: float) -> None:
    for number, content in enumerate(take.messages):
        await asyncio.sleep(max(0.0, began + (number + 1) * SLICE_S - time.perf_counter()))
        await socket.send(struct.pack("<BI", take.kind, number) + content)
    await socket.send(json.dumps({"type": "end", "next": len(take.messages)}))


async def play_all(url: str, take: Take, streams: int) -> list[Played]:
    """All streams, which begin within a second."""
    return await asyncio.gather(*(play(url, take, index / streams) for index in range(streams)))


@contextmanager
def running(options: argparse.Namespace, admission: bool) -> Iterator[tuple[str, Meter]]:
    """A server, its address, and its meter."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(there, options.cores, options.model, admission))
    server.start()
    try:
        url = here.recv().split()[-1]
        yield url, Meter(psutil.Process(server.pid), url)
    finally:
        server.terminate()
        server.join()


def measure(take: Take, streams: int, options: argparse.Namespace) -> dict[str, Any]:
    """One row of the table, with a server of its own."""

    async def play_and_measure(url: str, meter: Meter) -> list[Played]:
        measuring = asyncio.create_task(meter.run(WARM_UP_S, take.seconds))
        played = await play_all(url, take, streams)
        await measuring
        return played

    with running(options, options.admission) as (url, meter):
        played = asyncio.run(play_and_measure(url, meter))
    taken = [each for each in played if each.refused is None]
    return {
        "streams": streams,
        "taken": len(taken),
        "refused": sorted(each.refused for each in played if each.refused is not None),
        **spread([lag for each in taken for _, lag in each.lags]),
        "cpu_share": round(meter.rates[0], 3),
        "cpu_clients": round(meter.rates[1], 3),
        "cpu_per_stream": round(meter.cost, 4),
        "memory_mb": round(meter.memory / 1e6),
        "texts": len({tuple(each.finals) for each in taken}),
    }


def spread(lags: list[float]) -> dict[str, Any]:
    """How many, and what half, 95 and 99 % of them stay below, in seconds."""
    lags = sorted(lags)
    found: dict[str, Any] = {"events": len(lags)}
    for name, share in (("median_s", 0.5), ("p95_s", 0.95), ("p99_s", 0.99), ("worst_s", 1.0)):
        found[name] = round(lags[int(share * (len(lags) - 1))], 3) if lags else None
    return found


def measure_arrivals(take: Take, streams: int, options: argparse.Namespace) -> dict[str, Any]:
    """Streams come, one a second, to a server that refuses those for which it has no room."""
    parts = [take.first(take.seconds - second) for second in range(streams)]  # all end at the same time

    async def play_all_parts(url: str) -> list[Played]:
        return await asyncio.gather(*(play(url, part, second) for second, part in enumerate(parts)))

    with running(options, admission=True) as (url, _):
        played = asyncio.run(play_all_parts(url))
    taken = [each for each in played if each.refused_at is None]
    refused = sorted(each.refused_at for each in played if each.refused_at is not None)
    turn = refused[0] if refused else math.inf
    lags = [each for stream in taken for each in stream.lags]
    return {
        "came": streams,
        "taken": len(taken),
        "refused": sorted({each.refused for each in played if each.refused is not None}),
        "first_refused_s": None if turn == math.inf else round(turn, 1),
        "before": spread([lag for when, lag in lags if when < turn]),
        "after": spread([lag for when, lag in lags if when >= turn]),
    }


def separately(path: str, ready: Any, begin: Any, results: Any, cores: list[int] | None, model: str) -> None:
    """A process with one stream: the recording at its own pace, without network or server."""
    if cores is not None:
        os.sched_setaffinity(0, cores)
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    from hearsight.recognizer import Recognizer

    recognizer = Recognizer.load(model)
    ready.release()
    begin.wait()
    cpu, lags = time.process_time(), []
    for event in recognizer.transcribe(path, realtime=True):
        if event.emitted is not None and event.end > WARM_UP_S:
            lags.append(event.emitted - event.end)
    results.put((time.process_time() - cpu, psutil.Process().memory_info().rss, lags))


def measure_separately(take: Take, streams: int, options: argparse.Namespace) -> dict[str, Any]:
    """The same streams, a process each."""
    context = multiprocessing.get_context("spawn")
    ready, begin, results = context.Semaphore(0), context.Event(), context.Queue()
    with tempfile.NamedTemporaryFile(suffix=".webm") as file:
        file.write(b"".join(take.messages))
        file.flush()
        arguments = (file.name, ready, begin, results, options.cores, options.model)
        processes = [context.Process(target=separately, args=arguments) for _ in range(streams)]
        for process in processes:
            process.start()
        for _ in processes:
            ready.acquire()
        begin.set()
        found = [results.get() for _ in processes]
        for process in processes:
            process.join()
    lags = sorted(lag for _, _, each in found for lag in each[:-1])
    return {
        "processes": streams,
        "p95_s": round(lags[int(0.95 * (len(lags) - 1))], 3),
        "cpu_per_stream": round(sum(cpu for cpu, _, _ in found) / streams / take.seconds, 4),
        "memory_mb": round(sum(memory for _, memory, _ in found) / 1e6),
    }


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("clip", type=Path)
    about.add_argument("--streams", type=numbers, default=[1, 4, 8, 12, 16])
    about.add_argument("--seconds", type=float, default=20.0)
    about.add_argument("--format", choices=["webm", "crops", "audio"], default="webm")
    about.add_argument("--model", default=DEFAULT_MODEL)
    about.add_argument("--arrivals", type=int, default=0, help="streams that come to a server one a second")
    about.add_argument("--admission", action="store_true", help="let the server refuse streams")
    about.add_argument("--separate", action="store_true", help="also a process for each stream")
    about.add_argument("--cores", type=numbers, help="that the server may use")
    about.add_argument("--out", type=Path, help="folder for results as JSON and SVG")
    options = about.parse_args()
    if options.separate and options.format != "webm":
        about.error("--separate plays a WebM file: leave --format out")
    take = make_take(options, options.seconds)
    rows, arrivals = [], None
    for streams in options.streams:
        rows.append(measure(take, streams, options))
        if options.separate:
            rows[-1]["separate"] = measure_separately(take, streams, options)
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.arrivals:
        long = make_take(options, options.arrivals + options.seconds)
        arrivals = measure_arrivals(long, options.arrivals, options)
        print(f"\n{sentence(arrivals)}")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        found = json.dumps({"streams": rows, "arrivals": arrivals}, indent=1)
        (options.out / f"serve_load_{options.format}.json").write_text(found)
        (options.out / f"serve_load_{options.format}.svg").write_text(plot(rows, GOAL_S))


def make_take(options: argparse.Namespace, seconds: float) -> Take:
    """What each stream sends."""
    if options.format == "webm":
        return webm_take(options.clip, seconds)
    return tick_take(options.clip, seconds, crops=options.format == "crops")


if __name__ == "__main__":
    begin_with_large_pages()
    main()
