"""A checkpoint becomes a bundle: ONNX graphs with explicit state, int8 where asked for."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hearsight.lab.checkpoint import Checkpoint, average, read_checkpoint
from hearsight.lab.ear.transducer import transducer
from hearsight.lab.graphs import Graph, graphs
from hearsight.lab.network.config import ModelConfig
from hearsight.lab.network.model import AVTransducer
from hearsight.lab.validation import ValidationSet, emission_delay
from hearsight.recognizer.config import FORMAT
from hearsight.types import CROP_SIZE, FRAME_RATE, SAMPLE_RATE

_SPECTRAL = "log_mel"
"""Part of the names of matrices that are never rounded: the Fourier transform, and the filters."""
_HALVED = ("predictor", "joiner")
"""Graphs that are too small for int8 to gain anything but size, of which halves gain half."""


def build(
    checkpoint: Checkpoint, *, segment: int | None = None, right_context: int | None = None
) -> AVTransducer:
    """The network of a checkpoint, ready to run, optionally with another latency."""
    config = checkpoint.config
    config = dataclasses.replace(
        config,
        segment=segment or config.segment,
        right_context=config.right_context if right_context is None else right_context,
    )
    model = transducer(config)
    model.load_state_dict(checkpoint.weights)
    return model.eval()


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a bundle says of itself.

    Attributes:
        name: what it is called.
        description: what it is for, in a line.
        licence: of the weights.
        origin: what it was made from.
        card: the model card, in Markdown.
        language: ISO 639-1 code.
    """

    name: str
    description: str
    licence: str
    origin: str
    card: str
    language: str = "en"


def export_checkpoints(
    paths: Sequence[Path],
    out: Path,
    about: About,
    validation: Sequence[str],
    *,
    latency: tuple[int | None, int | None] = (None, None),
    int8: bool = True,
) -> Path:
    """Average checkpoints of one training and write them as a bundle; returns its folder.

    Args:
        paths: checkpoints of ``hearsight train``.
        out: the folder, made if need be.
        about: what the bundle says of itself.
        validation: folders of shards with word times, from which the delay of words is measured.
        latency: segment and right context in frames, where they differ from those of the training.
        int8: store the encoder's matrices as int8.

    Raises:
        HearsightError: a checkpoint is not one of ours, or they do not belong together.
    """
    checkpoint = average([read_checkpoint(path) for path in paths])
    model = build(checkpoint, segment=latency[0], right_context=latency[1])
    sets = [ValidationSet.load(folder, checkpoint.pieces) for folder in validation]
    delay = emission_delay(model, sets)
    return export_bundle(model, checkpoint.pieces, out, about, emission_delay_s=delay, int8=int8)


def export_bundle(
    model: AVTransducer,
    pieces: bytes,
    out: Path,
    about: About,
    *,
    emission_delay_s: float = 0.0,
    int8: bool = True,
) -> Path:
    """Write a bundle and return its folder.

    Args:
        model: in evaluation mode.
        pieces: its SentencePiece model.
        out: the folder, made if need be.
        about: what the bundle says of itself.
        emission_delay_s: mean lag of a label behind the end of its word.
        int8: store the encoder's matrices as int8 (dynamic quantisation, one scale per channel), those of
            predictor and joiner as halves.
    """
    out.mkdir(parents=True, exist_ok=True)
    block = _block(model.config)
    parts = graphs(model, block)
    for graph in parts:
        content = to_onnx(graph)
        if int8 and graph.name in _quantised(model.config):
            content = quantise(content)
        elif int8 and graph.name in _HALVED:
            content = _with_halves(content, ("Conv", "MatMul", "Gemm", "Gather"))
        (out / f"{graph.name}.onnx").write_bytes(content)
    (out / "tokens.model").write_bytes(pieces)
    (out / "model-card.md").write_text(about.card, encoding="utf-8")
    files = [*(f"{graph.name}.onnx" for graph in parts), "tokens.model"]
    described = dataclasses.asdict(about)
    described.pop("card")
    config = {
        "format": FORMAT,
        **described,
        "emission_delay_s": round(emission_delay_s, 3),
        **_numbers(model.config, block),
        "files": {file: hashlib.sha256((out / file).read_bytes()).hexdigest() for file in files},
        "states": {graph.name: _states(graph) for graph in parts if graph.state},
    }
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return out


