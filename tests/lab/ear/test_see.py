from __future__ import annotations

import csv
import dataclasses

import pytest
import torch

from hearsight.lab.data.batches import Source
from hearsight.lab.ear.distil import distil
from hearsight.lab.ear.distillation import CHECKPOINT, LOG, DistilOptions
from hearsight.lab.ear.see import SeeOptions, see
from hearsight.lab.ear.senses import read_senses
from hearsight.lab.ear.transducer import transducer
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
    assert {name.split(".")[0] for name in senses} == {"ear", "eyes", "video", "whole"}
    model = transducer(ModelConfig.named("small-en"))
    model.take_senses(senses)
    last = model.eyes.mlp[-1].weight
    assert torch.isfinite(last).all()
    assert last.abs().max() > 0
