"""The whole way in one go: sentences are chosen, spoken, and drawn as training and validation shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hearsight.lab.synth import sentences
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.coverage import Coverage, expected_phones
from hearsight.lab.synth.selection import Selection, parse_mix, select
from hearsight.lab.synth.shards import draw_corpus
from hearsight.lab.synth.speaking import SpeechOptions, speak_text
from hearsight.lab.synth.speech import Pronouncer

ACCENTS = {"American": "us", "British": "gb"}
TEXT, SPEECH, TRAIN, DEV = "text.txt", "speech", "train", "dev"
"""What lies in the folder of a corpus."""


@dataclass(frozen=True, slots=True)
class TextSources:
    """Where sentences come from.

    Attributes:
        mix: share by source, as `select` takes it.
        wordnet: folder of WordNet's data files.
        fortunes: folder of fortunes.
    """

    mix: Mapping[str, float]
    wordnet: Path = sentences.WORDNET
    fortunes: Path = sentences.FORTUNES

    @classmethod
    def parse(
        cls, asked: list[str], wordnet: Path | None = None, fortunes: Path | None = None
    ) -> TextSources:
        """From what a command line says: ``SOURCE[=SHARE]`` each, and the folders if they are elsewhere.

        Raises:
            HearsightError: a share is not a positive number.
        """
        return cls(parse_mix(asked), wordnet or sentences.WORDNET, fortunes or sentences.FORTUNES)


def make_text(
    out: Path,
    assets: Assets,
    sources: TextSources,
    count: int,
    seed: int,
    *,
    say: Callable[[str], object] = lambda line: None,
) -> Selection:
    """Choose sentences, write them one a line, and say what they cover.

    Raises:
        HearsightError: a source is not there, or not one sentence can be used.
    """
    dictionaries = {
        name: assets.dictionary("us" if accent == "us" else "gb") for name, accent in ACCENTS.items()
    }
    pronouncers = {name: Pronouncer(entries) for name, entries in dictionaries.items()}
    chosen = select(
        sources.mix,
        count,
        seed,
        list(pronouncers.values()),
        wordnet=sources.wordnet,
        fortunes=sources.fortunes,
    )
    chosen.write(out)
    for line in chosen.describe():
        say(line)
    for name, pronounce in pronouncers.items():
        coverage = Coverage(expected_phones(pronounce.known()))
        for _, text in chosen.sentences:
            coverage.add(pronounce(text))
        say(f"{name} {coverage.describe()}")
    return chosen


def make_corpus(
    out: Path,
    assets: Assets,
    sources: TextSources,
    count: int,
    options: SpeechOptions,
    *,
    people: int = 1,
    workers: int = 1,
    say: Callable[[str], object] = lambda line: None,
) -> None:
    """Make ``text.txt``, ``speech``, ``train`` and ``dev`` in a folder; goes on where it was broken off.

    Args:
        out: folder of the corpus; made if need be.
        assets: the packages.
        sources: of sentences.
        count: sentences.
        options: of the speech; its seed is that of the text too.
        people: faces that say each sentence.
        workers: processes.
        say: is told what is being done, and beforehand how much it will be.

    Raises:
        HearsightError: a source is missing, the folder holds another corpus, or there is no room for it.
    """
    make_text(out / TEXT, assets, sources, count, options.seed, say=say)
    spoken = speak_text(out / TEXT, out / SPEECH, assets, options, workers=workers, say=say)
    splits = {row["split"] for row in spoken.rows}
    for split, folder, copies in ((TRAIN, TRAIN, people), (DEV, DEV, 1)):
        if split in splits:
            draw_corpus(
                out / SPEECH,
                out / folder,
                assets,
                split=split,
                copies=range(copies),
                workers=workers,
                say=say,
            )
