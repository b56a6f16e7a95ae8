"""An exported bundle computes what the network computes, in any chunking, and says the same words."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import hearsight
from hearsight.lab.checkpoint import Checkpoint
from hearsight.lab.data.batches import collate
from hearsight.lab.data.examples import whole_example
from hearsight.lab.data.pieces import load_pieces
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.export import About, build, export_bundle, quantise
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import AVTransducer
from hearsight.recognizer.bundle import Bundle
from hearsight.recognizer.session import EncoderSession, Ticks

TINY = ModelConfig(
    name="tiny",
    video_channels=(4, 4, 4, 8, 8),
    frontend_dim=16,
    fusion_hidden=24,
    fusion_dim=16,
    encoder_dim=16,
    encoder_heads=2,
    encoder_feedforward=24,
    encoder_layers=1,
    convolution_kernel=5,
    left_context=16,
    predictor_dim=16,
    joiner_dim=16,
    vocabulary_size=12,
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory, piece_model):
    """A random network and its float and int8 bundles."""
    torch.manual_seed(0)
    model = AVTransducer(TINY).eval()
    with torch.no_grad():
        model.joiner.linear.bias[0] = 0.5  # so that it says something
    folder = tmp_path_factory.mktemp("bundles")
    about = About(name="tiny", description="", licence="Apache-2.0", origin="a test", card="# tiny\n")
    exact = export_bundle(model, piece_model, folder / "float", about, int8=False)
    rounded = shutil.copytree(exact, folder / "int8")
    (rounded / "encoder.onnx").write_bytes(quantise((exact / "encoder.onnx").read_bytes()))
    config = json.loads((rounded / "config.json").read_text())
    digest = hashlib.sha256((rounded / "encoder.onnx").read_bytes()).hexdigest()
    config["files"]["encoder.onnx"] = digest
    (rounded / "config.json").write_text(json.dumps(config))
    return model, folder


@pytest.fixture(scope="module")
def example(corpus, piece_model):
    return whole_example(next(read_shards(find_shards(corpus / "dev"))), load_pieces(piece_model))


def encode(bundle, example, cuts):
    session, parts, start = EncoderSession(bundle), [], 0
    for cut in [*cuts, len(example) - sum(cuts)]:
        now, sound = slice(start, start + cut), slice(start * 640, (start + cut) * 640)
        ticks = Ticks(
            example.pixels[now],
            example.samples[sound],
            example.video_present[now],
            example.audio_present[now],
        )
        parts += [segment.encoded for segment in session.push(ticks)]
        start += cut
    return np.concatenate([*parts, *(segment.encoded for segment in session.finish())])


def test_a_bundle_tells_nothing_of_the_machine_that_made_it(exported):
    here = str(Path(hearsight.__file__).parent).encode()
    for path in exported[1].glob("*/*.onnx"):
        assert here not in path.read_bytes(), path


def test_predictor_and_joiner_are_stored_as_halves_and_compute_the_same(exported, tmp_path, piece_model):
    model, folder = exported
    about = About(name="tiny", description="", licence="Apache-2.0", origin="a test", card="# tiny\n")
    small = export_bundle(model, piece_model, tmp_path / "small", about)
    for name in ("predictor", "joiner"):
        assert (small / f"{name}.onnx").stat().st_size < (folder / "float" / f"{name}.onnx").stat().st_size
    exact, halved = (scores(Bundle.load(path)) for path in (folder / "float", small))
    np.testing.assert_allclose(halved, exact, atol=5e-3)
    assert not np.array_equal(halved, exact)


def scores(bundle):
    """Of every label after one, where the encoder says nothing."""
    predicted, _ = bundle.predictor(
        {"token": np.array([3], np.int64)}, bundle.config.initial_state("predictor")
    )
    encoded = np.zeros_like(predicted)
    return bundle.joiner({"encoded": encoded, "predicted": predicted}, {})[0]


def test_the_bundle_computes_what_the_network_computes(exported, example):
    model, folder = exported
    batch = collate([example])
    with torch.no_grad():
        fused = model.fuse_whole(batch.samples, batch.crops, batch.audio_present, batch.video_present)
        expected = model.project(model.encode(fused, batch.frame_lengths))[0].numpy()
    got = encode(Bundle.load(folder / "float"), example, [7, 1, 12])
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_int8_stays_close(exported, example):
    _, folder = exported
    exact = encode(Bundle.load(folder / "float"), example, [])
    rounded = encode(Bundle.load(folder / "int8"), example, [])
    assert np.abs(exact - rounded).mean() < 0.1 * exact.std()


def test_the_weights_serve_another_latency(exported):
    model, _ = exported
    checkpoint = Checkpoint(TINY, b"", model.state_dict(), 0)
    quick = build(checkpoint, segment=4, right_context=2)
    assert (quick.config.segment, quick.config.right_context) == (4, 2)
    assert torch.equal(quick.fusion.no_audio, model.fusion.no_audio)
