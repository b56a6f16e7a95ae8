from __future__ import annotations

import csv
import dataclasses

import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab.data.batches import Source, TrainingStream
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.ear.distil import distil
from hearsight.lab.ear.distillation import CHECKPOINT, LOG, DistilOptions
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.see import EyeDistillation, SeeOptions, after_silence, see
from hearsight.lab.ear.senses import SENSES, read_senses
from hearsight.lab.ear.transducer import transducer
from hearsight.lab.lips import PhoneReader
from hearsight.lab.network.config import ModelConfig


@pytest.fixture
def options(ear_assets, corpus, tmp_path):
    data = [Source(str(corpus / "train"))]
    few = {"data": data, "batch_size": 2, "warmup_steps": 2, "log_every": 4}
    distil(DistilOptions(out=tmp_path / "ear", steps=1, **few), ear_assets)
    ear = tmp_path / "ear" / CHECKPOINT
    return SeeOptions(ear=ear, pictures=data, out=tmp_path / "eyes", steps=12, checkpoint_every=6, **few)


def test_the_eyes_learn_and_what_they_learned_fits_the_network(ear_assets, options):
    see(dataclasses.replace(options, steps=6), ear_assets)
    ended = see(options, ear_assets)
    assert ended.step == 12
    with (options.out / LOG).open() as file:
        assert len(list(csv.reader(file))) == 3
    senses = read_senses(options.out / CHECKPOINT)
    assert {name.split(".")[0] for name in senses} == set(SENSES)
    model = transducer(ModelConfig.named("small-en"))
    model.take_senses(senses)
    for eyes in (model.eyes, model.eyes_again):
        last = eyes.mlp[-1].weight
        assert torch.isfinite(last).all()
        assert last.abs().max() > 0


def test_the_ear_that_hears_in_chunks_stays_as_it_was(ear_assets, options):
    see(dataclasses.replace(options, learning_rate=0.1), ear_assets)
    before, after = read_senses(options.ear), read_senses(options.out / CHECKPOINT)
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    published = pretrained_encoder(ear_assets).state_dict()
    name = "layers.0.expand.weight"
    assert not torch.equal(after[f"whole.{name}"], published[name])


def test_what_looks_again_can_learn_alone(ear_assets, options):
    see(options, ear_assets)
    alone = dataclasses.replace(options, ear=options.out / CHECKPOINT, out=options.out / "alone")
    see(dataclasses.replace(alone, again_only=True), ear_assets)
    before, after = read_senses(alone.ear), read_senses(alone.out / CHECKPOINT)
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"whole", "eyes_again", "video_again"}


def test_a_lesson_may_begin_with_silence(piece_model, corpus):
    batch = next(
        iter(
            TrainingStream([Source(str(corpus / "train"))], piece_model, Augmentation(), batch_size=2, seed=0)
        )
    )
    later = after_silence(batch, 3)
    assert not any(getattr(later, name)[:, :3].any() for name in ("crops", "audio_present", "video_present"))
    for name in ("crops", "audio_present", "video_present"):
        assert torch.equal(getattr(later, name)[:, 3:], getattr(batch, name))
    for name in ("samples", "clean"):
        assert torch.equal(getattr(later, name)[:, 3 * 640 :], getattr(batch, name))
        assert not getattr(later, name)[:, : 3 * 640].any()
    assert (later.frame_lengths == batch.frame_lengths + 3).all()


@pytest.fixture
def lips(tmp_path):
    torch.manual_seed(2)
    reader = PhoneReader(ModelConfig.named("small-en"))
    state = {f"model.{name}": torch.full_like(value, 2) for name, value in reader.state_dict().items()}
    about = {"config": ModelConfig.named("small-en").to_dict(), "pieces": b"none"}
    torch.save({"state_dict": state, "hearsight": about, "global_step": 1}, tmp_path / "lips.ckpt")
    return tmp_path / "lips.ckpt"


def test_other_lips_add_nothing_until_they_have_learned_to(ear_assets, options, lips):
    see(options, ear_assets)
    ear = options.out / CHECKPOINT
    begun = EyeDistillation(dataclasses.replace(options, ear=ear, lips=lips), ear_assets)
    assert (begun.student.video_again.linear.weight == 2).all()
    assert not begun.student.eyes_again.mlp[-1].weight.any()


def test_lips_of_another_size_are_refused(ear_assets, options, lips, tmp_path):
    content = torch.load(lips, weights_only=True)
    content["state_dict"]["model.video.linear.weight"] = torch.ones(3, 3)
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(HearsightError, match="lips of another size"):
        EyeDistillation(dataclasses.replace(options, lips=tmp_path / "other.ckpt"), ear_assets)


def test_senses_can_be_those_of_a_whole_transducer(tmp_path):
    model = transducer(ModelConfig.named("small-en"))
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    about = {"config": model.config.to_dict(), "pieces": b"none"}
    torch.save({"state_dict": state, "hearsight": about, "global_step": 1}, tmp_path / "whole.ckpt")
    senses = read_senses(tmp_path / "whole.ckpt")
    assert {name.split(".")[0] for name in senses} == set(SENSES)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in senses.items())
