"""Turns a bundle back into a checkpoint, to train on where its checkpoints are gone.

    python tools/bundle_to_checkpoint.py BUNDLE OUT.ckpt --size small-en [--shards DIR ...]

For ``hearsight train --initial OUT.ckpt`` and ``python -m hearsight.lab.ear see --ear OUT.ckpt``. Matrices
that were stored as int8 stay as rounded as they are; heads that training alone needs begin anew. Batch
normalisation was folded into the convolutions when they were exported: its statistics are taken anew from
the mouths in some shards, without changing what the network computes. Layers that hear an utterance again,
for a second pass, come along, with the eyes that look again.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from hearsight.lab.data.pieces import load_pieces
from hearsight.lab.data.shards import find_shards, read_shards
from hearsight.lab.ear.transducer import EarTransducer, transducer
from hearsight.lab.export import to_onnx
from hearsight.lab.graphs import Graph, graphs
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import AVTransducer
from hearsight.lab.network.plain_video import shrink_crops, standardise_frames
from hearsight.recognizer.config import LISTEN

Arrays = dict[str, NDArray[Any]]
CLIPS, TICKS = 24, 50
LIPS_BEFORE = "eyes_lips"
"""The state in which the eyes keep lips of the frames before."""
VIDEO = ("video.", "video_again.")
MATRICES = ("query_key_value", "attended", "expand", "contract")
"""Of a layer of attention, in the order of their use."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", required=True, help="named size of the network")
    parser.add_argument("--shards", action="append", default=[], help="with mouths; may be repeated")
    options = parser.parse_args()
    pieces = (options.bundle / "tokens.model").read_bytes()
    config = configuration(options.bundle, options.size)
    weights, biases = read_weights(options.bundle, config)
    model = transducer(config).eval()
    if isinstance(model, EarTransducer) and (listen := options.bundle / f"{LISTEN}.onnx").exists():
        weights |= hearing_again(listen)
    model.load_state_dict({**model.state_dict(), **weights})
    unfold(model, biases, options.shards)
    missing = sorted({name.split(".")[0] for name in dict(model.named_parameters())} - _parts(weights))
    print(f"{len(weights)} tensors; new or not in these graphs: {', '.join(missing) or 'none'}")
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    about = {"config": config.to_dict(), "pieces": pieces}
    torch.save({"state_dict": state, "hearsight": about, "global_step": 0}, options.out)


def configuration(folder: Path, size: str) -> ModelConfig:
    """Shape of the network that a bundle was exported from.

    Args:
        folder: the bundle.
        size: name of the network's size; the vocabulary and the eyes' window are the bundle's own.
    """
    bundle = json.loads((folder / "config.json").read_text())
    lips, named = bundle["states"]["frontend"].get(LIPS_BEFORE), ModelConfig.named(size)
    return dataclasses.replace(
        named,
        vocabulary_size=load_pieces((folder / "tokens.model").read_bytes()).get_piece_size(),
        lips_window=1 if lips is None else lips["shape"][0] + 1,
        again_dim=bundle["feature_dim"] - named.fusion_dim,
    )


def _parts(weights: dict[str, Tensor]) -> set[str]:
    return {name.split(".")[0] for name in weights}


def read_weights(folder: Path, config: ModelConfig) -> tuple[dict[str, Tensor], Arrays]:
    """Weights by the names of the network, and the biases that the folded convolutions got.

    The exporter numbers matrices in the order of their use, whatever their weights: a network whose weights
    are known tells which is which.
    """
    torch.manual_seed(1)
    known = transducer(config).eval()
    with torch.no_grad():
        for value in known.parameters():
            value.copy_(torch.randn_like(value))
    weights: dict[str, Tensor] = {}
    biases: Arrays = {}
    for graph in graphs(known, config.segment if not config.right_context else 4):
        stored = _arrays(onnx.load(folder / f"{graph.name}.onnx"))
        biases |= {name: value for name, value in stored.items() if name.endswith(".weight_bias")}
        weights |= _matched(known, graph, stored)
    return weights, biases


