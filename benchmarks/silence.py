"""Words heard where nobody speaks: a silent visible face with room noise, and no face.

    python benchmarks/silence.py MANIFEST [--split S ...] [--minutes 5] [--model NAME|DIR]

The silent faces are the beginnings of the recordings, up to shortly before the first word, played to and
fro; another one every ten seconds. The noise of the room is made: pink, with the hum of the mains, with and
without knocks. All of it goes through the live path, as fast as it can. Prints the words of each input.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import chain, cycle, islice

import numpy as np
from live_input import live_events
from numpy.typing import NDArray

from hearsight.assets import DEFAULT_MODEL
from hearsight.capture.files import read_chunks
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.recognizer import Recognizer
from hearsight.types import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, Chunk

Picture = NDArray[np.uint8]

LEVELS_DBFS = (-60.0, -45.0, -30.0)
"""Of the room: a quiet one, an ordinary one, one with a loud fan."""
SPEECH_BEGINS_S = 0.2
"""Lips open before a word is heard: so much before the first word is not taken."""
SCENE_S = 10.0
"""Time for which one silent face is shown."""
HUM_HZ = 50.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest")
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    recognizer = Recognizer.load(options.model)
    block, ticks = recognizer.bundle.config.block, round(60 * options.minutes * FRAME_RATE)
    rows = [row for row in read_manifest(options.manifest, splits=options.split) if row.words]
    for level in LEVELS_DBFS:
        for knocks in (False, True):
            sound = room(ticks, level, knocks=knocks)
            name = f"{level:.0f} dBFS" + (" with knocks" if knocks else "")
            views: dict[str, Iterator[Picture | None]] = {
                "silent face": silent_faces(rows),
                "no face": empty_room(),
                "no camera": cycle([None]),
            }
            for view, pictures in views.items():
                events = live_events(recognizer, chunks(pictures, sound, block))
                words = [word.text for event in events if event.kind == "final" for word in event.words]
                shown = {event.text for event in events if event.kind == "partial" and event.words}
                print(
                    f"{view:<12} {name:<22} {len(words)} words in {options.minutes:g} min, "
                    f"{len(shown)} different partials  {' '.join(words[:12])}",
                    flush=True,
                )


def chunks(pictures: Iterator[Picture | None], sound: NDArray[np.float32], block: int) -> Iterator[Chunk]:
    """Pictures and sound in step, for as long as there is sound."""
    for start in range(0, len(sound) // SAMPLES_PER_FRAME, block):
        samples = sound[start * SAMPLES_PER_FRAME : (start + block) * SAMPLES_PER_FRAME]
        size = len(samples) // SAMPLES_PER_FRAME
        yield Chunk(start, list(islice(pictures, size)), samples, np.ones(size, np.bool_))


def silent_faces(rows: Sequence[Row]) -> Iterator[Picture]:
    """Faces that say nothing, without end."""
    for row in cycle(rows):
        still = before_speech(row)
        if len(still) >= FRAME_RATE // 4:
            to_and_fro = [*still, *still[-2:0:-1]]
            # Copies: the same array again would mean that no new picture has come.
            yield from (picture.copy() for picture in islice(cycle(to_and_fro), round(SCENE_S * FRAME_RATE)))


def before_speech(row: Row) -> list[Picture]:
    """The pictures of a recording before its speaker begins."""
    assert row.words
    end = round((row.words[0][1] - SPEECH_BEGINS_S) * FRAME_RATE)
    pictures = chain.from_iterable(chunk.frames for chunk in read_chunks(row.media))
    return [picture for picture in islice(pictures, max(end, 0)) if picture is not None]


def empty_room() -> Iterator[Picture]:
    """A wall and a window seen by a camera with some noise, without end."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:240, :320]
    wall = 90 + rows[..., None] * [0.10, 0.08, 0.06] + columns[..., None] * [0.05, 0.05, 0.06]
    wall[40:140, 200:280] = [190, 205, 220]
    while True:
        yield np.clip(wall + generator.normal(0, 2, wall.shape), 0, 255).astype(np.uint8)


def room(ticks: int, level_dbfs: float, *, knocks: bool, seed: int = 0) -> NDArray[np.float32]:
    """``(ticks * 640,)``: pink noise and hum of a level, and knocks 20 dB above it every few seconds."""
    generator = np.random.default_rng(seed)
    length = ticks * SAMPLES_PER_FRAME
    noise = pink(length, generator) + 0.3 * np.sin(2 * np.pi * HUM_HZ / SAMPLE_RATE * np.arange(length))
    noise *= 10 ** (level_dbfs / 20) / np.sqrt(np.mean(np.square(noise)))
    if knocks:
        decay = np.exp(-np.arange(SAMPLE_RATE // 4) / (0.02 * SAMPLE_RATE))
        peak = 10 ** ((level_dbfs + 20) / 20)
        for start in np.cumsum(generator.uniform(1.0, 6.0, ticks // FRAME_RATE)):
            place = int(start * SAMPLE_RATE)
            if place + len(decay) < length:
                noise[place : place + len(decay)] += peak * decay * generator.normal(0, 1, len(decay))
    return np.clip(noise, -1, 1).astype(np.float32)


def pink(length: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Noise of equal power in every octave, of power about 1."""
    spectrum = np.fft.rfft(generator.normal(0, 1, length))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 20.0))
    noise = np.fft.irfft(spectrum, length)
    return noise / np.sqrt(np.mean(np.square(noise)))


if __name__ == "__main__":
    main()
