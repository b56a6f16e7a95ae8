"""Whether bad pictures make recognition worse than none: audio + video against audio alone.

    python benchmarks/never_worse.py MANIFEST [--split S ...] [--limit N] [--case NAME ...]
                                     [--noise FILE --snr DB] [--model M]

Spoils the pictures of every recording in several ways, plays it through the live path as fast as it goes, and
prints word error rates as a table for each split, with the difference from audio alone and its 95 % interval
(paired bootstrap over recordings).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from live_input import live_events
from numpy.typing import NDArray

from hearsight.assets import DEFAULT_MODEL
from hearsight.capture.files import read_chunks
from hearsight.evaluate.latency_run import spread
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.evaluate.noise import add_noise, read_noise
from hearsight.evaluate.showing import follow
from hearsight.evaluate.word_errors import WordErrors, count_errors, pooled
from hearsight.face import FacePath
from hearsight.face.mesh import OUTER_LIPS
from hearsight.recognizer import Recognizer
from hearsight.types import FRAME_RATE, SAMPLES_PER_FRAME, Chunk, Modality

Pictures = list[NDArray[np.uint8] | None]

SHIFT_TICKS = FRAME_RATE // 5
DARKNESS = 0.04
"""What is left of the light; the camera's noise stays."""
MASK = (120, 150, 190)
"""Colour of what covers the mouth."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Clip:
    """A recording: its pictures, ``(ticks * 640,)`` sound, and the pictures of somebody else."""

    pictures: Pictures
    samples: NDArray[np.float32]
    other: Pictures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest")
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--limit", type=int, help="recordings of each split at most")
    parser.add_argument("--case", action="append", choices=SPOILED, help="only this one; repeat for several")
    parser.add_argument("--noise")
    parser.add_argument("--snr", type=float)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    options = parser.parse_args()
    if (options.noise is None) != (options.snr is None):
        parser.error("noise and its level go together: give both --noise FILE and --snr DB")
    cases = {name: SPOILED[name] for name in options.case or SPOILED}
    recognizer = Recognizer.load(options.model)
    rows = read_manifest(options.manifest, splits=options.split)
    noise = None if options.noise is None else read_noise(options.noise)
    for split in dict.fromkeys(row.split for row in rows):
        errors: dict[str, list[WordErrors]] = {name: [] for name in ("audio alone", *cases)}
        for row in spread([row for row in rows if row.split == split], options.limit):
            clip = load(row, somebody_else(row, rows))
            samples = (
                clip.samples if noise is None else add_noise(clip.samples, noise, options.snr, key=row.id)
            )
            errors["audio alone"].append(heard(recognizer, row, clip.pictures, samples, "audio"))
            for name, spoil in cases.items():
                errors[name].append(heard(recognizer, row, spoil(clip), samples, "av"))
        print_table(split, errors)


def load(row: Row, other: Row | None) -> Clip:
    """A recording, with the pictures of another."""
    chunks = list(read_chunks(row.media))
    pictures = [picture for chunk in chunks for picture in chunk.frames]
    others: Pictures = []
    if other is not None:
        others += [picture for chunk in read_chunks(other.media) for picture in chunk.frames]
    # The last picture stands to the end, as a camera's would, in arrays of their own.
    others += [None if not others or others[-1] is None else others[-1].copy() for _ in pictures]
    samples = np.concatenate([chunk.samples for chunk in chunks])
    return Clip(pictures, samples, others[: len(pictures)])


def somebody_else(row: Row, rows: Sequence[Row]) -> Row | None:
    """A recording of another speaker, always the same for the same row; None if there is only one."""
    others = [other for other in rows if other.speaker != row.speaker]
    return others[rows.index(row) % len(others)] if others else None


def heard(
    recognizer: Recognizer, row: Row, pictures: Pictures, samples: NDArray[np.float32], modality: Modality
) -> WordErrors:
    """Word errors of a recording, played live with these pictures."""
    chunks = cut(pictures, samples, recognizer.bundle.config.block)
    return count_errors(row.text, follow(live_events(recognizer, chunks, modality)).text)


def cut(pictures: Pictures, samples: NDArray[np.float32], block: int) -> Iterator[Chunk]:
    """Chunks of so many ticks at most."""
    for start in range(0, len(pictures), block):
        part = pictures[start : start + block]
        sound = samples[start * SAMPLES_PER_FRAME : (start + len(part)) * SAMPLES_PER_FRAME]
        yield Chunk(start, part, sound, np.ones(len(part), np.bool_))


def missing(clip: Clip) -> Pictures:
    return [None] * len(clip.pictures)


def frozen(clip: Clip) -> Pictures:
    """Stands still from the first second on, in arrays of their own, as a broken camera sends them."""
    still = clip.pictures[FRAME_RATE - 1]
    rest = [None if still is None else still.copy() for _ in clip.pictures[FRAME_RATE:]]
    return clip.pictures[:FRAME_RATE] + rest


def occluded(clip: Clip) -> Pictures:
    """Something flat before the mouth that moves with the head."""
    path = face_path()
    path.reset()
    path.process(Chunk(0, clip.pictures, np.zeros(0, np.float32), np.zeros(0, np.bool_)))
    covered: Pictures = []
    for picture, track in zip(clip.pictures, path.last, strict=True):
        if picture is None or track is None:
            covered.append(picture)
            continue
        left, top, right, bottom = track.box
        x, y = track.landmarks[list(OUTER_LIPS)].mean(axis=0)
        axes = round(0.40 * (right - left)), round(0.22 * (bottom - top))
        covered.append(cv2.ellipse(picture.copy(), (round(x), round(y)), axes, 0, 0, 360, MASK, -1))
    return covered


def dark(clip: Clip) -> Pictures:
    """By far too little light, and the camera's noise."""
    generator = np.random.default_rng(0)
    return [
        None
        if picture is None
        else np.clip(DARKNESS * picture + generator.normal(2, 2, picture.shape), 0, 255).astype(np.uint8)
        for picture in clip.pictures
    ]


