"""Writes shards from the rows of a manifest: in parallel, resumable, past broken clips."""

from __future__ import annotations

import json
import os
import signal
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, TypeVar

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hearsight.errors import HearsightError
from hearsight.lab.data.shards import INDEX, Sample, add_record, encode_sample
from hearsight.types import FRAME_RATE

Result = TypeVar("Result")
Row = tuple[str, Any]
"""A clip's id, and what is known of it."""
MakeSample = Callable[[Any], Sample]
"""Reads a clip from what is known of it; travels to other processes, so it must be picklable."""


@dataclass
class ShardIndex:
    """What a folder of shards holds; kept as its ``index.json``.

    Attributes:
        made_from: what fixes the content of each shard: a rerun must bring the same.
        planned: number of shards when all are written.
        finished: numbers of the shards that are done, also of those in which every clip was broken.
        shards: ``{name, samples, seconds}`` of each shard that exists, in order.
        speakers: samples by speaker.
        skipped: ``{id, reason}`` of each broken clip.
    """

    made_from: dict[str, Any]
    planned: int
    finished: list[int] = field(default_factory=list)
    shards: list[dict[str, Any]] = field(default_factory=list)
    speakers: dict[str, int] = field(default_factory=dict)
    skipped: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def resume(cls, folder: Path, made_from: dict[str, Any], planned: int) -> ShardIndex:
        """The index of an earlier run over the same rows, or a new one.

        Raises:
            HearsightError: the folder holds shards made from something else.
        """
        path = folder / INDEX
        if not path.exists():
            return cls(made_from, planned)
        try:
            index = cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise HearsightError(f"{path} is damaged ({error}); remove it to begin anew.") from error
        if index.made_from != made_from:
            raise HearsightError(
                f"{folder} holds shards of another manifest or other options; give an empty folder."
            )
        return index

    def add(self, number: int, shard: FinishedShard) -> None:
        """Enter a finished shard."""
        self.finished = sorted([*self.finished, number])
        if shard.samples:
            entry = {"name": shard.name, "samples": shard.samples, "seconds": shard.seconds}
            self.shards = sorted([*self.shards, entry], key=lambda entry: str(entry["name"]))
        self.speakers = dict(sorted((Counter(self.speakers) + shard.speakers).items()))
        self.skipped += shard.skipped

    def save(self, folder: Path) -> None:
        """Replace the folder's index at one stroke."""
        partial = folder / f"{INDEX}.partial"
        partial.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")
        os.replace(partial, folder / INDEX)


@dataclass(frozen=True)
class FinishedShard:
    """What one worker reports of its shard."""

    name: str
    samples: int
    seconds: float
    speakers: Counter[str]
    skipped: list[dict[str, str]]


def write_shards(
    rows: list[Row],
    make_sample: MakeSample,
    out_dir: Path,
    *,
    made_from: dict[str, Any],
    workers: int = 1,
    clips_per_shard: int = 64,
    name: str = "clips",
) -> ShardIndex:
    """Write ``rows`` as shards ``NAME-000000.tar`` … and their index; finished shards are kept.

    Args:
        rows: the clips, in the order they are written.
        make_sample: reads one of them.
        out_dir: made if need be.
        made_from: names the rows and how they are read; must be the same when a run is resumed.
        workers: processes, one shard each at a time.
        clips_per_shard: rows per shard.
        name: beginning of the shards' names.

    Raises:
        HearsightError: the folder holds other shards, a worker died, or not one clip could be read.
    """
    starts = range(0, len(rows), clips_per_shard)
    made_from = {**made_from, "clips_per_shard": clips_per_shard, "name": name}
    out_dir.mkdir(parents=True, exist_ok=True)
    index = ShardIndex.resume(out_dir, made_from, len(starts))
    jobs = {
        number: (out_dir / f"{name}-{number:06d}.tar", rows[start : start + clips_per_shard], make_sample)
        for number, start in enumerate(starts)
        if number not in index.finished
    }
    with progress_bar() as progress:
        done = len(rows) - sum(len(job[1]) for job in jobs.values())
        task = progress.add_task(out_dir.name, total=len(rows), completed=done)
        for number, shard in run_jobs(write_shard, jobs, workers):
            index.add(number, shard)
            index.save(out_dir)
            progress.advance(task, len(jobs[number][1]))
    if not index.shards:
        first = index.skipped[0]["reason"] if index.skipped else "there are none"
        raise HearsightError(f"{out_dir}: none of the {len(rows)} clips can be used; the first: {first}")
    return index


def progress_bar() -> Progress:
    """A bar on standard error that tells how many are done and how long the rest will take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def run_jobs(
    work: Callable[..., Result], jobs: Mapping[int, tuple[Any, ...]], workers: int
) -> Iterator[tuple[int, Result]]:
    """Number and result of each job, as they are done; the rest is dropped when the iteration ends early.

    Args:
        work: does one; with several workers it travels to other processes, so it must be picklable.
        jobs: its arguments by number.
        workers: processes.

    Raises:
        HearsightError: a worker died.
    """
    if workers <= 1:
        yield from ((number, work(*job)) for number, job in jobs.items())
        return
    # Spawned, not forked: onnxruntime, kornia-rs and OpenCV keep threads that do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker) as pool:
        pending = {pool.submit(work, *job): number for number, job in jobs.items()}
        try:
            for future in as_completed(pending):
                yield pending[future], future.result()
        except BrokenProcessPool as error:
            raise HearsightError("A worker was killed; run it again, with fewer workers.") from error
        except KeyboardInterrupt:
            for worker in active_children():  # else it would finish its shard, and the next
                worker.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_worker() -> None:
    """One thread for pictures; Ctrl-C ends the process at once and without a word."""
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def write_shard(path: Path, rows: list[Row], make_sample: MakeSample) -> FinishedShard:
    """Write one shard; it appears under its name only when it is whole."""
    ticks = 0
    speakers: Counter[str] = Counter()
    skipped = []
    partial = path.with_name(f"{path.name}.partial")
    with tarfile.open(partial, "w") as tar:
        for name, known in rows:
            try:
                sample = make_sample(known)
                record = encode_sample(sample)
            except Exception as error:  # one odd clip must not end a run of hours
                reason = str(error) if isinstance(error, HearsightError) else repr(error)
                skipped.append({"id": name, "reason": reason})
                continue
            add_record(tar, record)
            ticks += sample.ticks
            speakers[sample.speaker] += 1
    if speakers:
        os.replace(partial, path)
    else:
        partial.unlink()
    return FinishedShard(path.name, speakers.total(), ticks / FRAME_RATE, speakers, skipped)
