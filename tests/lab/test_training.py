"""Training lowers its loss, goes on where it stopped, and what it writes can be read, averaged and used."""

import dataclasses
import re
import subprocess
import sys

import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab import objective
from hearsight.lab import train as training
from hearsight.lab.checkpoint import average, read_checkpoint
from hearsight.lab.data.batches import Source, TrainingStream
from hearsight.lab.data.examples import Augmentation
from hearsight.lab.network.config import NAMED_SIZES, ModelConfig
from hearsight.lab.network.model import AVTransducer
from hearsight.lab.objective import losses, sequence_weight

TINY = ModelConfig(
    name="tiny",
    video_channels=(4, 4, 8, 8, 16),
    frontend_dim=32,
    fusion_hidden=48,
    fusion_dim=32,
    encoder_dim=32,
    encoder_heads=2,
    encoder_feedforward=48,
    encoder_layers=2,
    convolution_kernel=5,
    left_context=16,
    predictor_dim=32,
    joiner_dim=32,
    dropout=0.0,
)


@pytest.fixture
def options(corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(NAMED_SIZES, "tiny", TINY)
    return training.TrainingOptions(
        data=[Source(str(corpus / "train"))],
        validation=[str(corpus / "dev")],
        out=tmp_path / "run",
        size="tiny",
        batch_size=4,
        max_steps=4,
        validate_every=2,
        warmup_steps=2,
    )


@pytest.mark.parametrize("pruned", [False, True])
def test_training_lowers_every_loss(corpus, piece_model, pruned):
    torch.manual_seed(0)
    model = AVTransducer(dataclasses.replace(TINY, vocabulary_size=12))
    stream = TrainingStream(
        [Source(str(corpus / "train"))], piece_model, Augmentation(), batch_size=8, seed=0
    )
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    history = []
    for step, batch in zip(range(60), stream, strict=False):
        parts = losses(model, batch, pruned=pruned)
        optimizer.zero_grad()
        parts.total(sequence_weight(step, 10, 10)).backward()
        optimizer.step()
        history.append([parts.transducer.item(), parts.ctc.item(), parts.frame.item()])
    first, last = torch.tensor(history[:5]).mean(0), torch.tensor(history[-5:]).mean(0)
    assert (last < 0.75 * first).all(), (first, last)


@torch.no_grad()
def test_the_pruned_loss_is_the_full_one_where_nothing_needs_pruning(corpus, piece_model, monkeypatch):
    model = AVTransducer(dataclasses.replace(TINY, vocabulary_size=12)).eval()
    stream = TrainingStream(
        [Source(str(corpus / "train"))], piece_model, Augmentation(), batch_size=4, seed=0
    )
    batch = next(iter(stream))
    monkeypatch.setattr(objective, "RANGE", batch.labels.shape[1] + 1)
    monkeypatch.setattr(objective, "SIMPLE_WEIGHT", 0.0)
    full, pruned = losses(model, batch), losses(model, batch, pruned=True)
    torch.testing.assert_close(pruned.transducer, full.transducer)


def test_training_goes_on_from_another_that_had_other_heads(options, piece_model, tmp_path):
    training.train(options, piece_model)
    content = torch.load(options.out / "checkpoints" / "last.ckpt", weights_only=True)
    for name in ("model.acoustic.weight", "model.language.bias"):
        del content["state_dict"][name]
    torch.save(content, tmp_path / "older.ckpt")
    later = dataclasses.replace(options, out=tmp_path / "later", initial=tmp_path / "older.ckpt", pruned=True)
    training.train(later, piece_model)
    assert read_checkpoint(later.out / "checkpoints" / "last.ckpt").step == 4


def test_training_can_be_stopped_and_goes_on(options, piece_model):
    training.train(options, piece_model)
    last = options.out / "checkpoints" / "last.ckpt"
    assert read_checkpoint(last).step == 4
    training.train(dataclasses.replace(options, max_steps=6), piece_model)
    assert read_checkpoint(last).step == 6


def test_a_checkpoint_holds_all_that_export_needs_and_can_be_averaged(options, piece_model):
    training.train(options, piece_model)
    paths = sorted((options.out / "checkpoints").glob("step*.ckpt"))
    checkpoints = [read_checkpoint(path) for path in paths]
    assert checkpoints[0].config.name == "tiny"
    assert checkpoints[0].pieces == piece_model
    mean = average(checkpoints)
    model = AVTransducer(mean.config)
    model.load_state_dict(mean.weights)
    name = "fusion.no_audio"
    expected = torch.stack([one.weights[name] for one in checkpoints]).mean(0)
    torch.testing.assert_close(mean.weights[name], expected)


def test_a_foreign_checkpoint_is_refused_and_not_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"state_dict": Evil()}, tmp_path / "foreign.pt")
    with pytest.raises(HearsightError, match=r"foreign\.pt is not a checkpoint"):
        read_checkpoint(tmp_path / "foreign.pt")
    with pytest.raises(HearsightError, match="does not exist"):
        read_checkpoint(tmp_path / "missing.ckpt")


def test_the_sequence_losses_come_in_after_the_framewise_start():
    assert [sequence_weight(step, 10, 10) for step in (0, 10, 15, 20, 99)] == [0, 0, 0.5, 1, 1]


def test_two_processes_train_together_and_say_once_where_the_checkpoints_are(corpus, tmp_path):
    shards = ["--data", str(corpus / "train"), "--validation", str(corpus / "dev")]
    command = ["train", *shards, "--out", "run", "--pieces", "12", "--batch-size", "2", "--processes", "2"]
    ended = subprocess.run(
        [sys.executable, "-m", "hearsight", *command, "--steps", "2", "--validate-every", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "run/checkpoints"
    said = ended.stdout + ended.stderr
    assert said.count("run/checkpoints") == 1
    assert not re.search(r"INFO|[Ww]arning|deprecated", said)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
