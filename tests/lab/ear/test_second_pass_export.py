"""The exported second pass reads what the decoder reads."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hearsight.errors import BundleError, HearsightError
from hearsight.evaluate.noise import read_noise
from hearsight.evaluate.word_errors import count_errors
from hearsight.lab.ear.decoder import Decoder, DecoderSize
from hearsight.lab.ear.evaluate import silent_window
from hearsight.lab.ear.log_mel import LogMel, relative_to_reference
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.reading import Reader
from hearsight.lab.ear.second_pass import TokenTable, add_second_pass
from hearsight.lab.ear.transducer import WholeHearing
from hearsight.recognizer import Bundle, Recognizer
from tests.recognizer.test_stream import clip, finals, recognise

CLIP = "examples/set_white_by_k_four_soon.mp4"
SIZE = DecoderSize(vocabulary=40, dim=6, heads=2, layers=2, context=64)
WINDOW = 300
TOKENS = TokenTable(tuple(f" w{index}".encode() for index in range(36)), (37, 38), 36, (3,), (4,))


def write_bundle(folder):
    path = Path(__file__).parents[2] / "recognizer" / "toy_bundle.py"
    spec = importlib.util.spec_from_file_location("toy_bundle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_toy_bundle(folder)


class AsHeard(torch.nn.Module):
    """Reads what the stream heard, without hearing it again."""

    frames_per_tick = 2

    def __init__(self, dim=SIZE.dim):
        super().__init__()
        self.dim = dim

    def forward(self, features):
        return features.unflatten(2, (2, self.dim)).flatten(1, 2)


@pytest.fixture(scope="module")
def decoder():
    """Random, with a vocabulary that is stored exactly."""
    torch.manual_seed(3)
    decoder = Decoder(SIZE).eval()
    decoder.positions.copy_(4 * torch.randn(SIZE.context, SIZE.dim).half())  # else it repeats itself
    with torch.no_grad():
        whole = torch.randint(-64, 65, decoder.vectors.weight.shape)
        whole[:, 0] = whole[0] = 64
        decoder.vectors.weight.copy_(whole / 64)
    return decoder


@pytest.fixture(scope="module")
def silence():
    """Random, and stored exactly."""
    torch.manual_seed(4)
    whole = torch.randint(-127, 128, (WINDOW, SIZE.dim))
    whole[0] = 127
    return whole / 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory, decoder, silence):
    made = write_bundle(tmp_path_factory.mktemp("bundles") / "toy")
    return add_second_pass(
        made, decoder, AsHeard(), TOKENS, silence, restart=["past"], rest_frames=20, int8=False
    )


@torch.no_grad()
def test_the_graphs_score_as_the_decoder_does(folder, decoder, silence):
    graphs = Bundle.load(folder).second_pass._decoder
    for ticks in (2, 9, 140):
        features = torch.randn(ticks, 2 * SIZE.dim)
        frames = features.reshape(-1, SIZE.dim)
        window = torch.cat([frames, silence[len(frames) : len(frames) + 20]])[None]
        heard = graphs.listen(features.numpy())
        memory = np.zeros((1, 2 * SIZE.layers, SIZE.heads, 0, 3), np.float32)
        tokens = [37, 38, 5, 11, 5]
        wanted, _ = decoder(torch.tensor([tokens]), decoder.listen(window))
        wanted = wanted[..., : TOKENS.needed]
        for token, scores in zip(tokens, wanted[0], strict=True):
            got, memory = graphs.read([token], memory, heard)
            # The last state is rounded to a byte.
            np.testing.assert_allclose(got[0], scores.log_softmax(0), atol=0.03 * float(scores.std()))
        assert memory.shape == (1, 4, 2, 5, 3)
        assert got.shape == (1, 39)  # one of the 40 is never needed
        alone, _ = graphs.read([7], memory, heard)
        several, after = graphs.read([7, 9, 7], memory.repeat(3, 0), heard)
        np.testing.assert_allclose(several[[0, 2]], alone.repeat(2, 0), atol=0.05)
        assert after.shape == (3, 4, 2, 6, 3)


def test_any_chunking_gives_the_same_finals(folder, monkeypatch):
    monkeypatch.setattr("hearsight.recognizer.reading._SURER", 1.0)  # this decoder guesses
    recognizer = Recognizer.load(folder)
    whole = clip(3, 200)
    events = recognise(recognizer, whole, [200])
    assert any(word.text.startswith("w") for event in finals(events) for word in event.words)
    assert recognise(recognizer, whole, [3, 17, 1]) == events
    assert recognise(Recognizer.load(folder, finals="one-pass"), whole, [200]) != events


def test_the_files_are_checked_like_all_others(folder, tmp_path):
    config = json.loads((folder / "config.json").read_text())
    assert config["second_pass"]["longest_s"] == 140 / 25
    assert set(config["second_pass"]["restart"]) == {"past"}
    for name in ("listen.onnx", "read.onnx", "second-pass-tokens.json"):
        copy = tmp_path / name
        copy.mkdir()
        for file in folder.iterdir():
            (copy / file.name).write_bytes(file.read_bytes() + b" " * (file.name == name))
        with pytest.raises(BundleError, match="SHA-256 differs"):
            Bundle.load(copy)


def test_features_and_states_that_do_not_fit_are_refused(tmp_path, decoder, silence):
    made = write_bundle(tmp_path / "toy")
    with pytest.raises(HearsightError, match="has no state ear_heard, ear_keys0, ear_keys1"):
        add_second_pass(made, decoder, AsHeard(), TOKENS, silence)
    wide = Decoder(DecoderSize(vocabulary=40, dim=10, heads=2, layers=1, context=64))
    with pytest.raises(HearsightError, match="nothing can be heard"):
        add_second_pass(made, wide, AsHeard(10), TOKENS, torch.zeros(WINDOW, 10), restart=())
    assert "second_pass" not in json.loads((made / "config.json").read_text())


@torch.no_grad()
def test_the_published_decoder_reads_a_clip_from_int8(ear_assets, tmp_path):
    """Needs the real package; takes half a minute."""
    made = write_bundle(tmp_path / "toy")
    config = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(json.dumps(config | {"feature_dim": 1728}))
    whole = pretrained_encoder(ear_assets)
    silence, reader = silent_window(whole), Reader.load(ear_assets)
    hearing = WholeHearing(whole).eval()
    add_second_pass(made, reader.decoder, hearing, TokenTable.of(ear_assets), silence, restart=())
    added = [made / name for name in ("listen.onnx", "read.onnx", "second-pass-tokens.json")]
    assert sum(path.stat().st_size for path in added) < 39.9e6
    second_pass = Bundle.load(made).second_pass
    sound = np.concatenate([np.zeros(5120, np.float32), read_noise(CLIP), np.zeros(10240, np.float32)])
    log_mel = LogMel().whole(torch.from_numpy(sound[: len(sound) // 640 * 640])[None])
    frames = whole.convolve(relative_to_reference(log_mel))[0]
    convolved = frames.reshape(-1, 768).numpy()
    nothing = np.zeros_like(convolved)
    read = second_pass(np.concatenate([nothing, convolved, nothing[:, :192]], 1))
    # Offline it hears "K4": a decoder of int8 may hear one word in six otherwise.
    assert count_errors("set white by k four soon", " ".join(word.text for word in read)).errors <= 1
