"""One ONNX graph with explicit state, run by onnxruntime on one thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from hearsight.errors import BundleError
from hearsight.recognizer.config import BundleConfig, State

_TYPES = {
    "tensor(uint8)": "uint8",
    "tensor(float)": "float32",
    "tensor(bool)": "bool",
    "tensor(int64)": "int64",
}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: element type, and sizes after the batch (None: any)."""

    dtype: str
    shape: tuple[int | None, ...]


def expected_ports(config: BundleConfig, graph: str) -> tuple[dict[str, Port], dict[str, Port]]:
    """Inputs and outputs that ``graph`` of this bundle must have, its states among them."""
    frames, ahead = config.block, config.segment + config.right_context
    size = config.crop_size
    samples = frames * config.sample_rate // config.frame_rate
    own: dict[str, tuple[dict[str, Port], dict[str, Port]]] = {
        "frontend": (
            {
                "crops": Port("uint8", (frames, size, size)),
                "samples": Port("float32", (samples,)),
                "video_present": Port("bool", (frames,)),
                "audio_present": Port("bool", (frames,)),
            },
            {"features": Port("float32", (frames, config.feature_dim))},
        ),
        "encoder": (
            {"features": Port("float32", (ahead, config.feature_dim)), "valid": Port("bool", (ahead,))},
            {"encoded": Port("float32", (config.segment, config.joiner_dim))},
        ),
        "predictor": (
            {"token": Port("int64", ())},
            {"predicted": Port("float32", (config.joiner_dim,))},
        ),
        "joiner": (
            {
                "encoded": Port("float32", (config.joiner_dim,)),
                "predicted": Port("float32", (config.joiner_dim,)),
            },
            {"log_probabilities": Port("float32", (config.vocabulary_size,))},
        ),
    }
    inputs, outputs = own[graph]
    states = {name: Port(spec.dtype, spec.shape) for name, spec in config.states[graph].items()}
    return {**inputs, **states}, {**outputs, **{f"next_{name}": port for name, port in states.items()}}


class Graph:
    """A graph that takes inputs and states, and returns its one output and the next states.

    Nothing in it is executed but ONNX operators: it is opened from bytes that have been checked, no
    custom operator is registered, and it keeps no state between calls, so that streams may share it.

    Raises:
        BundleError: it is not ONNX, or its inputs or outputs are not what the configuration says.
    """

    def __init__(self, model: bytes, path: str, config: BundleConfig, name: str) -> None:
        inputs, outputs = expected_ports(config, name)
        # Always of the same size: what the session keeps for it is little, and saves a tenth of the time.
        self._session = open_session(
            model, path, inputs, outputs, keeps_memory=name in ("frontend", "encoder")
        )
        self._outputs = list(outputs)
        self._states = list(config.states[name])

    def __call__(self, inputs: Mapping[str, NDArray[Any]], state: State) -> tuple[NDArray[Any], State]:
        """Run once; every array is batch first."""
        output, *after = self._session.run(self._outputs, {**inputs, **state})
        return output, dict(zip(self._states, after, strict=True))


def open_session(
    model: bytes, path: str, inputs: dict[str, Port], outputs: dict[str, Port], *, keeps_memory: bool = False
) -> onnxruntime.InferenceSession:
    """Open a graph that has these inputs and outputs.

    Args:
        model: the file's content.
        path: of the file, for messages.
        inputs: by name.
        outputs: by name.
        keeps_memory: whether what a call took is kept for the next. An arena keeps the most that any length
            ever took, and a pattern for each length: for utterances of all lengths that is 70 MB in three
            minutes, and no faster.

    Raises:
        BundleError: it is not ONNX, or has others.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena, options.enable_mem_pattern = keeps_memory, False
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own, without a common base
        reason = str(error).strip().splitlines()[0]
        raise BundleError(f"{path} does not open as an ONNX model ({reason}): export it again") from None
    _check_ports(path, "input", inputs, session.get_inputs())
    _check_ports(path, "output", outputs, session.get_outputs())
    return session


def _check_ports(path: str, kind: str, expected: dict[str, Port], found: list[Any]) -> None:
    names = {port.name for port in found}
    if names != set(expected):
        raise BundleError(
            f"{path} has the {kind}s {', '.join(sorted(names))}, and its bundle's configuration asks for "
            f"{', '.join(sorted(expected))}: export the bundle again"
        )
    for port in found:
        want = expected[port.name]
        sizes = port.shape[1:]
        same = len(sizes) == len(want.shape) and all(
            not isinstance(size, int) or size == wanted
            for size, wanted in zip(sizes, want.shape, strict=True)
        )
        if not same or _TYPES.get(port.type) != want.dtype:
            raise BundleError(
                f"{kind} {port.name} of {path} is {port.type} {port.shape}, and its bundle's configuration "
                f"asks for {want.dtype} {['batch', *want.shape]}: export the bundle again"
            )
