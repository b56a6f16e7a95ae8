"""A text file, spoken: tars of Opus and phone durations with a manifest; parallel and resumable.

``speech-NNN.tar`` holds an ``.opus`` (16 kHz, mono) and a ``.json`` (text, voice, phones, durations) for each
sentence, ``manifest.jsonl`` a line for each sentence of the shards that are whole, ``speech.json`` what the
folder is made from.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from hearsight.errors import HearsightError
from hearsight.lab.data.shard_writing import progress_bar, run_jobs
from hearsight.lab.synth.arrays import Floats
from hearsight.lab.synth.assets import Assets
from hearsight.lab.synth.budget import Budget
from hearsight.lab.synth.casting import Split, held_out
from hearsight.lab.synth.engine_names import EngineName
from hearsight.lab.synth.engines import ENGINES
from hearsight.lab.synth.grammars import is_grid
from hearsight.lab.synth.speech import SPEECH_RATE
from hearsight.types import SAMPLE_RATE

MANIFEST = "manifest.jsonl"
STATE = "speech.json"
BIT_RATE = 24_000
MAX_SENTENCES = 1_000_000
"""More than a text's takes: the ids of seed s lie from s * MAX_SENTENCES on."""
_SECONDS, _SECONDS_PER_LETTER = 1.4, 0.05
"""Length of a sentence by its letters, pauses included, fitted to 4.6 hours of Kokoro."""


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What fixes the speech, beside the text.

    Attributes:
        seed: of voices, speeds, pauses, and of what is held out.
        takes: how often each sentence is said, each time by another voice.
        source: name for the text in the manifest; sentences of GRID's grammar are always ``grid``.
        dev_share: part of the sentences that is kept for tests, in voices never heard in training.
        per_shard: sentences in a shard, which is redone as a whole if it was broken off.
        engine: what speaks.
    """

    seed: int = 0
    takes: int = 1
    source: str = "text"
    dev_share: float = 0.1
    per_shard: int = 50
    engine: EngineName = EngineName.kokoro

    def made_from(self) -> dict[str, Any]:
        """What a folder remembers of them; Kokoro goes unnamed, as it did when there was no other engine."""
        options = asdict(self)
        if self.engine is EngineName.kokoro:
            del options["engine"]
        return options


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence to be spoken once."""

    id: str
    text: str
    source: str
    split: Split


@dataclass(frozen=True, slots=True)
class SpokenShard:
    """What one worker reports: manifest lines, and what could not be said."""

    rows: list[dict[str, Any]]
    skipped: list[dict[str, str]]

    def describe(self) -> str:
        """How many sentences, how long, and how many of them are kept for tests."""
        hours = sum(row["seconds"] for row in self.rows) / 3600
        dev = sum(row["split"] == "dev" for row in self.rows)
        return f"{len(self.rows)} sentences, {hours:.2f} h, {dev} of them for tests"


def read_lines(path: Path, options: SpeechOptions) -> list[Line]:
    """The sentences of a text file, one a line, with their ids and splits; every take of one has its split.

    Raises:
        HearsightError: the file cannot be read or is empty, or holds too much.
    """
    try:
        texts = list(filter(None, (line.strip().lower() for line in path.read_text("utf-8").splitlines())))
    except (OSError, UnicodeDecodeError) as error:
        raise HearsightError(f"{path} cannot be read as text ({error}): check the path") from error
    if not texts or len(texts) * options.takes > MAX_SENTENCES:
        raise HearsightError(f"{path}: give at least one sentence, and at most a million takes in all")
    dev = held_out(len(texts), options.dev_share, options.seed)
    return [
        Line(
            id=f"{options.seed * MAX_SENTENCES + take * len(texts) + number:09d}",
            text=text,
            source="grid" if is_grid(text) else options.source,
            split="dev" if number in dev else "train",
        )
        for take in range(options.takes)
        for number, text in enumerate(texts)
    ]


def budget_of(lines: list[Line], engine: EngineName) -> Budget:
    """What it will cost that the engine speaks the lines."""
    seconds = sum(_SECONDS + _SECONDS_PER_LETTER * len(line.text) for line in lines)
    return Budget.of_speech(len(lines), seconds, ENGINES[engine].cpu_s)


def speak_text(
    text_file: Path,
    out: Path,
    assets: Assets,
    options: SpeechOptions,
    *,
    workers: int = 1,
    say: Callable[[str], object] = lambda line: None,
    only_say: bool = False,
) -> SpokenShard:
    """Speak a text file into a folder; goes on where it was broken off.

    Args:
        text_file: one sentence a line, as `select` writes them.
        out: folder of the speech; made if need be.
        assets: the packages that hold the voices.
        options: see there.
        workers: processes.
        say: is told beforehand how much it will be.
        only_say: make nothing.

    Returns:
        All lines of the manifest, and ``{id, reason}`` of what could not be said.

    Raises:
        HearsightError: the text cannot be read, the folder holds something else, there is no room for it, or
            the engine is not there.
    """
    lines = read_lines(text_file, options)
    shards = {
        number: lines[start : start + options.per_shard]
        for number, start in enumerate(range(0, len(lines), options.per_shard))
    }
    texts = hashlib.sha256("\n".join(line.text for line in lines).encode()).hexdigest()
    folder = SpeechFolder.open(out, {"texts": texts, **options.made_from()})
    missing = {number: shard for number, shard in shards.items() if number not in folder.finished}
    unspoken = [line for shard in missing.values() for line in shard]
    say(budget_of(unspoken, options.engine).describe(out, workers))
    if only_say:
        return folder.all()
    ENGINES[options.engine].prepare(assets)  # so that the workers find it made
    out.mkdir(parents=True, exist_ok=True)
    jobs = {number: (out / shard_name(number), shard, assets, options) for number, shard in missing.items()}
    with progress_bar() as progress:
        done = len(lines) - len(unspoken)
        task = progress.add_task("speaking", total=len(lines), completed=done)
        for number, spoken in run_jobs(speak_shard, jobs, workers):
            folder.add(number, spoken)
            progress.advance(task, len(missing[number]))
    return folder.all()


