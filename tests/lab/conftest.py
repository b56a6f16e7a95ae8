"""A corpus so small that a network can learn it in a minute."""

import json

import numpy as np
import pytest
import webdataset

from hearsight.lab.data.pieces import train_pieces
from hearsight.lab.data.shards import INDEX, Sample, encode_sample

WORDS, PHONES = ("red", "green", "blue"), "ɹɡb"
SAMPLE_RATE, TICK = 16_000, 640


def tone_and_bar(index: int, ticks: int = 30) -> Sample:
    """Two words; each is a tone of its own pitch and a bar at its own height."""
    rng = np.random.default_rng(index)
    samples = 0.003 * rng.standard_normal(ticks * TICK).astype(np.float32)
    pixels = rng.integers(90, 110, (ticks, 96, 96)).astype(np.uint8)
    words, phones, units = [], [" "] * ticks, np.zeros((ticks, 1), np.float16)
    for start in (4, 16):
        choice = int(rng.integers(3))
        times = np.arange(10 * TICK) / SAMPLE_RATE
        samples[start * TICK : (start + 10) * TICK] += 0.2 * np.sin(
            2 * np.pi * (300, 900, 2400)[choice] * times
        )
        pixels[start : start + 10, 20 + 20 * choice : 36 + 20 * choice] = 220
        words.append((WORDS[choice], start / 25, (start + 10) / 25))
        phones[start : start + 10] = PHONES[choice] * 10
        units[start : start + 10] = choice + 1
    return Sample(
        id=f"clip-{index}",
        speaker=f"speaker-{index % 2}",
        text=" ".join(word for word, _, _ in words),
        words=tuple(words),
        media="made up",
        split="train",
        pixels=pixels,
        video_present=np.ones(ticks, np.bool_),
        samples=samples.astype(np.float32),
        phones="".join(phones),
        units=units,
    )


def write_shards(folder, samples):
    folder.mkdir()
    with webdataset.TarWriter(str(folder / "clips-000000.tar")) as writer:
        for sample in samples:
            writer.write(encode_sample(sample))
    speakers = {}
    for sample in samples:
        speakers[sample.speaker] = speakers.get(sample.speaker, 0) + 1
    shard = {"name": "clips-000000.tar", "samples": len(samples), "seconds": 1.2 * len(samples)}
    (folder / INDEX).write_text(json.dumps({"shards": [shard], "speakers": speakers, "skipped": []}))
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Folders ``train`` and ``dev`` of shards."""
    root = tmp_path_factory.mktemp("corpus")
    write_shards(root / "train", [tone_and_bar(index) for index in range(24)])
    write_shards(root / "dev", [tone_and_bar(index) for index in range(100, 106)])
    return root


@pytest.fixture(scope="session")
def piece_model():
    """Pieces for the corpus' three words."""
    rng = np.random.default_rng(0)
    return train_pieces((" ".join(rng.choice(WORDS, 4)) for _ in range(200)), 12)
