"""The two face networks that ship with the package: checked when loaded, run on one thread."""

from __future__ import annotations

import hashlib
import json
from importlib import resources

import onnxruntime

from hearsight.errors import HearsightError


def load_network(name: str) -> onnxruntime.InferenceSession:
    """Open ``assets/face/<name>`` as a one-thread session.

    Raises:
        HearsightError: the file is missing, or is not the one its SHA-256 was recorded for.
    """
    folder = resources.files("hearsight") / "assets" / "face"
    try:
        data = (folder / name).read_bytes()
        expected = json.loads((folder / "hashes.json").read_text("utf-8"))[name]
    except (OSError, KeyError, ValueError) as error:
        raise HearsightError(
            f"The face network {name} is missing from the package: reinstall hearsight."
        ) from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise HearsightError(f"The face network {name} is damaged (wrong SHA-256): reinstall hearsight.")
    options = onnxruntime.SessionOptions()
    # Both networks are so small that a second thread costs more than it brings.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