def hearing_again(path: Path) -> dict[str, Tensor]:
    """Weights ``whole.…`` and ``eyes_again.…`` of what hears and looks again, from the second pass's graph.

    Vectors lie there by their names, matrices in the order in which they are used: first those of the eyes.
    """
    stored = _arrays(onnx.load(path))
    parts = {"hearing.attention.": "whole.", "hearing.eyes.": "eyes_again."}
    weights = {
        f"{ours}{name.removeprefix(theirs)}": torch.from_numpy(value.copy())
        for theirs, ours in parts.items()
        for name, value in stored.items()
        if name.startswith(theirs)
    }
    labels = (name.removesuffix("_quantized") for name in stored if name.endswith("_quantized"))
    layers = sum(name.endswith(".expand.bias") for name in weights)
    matrices = [f"whole.layers.{layer}.{part}" for layer, part in itertools.product(range(layers), MATRICES)]
    eyes = [
        name.removesuffix(".bias") for name in weights if re.fullmatch(r"eyes_again\.mlp\.\d\.bias", name)
    ]
    for name, label in zip([*sorted(eyes), *matrices], labels, strict=False):
        value = _value(stored, label)
        assert value is not None
        weights[f"{name}.weight"] = torch.from_numpy(np.array(value.T, order="C"))
    return weights


def _matched(known: AVTransducer, graph: Graph, stored: Arrays) -> dict[str, Tensor]:
    names: dict[bytes, tuple[str, bool]] = {}
    for name, value in known.state_dict().items():
        array = value.numpy()
        names[array.tobytes()] = name, False
        if array.ndim == 2:
            names.setdefault(np.ascontiguousarray(array.T).tobytes(), (name, True))
    found: dict[str, Tensor] = {}
    examples = _arrays(onnx.load_from_string(to_onnx(graph)))
    labels = dict(zip(_numbered_matrices(examples), _numbered_matrices(stored), strict=True))
    for label, example in examples.items():
        name, turned = names.get(np.ascontiguousarray(example).tobytes(), ("", False))
        value = _value(stored, labels.get(label, label))
        if name and value is not None:
            found[name] = torch.from_numpy(np.array(value.T if turned else value, order="C"))
    for name in known.state_dict():  # folded convolutions are other values under the same names
        value = _value(stored, f"model.{name}")
        if name.startswith(VIDEO) and value is not None:
            found[name] = torch.from_numpy(value.copy())
    return found


def _numbered_matrices(arrays: Arrays) -> list[str]:
    """Labels of the matrices that the exporter numbered, in the order of their use.

    The numbers themselves change with the slightest change of the network's code.
    """
    found = [re.fullmatch(r"(val_(\d+))(_half|(_Transposed)?_quantized)?", name) for name in arrays]
    matrices = [match for match in found if match and arrays[match.string].ndim == 2]
    return [match[1] for match in sorted(matrices, key=lambda match: int(match[2]))]


def _arrays(model: onnx.ModelProto) -> Arrays:
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def _value(stored: Arrays, label: str) -> NDArray[Any] | None:
    """A tensor as it is, from halves, or from int8."""
    if label in stored:
        return stored[label]
    if f"{label}_half" in stored:
        return stored[f"{label}_half"].astype(np.float32)
    for name, turned in ((label, False), (f"{label}_Transposed", True)):
        if f"{name}_quantized" in stored:
            value = stored[f"{name}_quantized"].astype(np.float32) * stored[f"{name}_scale"]
            return value.T if turned else value
    return None


@torch.no_grad()
def unfold(model: AVTransducer, biases: Arrays, shards: list[str]) -> None:
    """Give batch normalisations the statistics of some mouths, so that they change nothing."""
    clips = [clip for folder in shards for clip in _mouths(folder)]
    for part in VIDEO:
        video = getattr(model, part.removesuffix("."), None)
        if video is None:
            continue
        for name, norm in video.named_modules():
            if isinstance(norm, nn.BatchNorm2d):
                kernel = name.replace("norm", "conv") if "." in name else "stem"
                kernel = kernel.replace("shortcut.1", "shortcut.0")
                norm.weight.fill_((1 + norm.eps) ** 0.5)
                norm.bias.copy_(torch.from_numpy(biases[f"model.{part}{kernel}.weight_bias"].copy()))
                norm.register_forward_pre_hook(_take_statistics)
        if clips:
            patches = standardise_frames(shrink_crops(torch.stack(clips).float()))
            video(patches, video.initial_state(len(clips)))


def _take_statistics(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None
    mean, variance = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.add_(mean)


def _mouths(folder: str) -> list[Tensor]:
    samples = itertools.islice(read_shards(find_shards(folder)), CLIPS * 4)
    seen = [sample.pixels for sample in samples if sample.pixels is not None and sample.ticks >= TICKS]
    return [torch.from_numpy(pixels[:TICKS].copy()) for pixels in seen[:CLIPS]]


if __name__ == "__main__":
    main()
