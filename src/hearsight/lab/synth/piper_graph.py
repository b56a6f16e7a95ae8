"""Piper's ONNX with phone durations as an output and its chance as inputs, so that a seed fixes the sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hearsight.lab.synth.assets import PIPER, Assets

DURATIONS_OUTPUT = "/Ceil_output_0"
"""Inner value of the graph: how many steps each token lasts, rounded up."""
PHONE_NOISE, FRAME_NOISE = "phone_noise", "frame_noise"
"""Names of the new inputs: ``(1, 2, tokens)``, and ``(1, 192, steps)`` or longer."""
_DRAWN = {"/dp/RandomNormalLike": PHONE_NOISE, "/RandomNormalLike": FRAME_NOISE}


def steady_model(assets: Assets) -> Path:
    """The changed graph in the cache folder; made at the first call.

    Raises:
        HearsightError: the package is not there, or not the one that is pinned.
    """
    import onnx

    path = assets.cache / f"piper-joe-{PIPER.version}-durations.onnx"
    if not path.exists():
        model = onnx.load_from_string(assets.piper_model())
        _take_noise_as_input(model.graph)
        model.graph.output.append(onnx.ValueInfoProto(name=DURATIONS_OUTPUT))
        partial = path.with_suffix(".part")
        partial.write_bytes(model.SerializeToString())
        partial.rename(path)
    return path


def _take_noise_as_input(graph: Any) -> None:
    """Replace each node that draws noise of a value's shape by that much of an input."""
    from onnx import TensorProto, helper

    nodes = []
    for node in graph.node:
        if node.name not in _DRAWN:
            nodes.append(node)
            continue
        noise = _DRAWN[node.name]
        shape, start = f"{noise}/shape", f"{noise}/start"
        graph.initializer.append(helper.make_tensor(start, TensorProto.INT64, [3], [0, 0, 0]))
        graph.input.append(helper.make_tensor_value_info(noise, TensorProto.FLOAT, [1, None, None]))
        nodes.append(helper.make_node("Shape", [node.input[0]], [shape]))
        nodes.append(helper.make_node("Slice", [noise, start, shape], list(node.output)))
    del graph.node[:]
    graph.node.extend(nodes)
