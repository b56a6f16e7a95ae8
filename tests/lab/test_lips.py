"""Lips learn to tell phones, go on where they stopped, and lend what they know to the whole network."""

import csv
import dataclasses
import signal

import numpy as np
import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab import train as training
from hearsight.lab.checkpoint import read_checkpoint
from hearsight.lab.data.augment_video import VideoAugmentation
from hearsight.lab.data.batches import Source
from hearsight.lab.lips import LipModule, LipOptions, PhoneReader, cut, known, phone_targets, train_lips
from hearsight.lab.network.config import NAMED_SIZES
from tests.lab.conftest import tone_and_bar, write_shards
from tests.lab.test_training import TINY


@pytest.fixture
def options(corpus, tmp_path, monkeypatch):
    monkeypatch.setitem(NAMED_SIZES, "tiny", TINY)
    return LipOptions(
        data=[Source(str(corpus / "train"))],
        validation=str(corpus / "dev"),
        out=tmp_path / "lips",
        size="tiny",
        batch_size=8,
        max_steps=60,
        warmup_steps=5,
        learning_rate=5e-3,
        validate_every=30,
        augmentation=VideoAugmentation(shift=1.0),
    )


def logged(options, name):
    with next(options.out.glob("log/*/metrics.csv")).open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def test_lips_learn_what_phones_look_like(options):
    train_lips(options)
    losses, right = logged(options, "train/loss"), logged(options, "phones_right")
    assert losses[-1] < losses[0]
    assert right[-1] > 85  # a third, if they guessed
    missed = logged(options, "train/units_missed")
    assert missed[-1] < 0.5  # 1, if they said what is usual


def test_what_does_not_know_what_moved_a_face_learns_phones_alone(options, tmp_path):
    plain = [dataclasses.replace(tone_and_bar(index), units=None) for index in range(8)]
    folder = Source(str(write_shards(tmp_path / "plain", plain)))
    last = train_lips(
        dataclasses.replace(options, data=[*options.data, folder], max_steps=2, validate_every=2)
    )
    assert read_checkpoint(last).weights["centre"].shape == (0,)


def test_nothing_is_asked_of_frames_whose_surroundings_were_cut_off():
    clip = known(tone_and_bar(0, 40))
    first, middle, last = (cut(clip, start) for start in (0, 6, 12))
    assert len(middle.phones) == 28
    assert (first.phones[1:24] >= 0).all() and (first.phones[24:] == -1).all()
    assert (middle.phones[:4] == -1).all() and (middle.phones[4:24] >= 0).all()
    assert np.isnan(middle.units[:4]).all() and not np.isnan(middle.units[4:]).any()
    assert (last.phones[4:] >= 0).all()


def test_units_are_told_as_late_as_phones_to_the_same_spread():
    reader = PhoneReader(TINY, units=2)
    reader.centre.copy_(torch.tensor([1.0, -1.0]))
    reader.spread.copy_(torch.tensor([2.0, 0.5]))
    units = np.array([[3, -1], [1, -2], [1, 1]], np.float16)
    late = known(dataclasses.replace(tone_and_bar(0, 30), units=np.resize(units, (30, 2)))).units
    told = torch.tensor([[[9.0, 9.0], [1.0, 0.0], [0.0, -2.0]]])
    assert reader.units_missed(told, torch.from_numpy(late[None, :3])) == 0
    assert reader.units_missed(told + 1, torch.from_numpy(late[None, :3])) == 1


def test_they_go_on_where_they_stopped_and_stay_when_they_are_done(options):
    train_lips(dataclasses.replace(options, max_steps=4, validate_every=2))
    last = train_lips(dataclasses.replace(options, max_steps=6, validate_every=2))
    assert read_checkpoint(last).step == 6
    before = read_checkpoint(last).weights["head.0.weight"]
    train_lips(dataclasses.replace(options, max_steps=6, validate_every=2))
    assert torch.equal(read_checkpoint(last).weights["head.0.weight"], before)


def test_ctrl_c_keeps_what_was_learnt(options, monkeypatch):
    step = LipModule.training_step

    def interrupted(self, batch, index):
        if self.global_step == 3:
            raise KeyboardInterrupt
        return step(self, batch, index)

    monkeypatch.setattr(LipModule, "training_step", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            train_lips(dataclasses.replace(options, validate_every=30))
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning leaves it ignored
    assert read_checkpoint(options.out / "lips.ckpt").step == 3


def test_a_training_begins_with_their_front_end(options, piece_model, tmp_path, monkeypatch):
    last = train_lips(dataclasses.replace(options, max_steps=2, validate_every=2))
    begun = {}
    monkeypatch.setattr(training.pl.Trainer, "fit", lambda _, module, **__: begun.update(module.state_dict()))
    monkeypatch.setattr(training.pl.Trainer, "save_checkpoint", lambda *_: None)
    whole = training.TrainingOptions(
        options.data, [options.validation], tmp_path / "run", size="tiny", lips=last
    )
    training.train(whole, piece_model)
    lent = {name: value for name, value in read_checkpoint(last).weights.items() if name.startswith("video.")}
    assert len(lent) > 10
    assert all(torch.equal(begun[f"model.{name}"], value) for name, value in lent.items())


def test_lips_of_another_size_are_refused(options, piece_model, tmp_path):
    last = train_lips(dataclasses.replace(options, max_steps=2, validate_every=2))
    whole = training.TrainingOptions(options.data, [options.validation], tmp_path / "run", lips=last)
    with pytest.raises(HearsightError, match="another size"):
        training.train(whole, piece_model)


def test_pictures_without_phones_are_refused(options, tmp_path):
    plain = [dataclasses.replace(tone_and_bar(index), phones=None) for index in range(3)]
    folder = str(write_shards(tmp_path / "plain", plain))
    for changes in ({"validation": folder}, {"data": [*options.data, Source(folder)]}):
        with pytest.raises(HearsightError, match=r"^clip-0 has no pictures .* `hearsight synth mouths`$"):
            train_lips(dataclasses.replace(options, **changes))


def test_a_folder_that_is_not_there_is_refused(options, tmp_path):
    with pytest.raises(HearsightError, match=r"no index\.json"):
        train_lips(dataclasses.replace(options, data=[Source(str(tmp_path / "nowhere"))]))


def test_a_phone_is_told_a_frame_late_and_what_is_none_never():
    assert phone_targets(" b?b").tolist() == [-1, 0, phone_targets("bb")[1], -1]
