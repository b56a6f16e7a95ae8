"""Shards: tar files of samples in the WebDataset layout, so that they stream from a disk, a pipe or a URL.

One sample is ``key.json`` (who, what, when), ``key.flac`` (its sound, where it has any) and ``key.jpg`` (its
mouth crops as one mosaic, where it has any), ``key.npy`` (what moved a drawn face). Beside the shards lies
``index.json``, which names them.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError, MediaError
from hearsight.types import CROP_SIZE, SAMPLE_RATE, SAMPLES_PER_FRAME

INDEX = "index.json"
_CROPS_PER_ROW = 32
_JPEG_QUALITY = 95
_JPEG_LIMIT = 65_535
_MAX_TICKS = _JPEG_LIMIT // CROP_SIZE * _CROPS_PER_ROW
_FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One utterance, ready for training.

    Attributes:
        id: the clip's name in its manifest.
        speaker: who speaks.
        text: what is said, lower case without punctuation.
        words: ``(word, start, end)`` in seconds from the sample's start, or None where unknown.
        media: where the clip came from.
        split: the manifest's split, or None.
        pixels: ``(ticks, 96, 96)`` uint8 mouth crops, or None where no tick has one.
        video_present: ``(ticks,)`` bool.
        samples: ``(ticks * 640,)`` float32 in [-1, 1], or None where the clip has no sound.
        phones: what is being said in each tick, a symbol of Kokoro's, a space where nothing is; None where
            that is not known.
        units: ``(ticks, units)`` float16 weights of what speech moves in a drawn face, or None.
    """

    id: str
    speaker: str
    text: str
    words: tuple[tuple[str, float, float], ...] | None
    media: str
    split: str | None
    pixels: NDArray[np.uint8] | None
    video_present: NDArray[np.bool_]
    samples: NDArray[np.float32] | None
    phones: str | None = None
    units: NDArray[np.float16] | None = None

    @property
    def ticks(self) -> int:
        """Length in frames of 40 ms."""
        return len(self.video_present)


def encode_sample(sample: Sample) -> dict[str, Any]:
    """The sample as a WebDataset record: ``__key__`` and the content (bytes) of its files by suffix.

    Raises:
        MediaError: the sample is too long to be kept as one picture (about 14 minutes).
    """
    if sample.ticks > _MAX_TICKS:
        raise MediaError(f"{sample.media} is longer than {_MAX_TICKS // 25} s; cut it into shorter clips.")
    description = {
        "id": sample.id,
        "speaker": sample.speaker,
        "text": sample.text,
        "words": sample.words,
        "ticks": sample.ticks,
        "video_present": "".join("1" if present else "0" for present in sample.video_present),
        "media": sample.media,
        "split": sample.split,
        **({} if sample.phones is None else {"phones": sample.phones}),
    }
    # WebDataset takes the first dot of a name for the start of its suffix, and a slash for a folder.
    record: dict[str, Any] = {"__key__": quote(sample.id, safe=" ").replace(".", "%2E")}
    record["json"] = json.dumps(description, ensure_ascii=False).encode()
    if sample.samples is not None:
        record["flac"] = _encode_flac(sample.samples)
    if sample.pixels is not None:
        record["jpg"] = _encode_mosaic(sample.pixels)
    if sample.units is not None:
        content = io.BytesIO()
        np.save(content, sample.units)
        record["npy"] = content.getvalue()
    return record


