from __future__ import annotations

import dataclasses

import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.data.batches import Source
from hearsight.lab.ear.distil import distil, read_ear
from hearsight.lab.ear.distillation import CHECKPOINT, DistilOptions
from hearsight.lab.ear.mixing import lend, mix, mix_with_published
from hearsight.lab.ear.see import EyeDistillation, SeeOptions
from hearsight.lab.ear.senses import SENSES, read_senses
from hearsight.lab.ear.transducer import EarTransducer
from hearsight.lab.export import build
from hearsight.lab.network.config import ModelConfig


@pytest.fixture
def options(corpus, tmp_path):
    data = [Source(str(corpus / "train"))]
    return DistilOptions(data=data, out=tmp_path / "ear", steps=2, warmup_steps=2, batch_size=2)


def test_a_mixed_ear_lies_between_the_published_and_the_distilled_one(ear_assets, options):
    ended = distil(options, ear_assets)
    path, mixed = options.out / CHECKPOINT, options.out / "mixed.ckpt"
    mix_with_published(path, 0.25, mixed, ear_assets)
    published = ended.teacher.layers[0].expand.weight
    expected = 0.75 * published + 0.25 * read_ear(path).layers[0].expand.weight
    torch.testing.assert_close(read_ear(mixed).layers[0].expand.weight, expected)
    onwards = dataclasses.replace(options, steps=1, out=options.out / "next", initial=mixed, heeding=0.3)
    begun = distil(onwards, ear_assets)
    assert begun.step == 1
    assert begun.divergence > 0


def saved(tmp_path, name, window, seed):
    """A checkpoint as `see` writes it, of weights that nobody taught."""
    torch.manual_seed(seed)
    student = EarTransducer(dataclasses.replace(ModelConfig.named("small-en"), lips_window=window))
    parts = dict(student.state_dict())
    content = {
        "ear": {key[4:]: value for key, value in parts.items() if key.startswith("ear.")},
        "eyes": {key: value for key, value in parts.items() if key.split(".")[0] in set(SENSES) - {"ear"}},
    }
    rest = {"chunking": [16, 15], "student": parts, "average": parts, "optimizer": {}, "step": 1}
    torch.save(content | rest, tmp_path / name)
    return tmp_path / name


def test_a_transducer_gets_the_senses_of_another_training_and_keeps_the_rest(tmp_path):
    config = dataclasses.replace(
        ModelConfig.named("small-en"), lips_window=1, again_dim=0, vocabulary_size=40
    )
    whole = EarTransducer(config)
    state = {f"model.{name}": value for name, value in whole.state_dict().items()}
    about = {"config": config.to_dict(), "pieces": b"pieces"}
    torch.save({"state_dict": state, "hearsight": about, "global_step": 7}, tmp_path / "whole.ckpt")
    senses = saved(tmp_path, "senses.ckpt", 5, 1)
    lend(senses, tmp_path / "whole.ckpt", tmp_path / "out.ckpt")
    lent = read_checkpoint(tmp_path / "out.ckpt")
    assert (lent.pieces, lent.step, lent.config.vocabulary_size) == (b"pieces", 7, 40)
    build(lent)
    for name, value in read_senses(senses).items():
        assert torch.equal(lent.weights[name], value)
    for name in ("encoder.input.weight", "joiner.linear.weight"):
        assert torch.equal(lent.weights[name], whole.state_dict()[name])


@pytest.mark.parametrize("heeded", [1, 3, 5])
def test_lent_eyes_judge_by_as_many_frames_as_they_heed(tmp_path, heeded):
    config = dataclasses.replace(ModelConfig.named("small-en"), vocabulary_size=40)
    state = {f"model.{name}": value for name, value in EarTransducer(config).state_dict().items()}
    about = {"config": config.to_dict(), "pieces": b"pieces"}
    torch.save({"state_dict": state, "hearsight": about, "global_step": 7}, tmp_path / "whole.ckpt")
    lend(saved(tmp_path, "few.ckpt", heeded, 1), tmp_path / "whole.ckpt", tmp_path / "few-lent.ckpt")
    few = read_checkpoint(tmp_path / "few-lent.ckpt")
    mix(tmp_path / "few.ckpt", 1.0, tmp_path / "wide.ckpt", tmp_path / "few.ckpt")  # widens
    lend(tmp_path / "wide.ckpt", tmp_path / "whole.ckpt", tmp_path / "wide-lent.ckpt")
    lent = read_checkpoint(tmp_path / "wide-lent.ckpt")
    assert lent.config == few.config and lent.config.lips_window == heeded
    assert all(torch.equal(lent.weights[name], value) for name, value in few.weights.items())


def test_mixed_eyes_lie_between_those_of_two_trainings(ear_assets, options, tmp_path):
    one, other = saved(tmp_path, "one.ckpt", 5, 1), saved(tmp_path, "other.ckpt", 5, 2)
    mix(one, 0.75, tmp_path / "mixed.ckpt", other)
    mixed, mine, others = (read_senses(path) for path in (tmp_path / "mixed.ckpt", one, other))
    assert mixed.keys() == mine.keys()
    for name in ("ear.layers.0.expand.weight", "eyes.mlp.0.weight", "video.linear.weight"):
        torch.testing.assert_close(mixed[name], 0.75 * mine[name] + 0.25 * others[name])
    begun = EyeDistillation(
        SeeOptions(
            data=options.data, pictures=options.data, ear=tmp_path / "mixed.ckpt", out=tmp_path / "eyes"
        ),
        ear_assets,
    )
    torch.testing.assert_close(begun.student.video.linear.weight, mixed["video.linear.weight"])


def test_eyes_that_judged_by_one_frame_mix_with_eyes_that_judge_by_five(tmp_path):
    wide, narrow = saved(tmp_path, "wide.ckpt", 5, 1), saved(tmp_path, "narrow.ckpt", 1, 2)
    mix(wide, 0.0, tmp_path / "mixed.ckpt", narrow)
    mixed, before = (read_senses(path)["eyes.mlp.0.weight"] for path in (tmp_path / "mixed.ckpt", narrow))
    assert mixed.shape == read_senses(wide)["eyes.mlp.0.weight"].shape
    torch.testing.assert_close(mixed.abs().sum(), before.abs().sum())


def test_what_cannot_be_mixed_is_refused(tmp_path):
    one = saved(tmp_path, "one.ckpt", 5, 1)
    with pytest.raises(HearsightError, match="does not exist"):
        mix(one, 0.5, tmp_path / "mixed.ckpt", tmp_path / "none.ckpt")
    content = torch.load(one, weights_only=True)
    content["ear"] = {name: value[:3] for name, value in content["ear"].items()}
    torch.save(content, tmp_path / "smaller.ckpt")
    with pytest.raises(HearsightError, match="of this size"):
        mix(one, 0.5, tmp_path / "mixed.ckpt", tmp_path / "smaller.ckpt")
    assert not (tmp_path / "mixed.ckpt").exists()
