"""The two ONNX graphs of a second pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hearsight.recognizer.config import LISTEN, READ, SecondPassConfig
from hearsight.recognizer.graph import Port, open_session
from hearsight.recognizer.second_pass import Heard


class DecoderGraphs:
    """Both graphs, each run by onnxruntime on one thread.

    Args:
        models: ONNX models by the names of the graphs.
        folder: where they lie.
        feature_dim: of the bundle.
        config: of the second pass.

    Raises:
        BundleError: one is not ONNX, or its inputs or outputs are not what the configuration says.
    """

    def __init__(
        self, models: Mapping[str, bytes], folder: Path, feature_dim: int, config: SecondPassConfig
    ) -> None:
        heard = _heard(config)
        memory = Port("float32", (2 * config.layers, config.heads, None, config.head_dim))
        self._names = list(heard)
        self._listen = open_session(
            models[LISTEN],
            str(folder / f"{LISTEN}.onnx"),
            {"features": Port("float32", (None, feature_dim))},
            heard,
        )
        self._read = open_session(
            models[READ],
            str(folder / f"{READ}.onnx"),
            {"token": Port("int64", ()), "memory": memory, **heard},
            {"log_probabilities": Port("float32", (config.vocabulary_size,)), "next_memory": memory},
        )

    def listen(self, features: NDArray[np.float32]) -> Heard:
        """See :class:`hearsight.recognizer.second_pass.Decoder`."""
        outputs = self._listen.run(self._names, {"features": features[None]})
        return dict(zip(self._names, outputs, strict=True))

    def read(
        self, tokens: Sequence[int], memory: NDArray[np.float32], heard: Heard
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See :class:`hearsight.recognizer.second_pass.Decoder`."""
        inputs = {"token": np.array(tokens, np.int64), "memory": memory, **heard}
        log_probabilities, after = self._read.run(["log_probabilities", "next_memory"], inputs)
        return log_probabilities, after


def _heard(config: SecondPassConfig) -> dict[str, Port]:
    """Keys, transposed, and values of each layer."""
    ports = {}
    for index in range(config.layers):
        ports[f"keys{index}"] = Port("float32", (config.heads, config.head_dim, None))
        ports[f"values{index}"] = Port("float32", (config.heads, None, config.head_dim))
    return ports