def to_onnx(graph: Graph) -> bytes:
    """The graph with a dynamic batch."""
    examples = (*graph.inputs.values(), *graph.state.values())
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes: Any = tuple({0: batch} for _ in examples)
    if graph.state:
        named, rest = shapes[: len(graph.inputs)], shapes[len(graph.inputs) :]
        shapes = (*named, rest)
    return export_program(graph.module, examples, (graph.input_names, graph.output_names), shapes)


def export_program(
    module: torch.nn.Module, examples: tuple[Tensor, ...], names: tuple[list[str], list[str]], shapes: Any
) -> bytes:
    """A module as ONNX.

    Args:
        module: in evaluation mode.
        examples: its arguments.
        names: of its inputs and of its outputs.
        shapes: which sizes of the arguments may be others, as ``torch.export`` takes it.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            examples,
            dynamo=True,
            input_names=names[0],
            output_names=names[1],
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return _without_traces(program.model_proto).SerializeToString()


def _without_traces(model: Any) -> Any:
    """The model without what torch notes of each node: lines of code, by their paths on this machine."""
    graph = model.graph
    for noted in (graph.node, graph.value_info, graph.input, graph.output, graph.initializer):
        for each in noted:
            each.ClearField("metadata_props")
    return model


def _quantised(config: ModelConfig) -> tuple[str, ...]:
    """Graphs whose matrices are stored as int8.

    Convolutions gain nothing from dynamic quantisation, so a front-end does if there is a transformer in it;
    the predictor and joiner are small.
    """
    return ("frontend", "encoder") if config.audio_frontend == "ear" else ("encoder",)


def quantise(content: bytes) -> bytes:
    """Matrices as int8 of seven bits: eight overflow on processors without VNNI instructions.

    Kernels of convolutions are stored as halves.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    nodes = onnx.load_from_string(content).graph.node
    spectral = [node.name for node in nodes if any(_SPECTRAL in name for name in node.input)]

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(content)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=spectral,
            weight_type=QuantType.QInt8,
        )
        return _with_halves(target.read_bytes(), ("Conv",))


def _with_halves(content: bytes, operators: Sequence[str]) -> bytes:
    """The matrices of some operators as halves, which the runtime turns back when it loads them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_from_string(content)
    used = {name for node in model.graph.node if node.op_type in operators for name in node.input}
    floats = [each for each in model.graph.initializer if each.data_type == TensorProto.FLOAT]
    for kernel in [each for each in floats if each.name in used and len(each.dims) > 1]:
        half = f"{kernel.name}_half"
        model.graph.node.insert(0, helper.make_node("Cast", [half], [kernel.name], to=TensorProto.FLOAT))
        values = numpy_helper.to_array(kernel).astype(np.float16)
        model.graph.initializer.append(numpy_helper.from_array(values, half))
        model.graph.initializer.remove(kernel)
    return bytes(model.SerializeToString())


def _block(config: ModelConfig) -> int:
    """Frames of a front-end call: as many as divide both the segment and the right context."""
    return math.gcd(config.segment, config.right_context) if config.right_context else config.segment


def _numbers(config: ModelConfig, block: int) -> dict[str, int]:
    return {
        "sample_rate": SAMPLE_RATE,
        "frame_rate": FRAME_RATE,
        "crop_size": CROP_SIZE,
        "segment": config.segment,
        "right_context": config.right_context,
        "block": block,
        "feature_dim": config.feature_dim,
        "joiner_dim": config.joiner_dim,
        "vocabulary_size": config.vocabulary_size,
        "blank": config.blank,
    }


def _states(graph: Graph) -> dict[str, dict[str, Any]]:
    return {name: _state(value) for name, value in graph.state.items()}


def _state(value: Tensor) -> dict[str, Any]:
    dtype = "int64" if value.dtype == torch.int64 else "float32"
    return {"shape": list(value.shape[1:]), "dtype": dtype, "fill": value.flatten()[0].item()}
