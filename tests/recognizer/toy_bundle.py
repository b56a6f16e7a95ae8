"""A tiny model bundle with random weights and the interface of a real one.

It hears nothing sensible, but its output depends on every tick, on the past through each state, on the
right context and on the mask, and it emits a few labels a second and none in silence: enough to see
whether what runs it is right. Nothing of it comes from the code under test.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import sentencepiece
from onnx import numpy_helper

BLOCK, SEGMENT, RIGHT_CONTEXT = 4, 8, 4
FEATURES, JOINER, LABELS = 12, 16, 40
WINDOW = SEGMENT + RIGHT_CONTEXT

FRONTEND = f"""
<ir_version: 9, opset_import: ["" : 17]>
frontend (uint8[B,{BLOCK},96,96] crops, float[B,{BLOCK * 640}] samples, bool[B,{BLOCK}] video_present,
          bool[B,{BLOCK}] audio_present, float[B,3,{FEATURES}] past, int64[B] ticks)
  => (float[B,{BLOCK},{FEATURES}] features, float[B,3,{FEATURES}] next_past, int64[B] next_ticks)
{{
  by_pixel = Constant <value_ints = [0, {BLOCK}, 9216]> ()
  by_sample = Constant <value_ints = [0, {BLOCK}, 640]> ()
  last_axis = Constant <value_ints = [2]> ()
  pixels = Cast <to = 1> (crops)
  flat = Reshape (pixels, by_pixel)
  seen_raw = MatMul (flat, see)
  waves = Reshape (samples, by_sample)
  heard_raw = MatMul (waves, hear)
  video_float = Cast <to = 1> (video_present)
  audio_float = Cast <to = 1> (audio_present)
  video_column = Unsqueeze (video_float, last_axis)
  audio_column = Unsqueeze (audio_float, last_axis)
  seen = Mul (seen_raw, video_column)
  heard = Mul (heard_raw, audio_column)
  both = Add (seen, heard)
  now = Tanh (both)
  all = Concat <axis = 1> (past, now)
  b0 = Constant <value_ints = [3]> ()
  b1 = Constant <value_ints = [2]> ()
  b2 = Constant <value_ints = [0]> ()
  end = Constant <value_ints = [99]> ()
  e1 = Constant <value_ints = [{2 + BLOCK}]> ()
  e2 = Constant <value_ints = [{BLOCK}]> ()
  one = Constant <value_ints = [1]> ()
  here = Slice (all, b0, end, one)
  one_back = Slice (all, b1, e1, one)
  three_back = Slice (all, b2, e2, one)
  half = Constant <value_float = 0.5> ()
  older = Sub (one_back, three_back)
  softened = Mul (older, half)
  features = Add (here, softened)
  tail = Constant <value_ints = [{BLOCK}]> ()
  next_past = Slice (all, tail, end, one)
  ticks_more = Constant <value_ints = [{BLOCK}]> ()
  next_ticks = Add (ticks, ticks_more)
}}
"""

ENCODER = f"""
<ir_version: 9, opset_import: ["" : 17]>
encoder (float[B,{WINDOW},{FEATURES}] features, bool[B,{WINDOW}] valid, float[B,{SEGMENT},{JOINER}] left)
  => (float[B,{SEGMENT},{JOINER}] encoded, float[B,{SEGMENT},{JOINER}] next_left)
{{
  last_axis = Constant <value_ints = [2]> ()
  valid_float = Cast <to = 1> (valid)
  mask = Unsqueeze (valid_float, last_axis)
  masked = Mul (features, mask)
  hidden = MatMul (masked, project)
  zero = Constant <value_ints = [0]> ()
  stop = Constant <value_ints = [{SEGMENT}]> ()
  end = Constant <value_ints = [99]> ()
  one = Constant <value_ints = [1]> ()
  segment = Slice (hidden, zero, stop, one)
  right = Slice (hidden, stop, end, one)
  ahead = ReduceMean <axes = [1], keepdims = 1> (right)
  mixed = Add (segment, ahead)
  half = Constant <value_float = 0.5> ()
  kept = Mul (left, half)
  encoded = Add (mixed, kept)
  next_left = Tanh (encoded)
}}
"""

PREDICTOR = f"""
<ir_version: 9, opset_import: ["" : 17]>
predictor (int64[B] token, int64[B,1] previous)
  => (float[B,{JOINER}] predicted, int64[B,1] next_previous)
{{
  last_axis = Constant <value_ints = [1]> ()
  before = Squeeze (previous, last_axis)
  latest = Gather <axis = 0> (embed, token)
  earlier = Gather <axis = 0> (embed_earlier, before)
  predicted = Add (latest, earlier)
  next_previous = Unsqueeze (token, last_axis)
}}
"""

JOINER_GRAPH = f"""
<ir_version: 9, opset_import: ["" : 17]>
joiner (float[B,{JOINER}] encoded, float[B,{JOINER}] predicted)
  => (float[B,{LABELS}] log_probabilities)
{{
  sum = Add (encoded, predicted)
  active = Tanh (sum)
  raw = MatMul (active, output)
  logits = Add (raw, bias)
  log_probabilities = LogSoftmax <axis = -1> (logits)
}}
"""

SENTENCES = [
    "place red at f two now",
    "bin blue by a nine again",
    "set white with q zero please",
    "lay green in",
]
SENTENCES += ["the quick brown fox jumps over the lazy dog", "we hear and see what is said while it is said"]


def _weights(seed: int) -> dict[str, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)

    def normal(scale: float, *shape: int) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    bias = np.zeros(LABELS, np.float32)
    bias[0] = 13.0
    return {
        "frontend": {"see": normal(1e-4, 96 * 96, FEATURES), "hear": normal(0.2, 640, FEATURES)},
        "encoder": {"project": normal(0.5, FEATURES, JOINER)},
        "predictor": {"embed": normal(0.3, LABELS, JOINER), "embed_earlier": normal(0.2, LABELS, JOINER)},
        "joiner": {"output": normal(2.0, JOINER, LABELS), "bias": bias},
    }


def _graph(text: str, weights: dict[str, np.ndarray]) -> bytes:
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _pieces() -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(SENTENCES * 20),
        model_writer=model,
        vocab_size=LABELS,
        model_type="unigram",
        bos_id=-1,
        eos_id=-1,
        unk_id=0,
        minloglevel=2,
    )
    return model.getvalue()


def write_toy_bundle(folder: Path, seed: int = 5, **changes: object) -> Path:
    """Write a bundle into ``folder``; ``changes`` replace keys of its configuration."""
    weights = _weights(seed)
    texts = {"frontend": FRONTEND, "encoder": ENCODER, "predictor": PREDICTOR, "joiner": JOINER_GRAPH}
    files = {f"{name}.onnx": _graph(text, weights[name]) for name, text in texts.items()}
    files |= {"tokens.model": _pieces(), "model-card.md": b"# A toy\n\nUnderstands nothing.\n"}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    config = {
        "format": 1,
        "name": "toy",
        "description": "random weights",
        "language": "en",
        "licence": "Apache-2.0",
        "origin": "tests/recognizer/toy_bundle.py",
        "sample_rate": 16000,
        "frame_rate": 25,
        "crop_size": 96,
        "segment": SEGMENT,
        "right_context": RIGHT_CONTEXT,
        "block": BLOCK,
        "feature_dim": FEATURES,
        "joiner_dim": JOINER,
        "vocabulary_size": LABELS,
        "blank": 0,
        "emission_delay_s": 0.12,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "states": {
            "frontend": {
                "past": {"shape": [3, FEATURES], "dtype": "float32", "fill": 0.25},
                "ticks": {"shape": [], "dtype": "int64", "fill": 0},
            },
            "encoder": {"left": {"shape": [SEGMENT, JOINER], "dtype": "float32", "fill": 0}},
            "predictor": {"previous": {"shape": [1], "dtype": "int64", "fill": 0}},
        },
    }
    (folder / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")
    return folder
