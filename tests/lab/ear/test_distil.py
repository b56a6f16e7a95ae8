from __future__ import annotations

import csv
import dataclasses
import os
import signal

import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab.data.batches import Source
from hearsight.lab.ear.distil import distil, read_ear
from hearsight.lab.ear.distillation import CHECKPOINT, LOG, Distillation, DistilOptions
from hearsight.lab.ear.encoder import Chunking


@pytest.fixture
def options(corpus, tmp_path):
    return DistilOptions(
        data=[Source(str(corpus / "train"))],
        held_out=str(corpus / "dev"),
        out=tmp_path / "ear",
        steps=20,
        warmup_steps=5,
        batch_size=2,
        checkpoint_every=2,
        log_every=6,
        chunking=Chunking(8, 4),
    )


def test_the_error_falls_and_training_goes_on_where_it_ended(ear_assets, options):
    begun = distil(dataclasses.replace(options, steps=6), ear_assets)
    assert begun.step == 6
    ended = distil(options, ear_assets)
    assert ended.step == 20
    with (options.out / LOG).open() as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows if row[1]] == ["6", "12", "18"]
    errors = [float(row[1]) for row in rows if row[1]]
    assert errors[-1] < 0.9 * errors[0]
    held_out = [float(row[3]) for row in rows if row[3]]
    assert held_out[-1] < held_out[0]
    ear = read_ear(options.out / CHECKPOINT)
    assert ear.chunking == options.chunking
    assert torch.equal(ear.conv1.weight, ended.average.conv1.weight)


def test_asked_to_stop_it_finishes_the_step_and_keeps_what_was_learned(ear_assets, options, monkeypatch):
    learn = Distillation.learn

    def learn_and_be_asked(self, pair):
        os.kill(os.getpid(), signal.SIGTERM)
        return learn(self, pair)

    monkeypatch.setattr(Distillation, "learn", learn_and_be_asked)
    before = signal.getsignal(signal.SIGTERM)
    training = distil(dataclasses.replace(options, held_out=None), ear_assets)
    assert training.step == 1
    read_ear(options.out / CHECKPOINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_is_no_checkpoint_is_refused_and_not_run(tmp_path):
    with pytest.raises(HearsightError, match="does not exist"):
        read_ear(tmp_path / "none.ckpt")
    (tmp_path / "other.ckpt").write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    with pytest.raises(HearsightError, match="nothing in it was run"):
        read_ear(tmp_path / "other.ckpt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "foreign.ckpt")
    with pytest.raises(HearsightError, match="not a checkpoint of `distil`"):
        read_ear(tmp_path / "foreign.ckpt")
