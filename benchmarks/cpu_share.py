"""How much of one core live captions take, with what a webcam sends: 640 x 480 at 30 pictures a second.

    python benchmarks/cpu_share.py MANIFEST [--split S ...] [--seconds 60] [--codec mjpeg] [--model NAME|DIR]

Makes a recording of that kind out of the manifest's, plays it in real time through the whole live path, and
prints processor time over time passed: the mean, and that of the busiest ten seconds. Run it with
OMP_NUM_THREADS=1 on an idle computer.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import av
import cv2
import numpy as np
from live_input import joined
from numpy.typing import NDArray

from hearsight.assets import DEFAULT_MODEL
from hearsight.evaluate.latency_run import peak_memory_mb
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.large_pages import begin_with_large_pages
from hearsight.recognizer import Recognizer
from hearsight.types import FRAME_RATE, SAMPLE_RATE

WIDTH, HEIGHT, RATE = 640, 480, 30
PIXELS = {"mjpeg": "yuvj422p", "rawvideo": "yuyv422", "libx264": "yuv420p"}
"""What webcams send: their own JPEG, or nothing compressed; the third is a phone's."""
WINDOW_S = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest")
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--codec", choices=PIXELS, default="mjpeg")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    rows = read_manifest(options.manifest, splits=options.split)
    recognizer = Recognizer.load(options.model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "webcam.mkv")
        write_webcam(rows, path, options.seconds, options.codec)
        shares, finals, skipped = play(recognizer, path)
    print(f"{WIDTH} x {HEIGHT}, {RATE} a second, {options.codec}, {options.seconds:g} s, {finals} finals")
    print(f"CPU, mean                 {100 * shares[0]:.1f} % of one core")
    print(f"CPU, busiest {WINDOW_S:g} s       {100 * max(shares[1:], default=shares[0]):.1f} %")
    print(f"most memory               {peak_memory_mb() or float('nan'):.0f} MB")
    print(f"pictures not looked at    {skipped}")


def play(recognizer: Recognizer, path: Path) -> tuple[list[float], int, int]:
    """Shares of a core (the mean, then one for each window), finals, and pictures passed over."""
    shares, finals = [], 0
    with recognizer.live(input=str(path)) as captions:
        began = since = time.perf_counter(), time.process_time()
        while not captions.ended:
            event = captions.poll(0.5)
            finals += event is not None and event.kind == "final"
            now = time.perf_counter(), time.process_time()
            if now[0] - since[0] >= WINDOW_S:
                shares.append((now[1] - since[1]) / (now[0] - since[0]))
                since = now
        end = time.perf_counter(), time.process_time()
        return [(end[1] - began[1]) / (end[0] - began[0]), *shares], finals, captions.status.skipped_ticks


def write_webcam(rows: Sequence[Row], path: Path, seconds: float, codec: str) -> None:
    """A recording as a webcam makes it, of the manifest's recordings one after the other."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, PIXELS[codec]
        audio = container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
        written = 0
        for tick, (picture, samples) in enumerate(ticks(rows)):
            if tick >= seconds * FRAME_RATE:
                break
            while written * FRAME_RATE < (tick + 1) * RATE:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = written, Fraction(1, RATE)
                container.mux(video.encode(frame))
                written += 1
            sound = av.AudioFrame.from_ndarray(
                np.round(samples * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
            sound.sample_rate, sound.pts = SAMPLE_RATE, tick * len(samples)
            container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode(None))


def ticks(rows: Sequence[Row]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Pictures of a webcam's size and their sound, without end."""
    for row in cycle(rows):
        for chunk in joined([row], ticks=1):
            if (picture := chunk.frames[0]) is not None:
                yield fitted(picture), chunk.samples


def fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As large as fits, with borders at the sides."""
    scale = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left, top = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size)
    return canvas


if __name__ == "__main__":
    begin_with_large_pages()
    main()