def shard_name(number: int) -> str:
    """File name of a shard of speech."""
    return f"speech-{number:03d}.tar"


class SpeechFolder:
    """The manifest and the state of a folder of speech: which shards are whole."""

    def __init__(self, folder: Path, made_from: dict[str, Any], finished: dict[int, SpokenShard]) -> None:
        """Take what is there."""
        self._folder, self._made_from = folder, made_from
        self.finished = finished

    @classmethod
    def open(cls, folder: Path, made_from: dict[str, Any]) -> SpeechFolder:
        """The state of an earlier run, or a new one.

        Raises:
            HearsightError: the folder holds other speech, or its state is damaged.
        """
        if not (folder / STATE).exists():
            if (folder / MANIFEST).exists():
                raise HearsightError(f"{folder} holds other speech; give an empty folder")
            return cls(folder, made_from, {})
        try:
            state = json.loads((folder / STATE).read_text(encoding="utf-8"))
            rows = [json.loads(line) for line in (folder / MANIFEST).read_text(encoding="utf-8").splitlines()]
            finished = {
                int(number): SpokenShard(
                    [row for row in rows if row["shard"] == shard_name(int(number))], skipped
                )
                for number, skipped in state["finished"].items()
            }
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise HearsightError(f"{folder / STATE} is damaged ({error!r}); remove the folder") from error
        if state.get("made_from") != made_from:
            raise HearsightError(
                f"{folder} holds speech of another text or other options; give an empty folder"
            )
        return cls(folder, made_from, finished)

    def add(self, number: int, spoken: SpokenShard) -> None:
        """Enter a shard that is whole; manifest and state are replaced at one stroke each."""
        self.finished[number] = spoken
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.all().rows)
        skipped = {str(each): self.finished[each].skipped for each in sorted(self.finished)}
        _replace(self._folder / MANIFEST, rows)
        state = {"made_from": self._made_from, "finished": skipped}
        _replace(self._folder / STATE, json.dumps(state, indent=1, ensure_ascii=False) + "\n")

    def all(self) -> SpokenShard:
        """Everything that is whole, in order."""
        shards = [self.finished[number] for number in sorted(self.finished)]
        rows = [row for shard in shards for row in shard.rows]
        return SpokenShard(rows, [each for shard in shards for each in shard.skipped])


def _replace(path: Path, content: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(content, encoding="utf-8")
    os.replace(partial, path)


def speak_shard(path: Path, lines: list[Line], assets: Assets, options: SpeechOptions) -> SpokenShard:
    """Speak some lines into a tar file, which appears under its name only when it is whole."""
    rows: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    partial = path.with_name(f"{path.name}.partial")
    with tarfile.open(partial, "w") as tar:
        for line in lines:
            try:
                description, sound = speak_line(line, assets, options)
            except HearsightError as error:  # an odd word must not end a run of hours
                skipped.append({"id": line.id, "reason": str(error)})
                continue
            files = {"json": json.dumps(description, ensure_ascii=False).encode(), "opus": sound}
            for suffix, content in files.items():
                member = tarfile.TarInfo(f"{line.id}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            rows.append({"id": line.id, "shard": path.name} | {key: description[key] for key in _LISTED})
    os.replace(partial, path)
    return SpokenShard(rows, skipped)


_LISTED = ("source", "split", "seconds", "text")
"""What the manifest repeats of a sentence's description."""


def speak_line(line: Line, assets: Assets, options: SpeechOptions) -> tuple[dict[str, Any], bytes]:
    """Description and Opus of a line, by voices that depend on its id.

    Raises:
        HearsightError: a word is unknown.
    """
    engine = ENGINES[options.engine]
    said = engine.cast(line.id, line.split)
    spoken = engine.speak(assets, line.text, said, int(line.id)).with_silence(*said.pauses)
    description = {
        "id": line.id,
        "source": line.source,
        "text": line.text,
        "voice": said.voice,
        "speed": said.speed,
        "pitch": said.pitch,
        "seconds": round(len(spoken.samples) / SPEECH_RATE, 3),
        "phones": spoken.phones,
        "durations": spoken.durations,
        "split": line.split,
        "speaker": said.speaker,
    }
    return description, encode_opus(spoken.samples)


def encode_opus(samples: Floats) -> bytes:
    """Ogg Opus, 16 kHz mono, of samples at 24 kHz; the same samples always give the same bytes."""
    buffer = io.BytesIO()
    # Without "bitexact" every stream would get a serial number of its own.
    with av.open(buffer, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = BIT_RATE
        stream.options = {"application": "voip"}
        whole = (np.clip(samples, -1, 1) * 32_767).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        sound.sample_rate = SPEECH_RATE
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE, frame_size=SAMPLE_RATE // 50)
        for frame in [*resampler.resample(sound), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()
