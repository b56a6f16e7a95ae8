"""Batches: padded, balanced, endless, and the same for the same seed."""

import itertools

import numpy as np
import pytest
import torch

from hearsight.lab.data.batches import Source, TrainingStream, collate, repeat_factors
from hearsight.lab.data.examples import Augmentation, ExampleMaker, whole_example
from hearsight.lab.data.pieces import UNKNOWN_FRAME, frame_targets, load_pieces
from hearsight.lab.data.shards import find_shards, read_shards


def test_targets_lie_on_the_second_part_of_each_word(piece_model):
    pieces = load_pieces(piece_model)
    targets = frame_targets([("red", 0.4, 0.8)], 40, pieces, delay=0)
    assert targets.nonzero()[0].tolist() == list(range(13, 20))
    assert set(targets[13:20]) == {pieces.encode("red")[-1]}
    assert (frame_targets(None, 5, pieces) == UNKNOWN_FRAME).all()


def test_a_batch_is_padded_with_what_is_not_present(corpus, piece_model):
    pieces = load_pieces(piece_model)
    samples = list(read_shards(find_shards(corpus / "dev")))[:2]
    make = ExampleMaker(Augmentation(), pieces, seed=1)
    batch = collate([whole_example(samples[0], pieces), make(samples[1])])
    shorter = int(batch.frame_lengths[1])
    assert batch.crops.shape[1] == 30
    assert not batch.video_present[1, shorter:].any()
    assert (batch.frame_targets[1, shorter:] == UNKNOWN_FRAME).all()
    assert batch.texts == (samples[0].text, samples[1].text)


def test_modality_dropout_leaves_at_least_one_sense(corpus, piece_model):
    make = ExampleMaker(Augmentation(modes=(0.34, 0.33, 0.33)), load_pieces(piece_model), seed=0)
    sample = next(read_shards(find_shards(corpus / "dev")))
    senses = {
        (example.audio_present.any(), example.video_present.any()) for example in map(make, [sample] * 40)
    }
    assert senses == {(True, True), (True, False), (False, True)}


def test_an_absent_sense_is_zeros(corpus, piece_model):
    make = ExampleMaker(Augmentation(modes=(0, 0, 1)), load_pieces(piece_model), seed=0)
    example = make(next(read_shards(find_shards(corpus / "dev"))))
    assert not example.samples.any()
    assert example.pixels.any()


def test_the_same_seed_draws_the_same_batches(corpus, piece_model):
    def draw(seed):
        stream = TrainingStream(
            [Source(str(corpus / "train"))], piece_model, Augmentation(), batch_size=4, seed=seed
        )
        return list(itertools.islice(stream, 2))

    first, second, other = draw(3), draw(3), draw(4)
    assert all(torch.equal(a.samples, b.samples) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0].samples.numpy(), other[0].samples.numpy())


def test_rare_speakers_are_heard_more(tmp_path):
    (tmp_path / "index.json").write_text('{"shards": [], "speakers": {"often": 100, "rarely": 4}}')
    assert repeat_factors(tmp_path, 0.5) == {"often": 1, "rarely": pytest.approx(5)}
    assert repeat_factors(tmp_path, 0.0) == {"often": 1, "rarely": 1}


def test_a_source_may_carry_its_share():
    assert Source.parse("shards/grid=0.7") == Source("shards/grid", 0.7)
    assert Source.parse("shards/grid") == Source("shards/grid", 1.0)
