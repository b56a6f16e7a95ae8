"""A second pass is refused where there is nothing for it to read."""

import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.lab.ear.published_decoder import add_published_decoder
from hearsight.lab.ear.transducer import transducer
from hearsight.lab.network.config import ModelConfig


def written(path, size):
    config = ModelConfig.named(size)
    state = {f"model.{name}": value for name, value in transducer(config).state_dict().items()}
    about = {"config": config.to_dict(), "pieces": b"none"}
    torch.save({"state_dict": state, "hearsight": about, "global_step": 1}, path)
    return path


def test_a_network_without_an_ear_is_refused(ear_assets, tmp_path):
    checkpoint = written(tmp_path / "small.ckpt", "small")
    with pytest.raises(HearsightError, match="has no ear"):
        add_published_decoder(tmp_path, [checkpoint], ear_assets)


def test_a_folder_without_a_bundle_is_refused(ear_assets, tmp_path):
    checkpoint = written(tmp_path / "en.ckpt", "small-en")
    with pytest.raises(HearsightError, match="is no bundle: write one with `hearsight export`"):
        add_published_decoder(tmp_path / "nowhere", [checkpoint], ear_assets)
