"""Whether words are lost or doubled where recordings meet, and whether first words fare worse than others.

    python benchmarks/borders.py MANIFEST [--split S ...] [--minutes 10] [--model NAME|DIR]

Plays recordings one after the other as a single input through the live path, as fast as it goes, and
compares with what each of them gives by itself. Then says how often the first word of a recording is missed,
and the others: of recordings by themselves, and in the one input. Each speaker's recordings follow each other
in random order; with --mixed those of all speakers do: another face and voice at nearly every border.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from live_input import joined, live_events

from hearsight.assets import DEFAULT_MODEL
from hearsight.evaluate.manifest import Row, read_manifest
from hearsight.evaluate.showing import follow
from hearsight.evaluate.word_errors import align, normalise
from hearsight.recognizer import Recognizer

SECONDS = 3
"""Of a GRID recording, to know how many make the minutes asked for."""


@dataclass(frozen=True)
class Missed:
    """How often first words and other words of the sentences were not recognised as anything."""

    first: int
    firsts: int
    other: int
    others: int

    def __str__(self) -> str:
        shares = ((self.first, self.firsts), (self.other, self.others))
        first, other = (
            f"{100 * missed / max(total, 1):.2f} % ({missed} of {total})" for missed, total in shares
        )
        return f"first words {first}, other words {other}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest")
    parser.add_argument("--split", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mixed", action="store_true", help="another speaker at any border")
    options = parser.parse_args()
    recognizer = Recognizer.load(options.model)
    rows = drawn(read_manifest(options.manifest, splits=options.split), options.minutes, options.seed)
    if not options.mixed:
        rows = sorted(rows, key=lambda row: row.speaker)

    alone = cache(lambda row: words_of(recognizer, row))
    expected = [word for row in rows for word in alone(row)]
    found = follow(live_events(recognizer, joined(rows, recognizer.bundle.config.block))).text.split()
    print(f"{len(rows)} recordings, {len(expected)} words recognised one by one, {len(found)} in one input")
    print_differences(expected, found)
    said = [normalise(row.text).split() for row in rows]
    print(f"missed, one by one:   {missed(said, [alone(row) for row in rows])}")
    print(f"missed, in one input: {missed_in_one(said, found)}")


def drawn(rows: Sequence[Row], minutes: float, seed: int) -> list[Row]:
    """So many minutes of recordings in random order, none again before all have been."""
    number, order = round(60 * minutes / SECONDS), random.Random(seed)
    chosen: list[Row] = []
    while len(chosen) < number:
        chosen += order.sample(rows, len(rows))
    return chosen[:number]


def words_of(recognizer: Recognizer, row: Row) -> list[str]:
    """What a recording gives by itself."""
    return follow(recognizer.transcribe(row.media)).text.split()


def print_differences(expected: Sequence[str], found: Sequence[str]) -> None:
    """Lost, doubled and other words of the one input against the recordings by themselves."""
    lost = doubled = changed = 0
    for before, after in align(expected, found):
        if after is None:
            lost += 1
        elif before is None:
            doubled += 1
        else:
            changed += expected[before] != found[after]
    for name, number in (("lost", lost), ("doubled or added", doubled), ("heard as another", changed)):
        print(f"{name:<20}  {100 * number / max(len(expected), 1):.2f} % ({number})")
    print(f"{'lost or doubled':<20}  {100 * (lost + doubled) / max(len(expected), 1):.2f} %")


def missed(said: Sequence[Sequence[str]], heard: Sequence[Sequence[str]]) -> Missed:
    """Missed words of recordings by themselves."""
    gone = [place for words, got in zip(said, heard, strict=True) for place in missing(words, got)]
    return counted(gone, said)


def missed_in_one(said: Sequence[Sequence[str]], found: Sequence[str]) -> Missed:
    """Missed words of all recordings in one input."""
    places = [place for words in said for place in range(len(words))]
    gone = missing([word for words in said for word in words], found)
    return counted([places[place] for place in gone], said)


def missing(said: Sequence[str], heard: Sequence[str]) -> list[int]:
    """Places of the words for which nothing was heard."""
    return [place for place, other in align(said, heard) if place is not None and other is None]


def counted(gone: Sequence[int], said: Sequence[Sequence[str]]) -> Missed:
    """By place in the sentence."""
    first, total = sum(place == 0 for place in gone), sum(map(len, said))
    return Missed(first, len(said), len(gone) - first, total - len(said))


if __name__ == "__main__":
    main()