def add_record(tar: tarfile.TarFile, record: Mapping[str, Any]) -> None:
    """Append a record of `encode_sample` to an open shard; the same record always gives the same bytes."""
    for suffix, content in record.items():
        if suffix != "__key__":
            member = tarfile.TarInfo(f"{record['__key__']}.{suffix}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def decode_sample(record: Mapping[str, Any]) -> Sample:
    """The sample in a WebDataset record of bytes, as `encode_sample` made it.

    Raises:
        HearsightError: the record is not one of ours.
    """
    try:
        description = json.loads(record["json"])
        ticks = description["ticks"]
        words = description["words"]
        return Sample(
            id=description["id"],
            speaker=description["speaker"],
            text=description["text"],
            words=None if words is None else tuple((word, start, end) for word, start, end in words),
            media=description["media"],
            split=description["split"],
            pixels=_decode_mosaic(record["jpg"], ticks) if "jpg" in record else None,
            video_present=np.array([mark == "1" for mark in description["video_present"]], dtype=np.bool_),
            samples=_decode_flac(record["flac"], ticks) if "flac" in record else None,
            phones=description.get("phones"),
            units=np.load(io.BytesIO(record["npy"])) if "npy" in record else None,
        )
    except (KeyError, ValueError, TypeError, av.FFmpegError) as error:
        where = f"{record.get('__url__', 'a shard')}, {record.get('__key__', 'a sample')}"
        raise HearsightError(f"{where}: not a sample of hearsight ({error}); prepare it again.") from error


def find_shards(folder: str | Path) -> list[str]:
    """Paths of the shards that a folder's index names, in order.

    Raises:
        HearsightError: the folder has no index.
    """
    index = Path(folder) / INDEX
    if not index.is_file():
        raise HearsightError(f"{folder} has no {INDEX}; make it with `hearsight prepare`.")
    return [str(index.parent / shard["name"]) for shard in json.loads(index.read_text())["shards"]]


def read_shards(paths: Iterable[str | Path]) -> Iterator[Sample]:
    """Every sample of the given shards (paths, URLs or ``pipe:`` commands), in order.

    Raises:
        HearsightError: a record is not one of ours.
    """
    return map(decode_sample, _records(paths))


def read_texts(paths: Iterable[str | Path]) -> Iterator[str]:
    """What is said in every sample of the given shards, without decoding sound or pictures."""
    for record in _records(paths):
        yield json.loads(record["json"])["text"]


def _records(paths: Iterable[str | Path]) -> Iterator[dict[str, Any]]:
    import webdataset  # imports torch, which takes longer than most shards; preparing does without

    yield from webdataset.WebDataset([str(path) for path in paths], shardshuffle=False, empty_check=False)


def _encode_flac(samples: NDArray[np.float32]) -> bytes:
    limits = -_FULL_SCALE, _FULL_SCALE - 1
    pulses = np.clip(np.rint(samples * _FULL_SCALE), *limits).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(pulses[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    content = io.BytesIO()
    with av.open(content, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono", format="s16")
        for part in (frame, None):
            container.mux(stream.encode(part))
    return content.getvalue()


def _decode_flac(content: bytes, ticks: int) -> NDArray[np.float32]:
    with av.open(io.BytesIO(content), mode="r", format="flac") as container:
        pulses = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    if len(pulses) != ticks * SAMPLES_PER_FRAME:
        raise ValueError(f"{len(pulses)} samples of sound for {ticks} frames")
    return pulses.astype(np.float32) / np.float32(_FULL_SCALE)


def _encode_mosaic(pixels: NDArray[np.uint8]) -> bytes:
    rows = -(-len(pixels) // _CROPS_PER_ROW)
    # A crop is a whole number of JPEG blocks, so neighbours in the mosaic do not touch each other.
    cells = np.zeros((rows * _CROPS_PER_ROW, CROP_SIZE, CROP_SIZE), np.uint8)
    cells[: len(pixels)] = pixels
    grid = cells.reshape(rows, _CROPS_PER_ROW, CROP_SIZE, CROP_SIZE)
    mosaic = grid.transpose(0, 2, 1, 3).reshape(rows * CROP_SIZE, _CROPS_PER_ROW * CROP_SIZE)
    _, content = cv2.imencode(".jpg", mosaic, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return content.tobytes()


def _decode_mosaic(content: bytes, ticks: int) -> NDArray[np.uint8]:
    mosaic = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if mosaic is None:
        raise ValueError("its picture cannot be read")
    rows = mosaic.shape[0] // CROP_SIZE
    grid = mosaic.reshape(rows, CROP_SIZE, _CROPS_PER_ROW, CROP_SIZE).transpose(0, 2, 1, 3)
    cells = grid.reshape(-1, CROP_SIZE, CROP_SIZE)
    if len(cells) < ticks:
        raise ValueError(f"{len(cells)} crops for {ticks} frames")
    return np.ascontiguousarray(cells[:ticks], dtype=np.uint8)
