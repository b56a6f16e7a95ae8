"""Chooses sentences to be spoken: a mix of sources, no sentence twice, every word in the dictionaries."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hearsight.errors import HearsightError
from hearsight.lab.synth import grammars, sentences
from hearsight.lab.synth.speech import Pronouncer

MIX = {"wordnet": 5.0, "fortunes": 2.0, "templates": 2.0, "grid": 1.0}
"""Shares of the sources where none are asked for; those that are not installed are left out."""
_PATIENCE = 500
"""After so many sentences in a row that cannot be used, what makes them up is taken to be exhausted."""
_MADE_UP = {"templates": grammars.templates, "grid": grammars.grid}


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen.

    Attributes:
        sentences: ``(source, text)`` in the order in which they are to be spoken.
        looked_at: candidates by source, chosen or not.
        left_out: why a source of the usual mix has no part in it, one sentence each.
    """

    sentences: list[tuple[str, str]]
    looked_at: dict[str, int]
    left_out: list[str]

    def describe(self) -> list[str]:
        """A line on what was found, and one on each source that was not."""
        found = Counter(source for source, _ in self.sentences)
        parts = [
            f"{found[source]} from {source} ({seen} looked at)" for source, seen in self.looked_at.items()
        ]
        return [
            f"{len(self.sentences)} sentences: {', '.join(parts)}",
            *map("left out: {}".format, self.left_out),
        ]

    def write(self, path: Path) -> None:
        """Write the texts, one a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{text}\n" for _, text in self.sentences), encoding="utf-8")


def parse_mix(asked: list[str]) -> dict[str, float]:
    """Shares by source from ``NAME[=SHARE]`` or ``FILE[=SHARE]``; the usual mix for an empty list.

    Raises:
        HearsightError: a share is not a positive number.
    """
    mix: dict[str, float] = {}
    for each in asked:
        name, equals, share = each.rpartition("=")
        try:
            mix[name if equals else each] = float(share) if equals else 1.0
        except ValueError:
            mix[each] = 1.0  # a file with = in its name
    for name, part in mix.items():
        if not 0 < part < float("inf"):
            raise HearsightError(f"{name}: a share must be a number over 0, as in grid=2")
    return mix or dict(MIX)


def select(
    mix: Mapping[str, float],
    count: int,
    seed: int,
    pronouncers: list[Pronouncer],
    *,
    wordnet: Path = sentences.WORDNET,
    fortunes: Path = sentences.FORTUNES,
) -> Selection:
    """Choose ``count`` sentences, or as many as there are; the same for the same seed and sources.

    Args:
        mix: share by source: wordnet, fortunes, templates, grid, or the path of a text file.
        count: how many.
        seed: of chance.
        pronouncers: a sentence must have a pronunciation by each.
        wordnet: folder of WordNet's data files.
        fortunes: folder of fortunes.

    Raises:
        HearsightError: a source that was asked for is not there, or not one sentence can be used.
    """
    looked_at: Counter[str] = Counter()
    left_out: list[str] = []
    taken: dict[str, str] = {}
    queues: dict[str, Iterator[str]] = {}
    for name in mix:
        rng = random.Random(f"text {seed} {name}")
        try:
            candidates = _candidates(name, rng, wordnet, fortunes)
        except HearsightError as error:
            if mix != MIX:
                raise
            left_out.append(str(error))
            continue
        queues[name] = _usable(
            candidates, taken, pronouncers, partial(looked_at.update, [name]), finite=name not in _MADE_UP
        )
    spread: Counter[str] = Counter()
    while queues and len(taken) < count:
        total = sum(mix[name] for name in queues)
        behind = {name: mix[name] / total * (len(taken) + 1) - spread[name] for name in queues}
        source = max(behind, key=lambda name: behind[name])
        text = next(queues[source], None)
        if text is None:
            del queues[source]
        else:
            taken[text] = source
            spread[source] += 1
    if not taken:
        raise HearsightError("not one sentence can be used: give English sentences of 3 to 14 words")
    return Selection([(source, text) for text, source in taken.items()], dict(looked_at), left_out)


def _candidates(name: str, rng: random.Random, wordnet: Path, fortunes: Path) -> Iterator[str]:
    if name in _MADE_UP:
        return _MADE_UP[name](rng)
    if name == "wordnet":
        found = list(sentences.wordnet_examples(wordnet))
    elif name == "fortunes":
        found = list(sentences.fortunes(fortunes))
    else:
        found = list(sentences.text_file(Path(name)))
    rng.shuffle(found)
    return iter(found)


def _usable(
    candidates: Iterator[str],
    taken: dict[str, str],
    pronouncers: list[Pronouncer],
    look: Callable[[], object],
    *,
    finite: bool,
) -> Iterator[str]:
    """Normalised candidates that are new and that every pronouncer knows."""
    refused = 0
    for candidate in candidates:
        look()
        text = sentences.normalise(candidate)
        if text is not None and text not in taken and _pronounceable(text, pronouncers):
            refused = 0
            yield text
        elif not finite:
            refused += 1
            if refused == _PATIENCE:
                return


def _pronounceable(text: str, pronouncers: list[Pronouncer]) -> bool:
    try:
        return all(pronounce(text) for pronounce in pronouncers)
    except HearsightError:
        return False
