"""How many live streams one server carries: event lag against the number of paced streams.

    python benchmarks/serve_load.py CLIP [--streams 1,4,8,12,16] [--seconds 20] [--format webm|crops|audio]
                                    [--admission] [--separate] [--cores 0,1] [--out DIR]

A server runs in a process of its own, the streams in this one: each plays the clip over and over at its own
pace, sent the way a browser sends it, in slices of 100 ms (webm: VP8 of 640x480, Opus), or as mouth crops and
sound (crops), or as sound alone (audio). Streams begin one after the other, spread over a second.

The lag of an event is the time from when the last moment of input that it has heard was due at a microphone,
to when the event has arrived at the client: waiting for the slice to be full, transport, decoding, face work,
networks and queues are in it. Without --admission the server takes every stream, however late it becomes.
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
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from websockets.asyncio.client import connect

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
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
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


@dataclass
class Played:
    """What one stream has met.

    Attributes:
        lags: of its events in seconds, after the warm-up.
        finals: texts.
        refused: code of the error, if it was not taken or broke off.
    """

    lags: list[float] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    refused: str | None = None


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
    played = Played()
    await asyncio.sleep(delay)
    format = {1: "webm", 2: "ticks"}[take.kind]
    async with connect(f"ws{url.removeprefix('http')}v1/stream", max_size=None) as socket:
        await socket.send(json.dumps({"type": "hello", "version": 1, "format": format}))
        hello = json.loads(await socket.recv())
        if hello["type"] == "error":
            played.refused = hello["code"]
            return played
        began = time.perf_counter()
        sending = asyncio.create_task(_send(socket, take, began))
        try:
            async for text in socket:
                arrived, message = time.perf_counter() - began, json.loads(text)
                if message["type"] == "error":
                    played.refused = message["code"]
                if message["type"] != "event":
                    continue
                # The last event comes with the end of the input, for which nobody has to wait.
                if WARM_UP_S < message["end"] < take.seconds - 0.5:
                    played.lags.append(arrived - message["end"])
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


def measure(clip: Path, take: Take, streams: int, options: argparse.Namespace) -> dict[str, Any]:
    """One row of the table, with a server of its own."""
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(there, options.cores, options.model, options.admission))
    server.start()
    try:
        url = here.recv().split()[-1]
        process = psutil.Process(server.pid)
        cpu = sum(process.cpu_times()[:2])
        began = time.perf_counter()
        played = asyncio.run(play_all(url, take, streams))
        wall = time.perf_counter() - began
        cpu = sum(process.cpu_times()[:2]) - cpu
        memory = process.memory_info().rss
    finally:
        server.terminate()
        server.join()
    taken = [each for each in played if each.refused is None]
    lags = sorted(lag for each in taken for lag in each.lags)
    return {
        "streams": streams,
        "taken": len(taken),
        "refused": sorted(each.refused for each in played if each.refused is not None),
        "events": len(lags),
        "median_s": round(statistics.median(lags), 3) if lags else None,
        "p95_s": round(lags[int(0.95 * (len(lags) - 1))], 3) if lags else None,
        "worst_s": round(lags[-1], 3) if lags else None,
        "cpu_share": round(cpu / wall, 3),
        "cpu_per_stream": round(cpu / max(1, len(taken)) / take.seconds, 4),
        "memory_mb": round(memory / 1e6),
        "texts": len({tuple(each.finals) for each in taken}),
    }


def separately(path: str, ready: Any, begin: Any, results: Any, cores: list[int] | None, model: str) -> None:
    """A process with one stream: the recording at its own pace, without network or server."""
    if cores is not None:
        os.sched_setaffinity(0, cores)
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
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


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """For people."""
    heads = [
        "streams",
        "taken",
        "median lag",
        "p95 lag",
        "worst",
        "processors",
        "CPU s per stream s",
        "memory",
    ]
    if separate := any("separate" in row for row in rows):
        heads += ["as processes: p95 lag", "CPU s per stream s", "memory"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in rows:
        cells = [row["streams"], row["taken"], *(milliseconds(row[key]) for key in LAGS)]
        cells += [row["cpu_share"], row["cpu_per_stream"], f"{row['memory_mb']} MB"]
        if separate:
            other = row["separate"]
            cells += [milliseconds(other["p95_s"]), other["cpu_per_stream"], f"{other['memory_mb']} MB"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


LAGS = ("median_s", "p95_s", "worst_s")


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """The curve as SVG: median and 95th percentile of the lag against the number of streams."""
    rows = [row for row in rows if row["p95_s"] is not None]
    width, height, left, bottom = 640, 400, 60, 50
    most = max(row["streams"] for row in rows)
    top_s = max(1.0, min(5.0, 1.1 * max(row["p95_s"] for row in rows)))

    def x(streams: float) -> float:
        return left + (width - left - 20) * streams / most

    def y(seconds: float) -> float:
        return (height - bottom) * (1 - min(seconds, top_s) / top_s) + 10

    parts = [
        f'<line x1="{left}" x2="{width - 20}" y1="{y(GOAL_S):.1f}" y2="{y(GOAL_S):.1f}" stroke="#888" '
        'stroke-dasharray="5 4"/>',
        f'<path d="M{left} 10 V{height - bottom + 10} H{width - 20}" fill="none" stroke="black"/>',
        f'<text x="{width / 2}" y="{height - 5}" text-anchor="middle">live streams</text>',
        f'<text x="{left + 8}" y="20">lag of events, s</text>',
    ]
    for seconds in np.arange(0, top_s + 0.01, 0.5 if top_s > 2 else 0.1):
        parts.append(f'<text x="{left - 8}" y="{y(seconds) + 4:.1f}" text-anchor="end">{seconds:g}</text>')
    for row in rows:
        place = f'x="{x(row["streams"]):.1f}" y="{height - bottom + 28}"'
        parts.append(f'<text {place} text-anchor="middle">{row["streams"]}</text>')
    for key, name, colour in (("p95_s", "95 % within", "#d55e00"), ("median_s", "half within", "#0072b2")):
        points = " ".join(f"{x(row['streams']):.1f},{y(row[key]):.1f}" for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        end = f'x="{width - 24}" y="{y(rows[-1][key]) - 6:.1f}"'
        parts.append(f'<text {end} text-anchor="end" fill="{colour}">{name}</text>')
    parts.insert(0, f'<rect width="{width}" height="{height}" fill="white"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    return f'{head}font-family="sans-serif" font-size="12">{"".join(parts)}</svg>\n'


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def main() -> None:
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("clip", type=Path)
    about.add_argument("--streams", type=numbers, default=[1, 4, 8, 12, 16])
    about.add_argument("--seconds", type=float, default=20.0)
    about.add_argument("--format", choices=["webm", "crops", "audio"], default="webm")
    about.add_argument("--model", default="small")
    about.add_argument("--admission", action="store_true", help="let the server refuse streams")
    about.add_argument("--separate", action="store_true", help="also a process for each stream")
    about.add_argument("--cores", type=numbers, help="that the server may use")
    about.add_argument("--out", type=Path, help="folder for results as JSON and SVG")
    options = about.parse_args()
    if options.separate and options.format != "webm":
        about.error("--separate plays a WebM file: leave --format out")
    if options.format == "webm":
        take = webm_take(options.clip, options.seconds)
    else:
        take = tick_take(options.clip, options.seconds, crops=options.format == "crops")
    rows = []
    for streams in options.streams:
        rows.append(measure(options.clip, take, streams, options))
        if options.separate:
            rows[-1]["separate"] = measure_separately(take, streams, options)
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"serve_load_{options.format}.json").write_text(json.dumps(rows, indent=1))
        (options.out / f"serve_load_{options.format}.svg").write_text(plot(rows))


if __name__ == "__main__":
    main()