def another_person(clip: Clip) -> Pictures:
    return clip.other


def late(clip: Clip) -> Pictures:
    return [*clip.pictures[:1] * SHIFT_TICKS, *clip.pictures[:-SHIFT_TICKS]]


def early(clip: Clip) -> Pictures:
    return [*clip.pictures[SHIFT_TICKS:], *clip.pictures[-1:] * SHIFT_TICKS]


SPOILED: dict[str, Callable[[Clip], Pictures]] = {
    "as recorded": lambda clip: clip.pictures,
    "missing": missing,
    "frozen": frozen,
    "mouth covered": occluded,
    "dark": dark,
    "another person": another_person,
    "200 ms late": late,
    "200 ms early": early,
}


@cache
def face_path() -> FacePath:
    return FacePath.load()


def print_table(split: str, errors: dict[str, list[WordErrors]]) -> None:
    """Markdown."""
    alone = errors.pop("audio alone")
    total = pooled(alone)
    print(f"{split}: {len(alone)} recordings, {total.words} words, audio alone {total.percent:.1f} %\n")
    print("| pictures | audio + video, words wrong % | worse than audio alone by, points (95 % interval) |")
    print("| --- | --- | --- |")
    for name, counts in errors.items():
        low, high = interval(counts, alone)
        worse = pooled(counts).percent - total.percent
        print(f"| {name} | {pooled(counts).percent:.1f} | {worse:+.1f} ({low:+.1f} to {high:+.1f}) |")
    print(flush=True)


def interval(counts: Sequence[WordErrors], alone: Sequence[WordErrors]) -> tuple[float, float]:
    """Of the difference in points: 95 % of the resampled ones."""
    more = np.array([a.errors - b.errors for a, b in zip(counts, alone, strict=True)])
    words = np.array([one.words for one in alone])
    drawn = np.random.default_rng(0).integers(len(words), size=(RESAMPLES, len(words)))
    differences = 100 * more[drawn].sum(axis=1) / words[drawn].sum(axis=1)
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
