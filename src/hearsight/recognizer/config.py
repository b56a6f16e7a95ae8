"""``config.json`` of a bundle: what the graphs beside it expect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import BundleError
from hearsight.recognizer.language_model import LanguageModelConfig
from hearsight.types import CROP_SIZE, FRAME_RATE, SAMPLE_RATE

FORMAT = 1
"""The bundle format this version reads."""

GRAPHS = ("frontend", "encoder", "predictor", "joiner")
"""The four ONNX graphs of a bundle, ``<name>.onnx`` each."""

LISTEN, READ = "listen", "read"
"""The two graphs of a second pass, ``<name>.onnx`` each."""
TOKENS = "second-pass-tokens.json"
"""The bytes of the second pass's tokens."""
BEAM_WIDTH = 4
"""Of a bundle that says nothing else."""
LANGUAGE_MODEL = "language-model.npz"
"""What is likely to be said, and how it is spelled."""

State = dict[str, NDArray[Any]]
"""Named arrays, batch first: what a graph needs from its call before."""

_NUMBERS = {
    "sample_rate",
    "frame_rate",
    "crop_size",
    "segment",
    "right_context",
    "block",
    "feature_dim",
    "joiner_dim",
    "vocabulary_size",
    "blank",
}
_SENTENCES = {"name", "description", "language", "licence", "origin"}
_FIXED = {"sample_rate": SAMPLE_RATE, "frame_rate": FRAME_RATE, "crop_size": CROP_SIZE}


@dataclass(frozen=True, slots=True)
class StateSpec:
    """One state of a graph: shape per item, without the batch, and the value before the first call."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "int64"]
    fill: float

    def initial(self, batch: int) -> NDArray[Any]:
        """``(batch, *shape)``, filled."""
        return np.full((batch, *self.shape), self.fill, dtype=self.dtype)


@dataclass(frozen=True, slots=True)
class SecondPassConfig:
    """The decoder that reads the features of an utterance once it is over.

    Attributes:
        layers, heads, head_dim: sizes of its attention.
        vocabulary_size: tokens, marks included.
        context: tokens that it can hold, the prompt included.
        prompt: tokens that every text begins with.
        end: the mark of a text's end.
        suppressed: tokens that are never read.
        suppressed_first: tokens that may not come first either.
        longest_s: as much as it can read at a time, in seconds.
        restart: states of the front-end that forget all before while nobody speaks.
    """

    layers: int
    heads: int
    head_dim: int
    vocabulary_size: int
    context: int
    prompt: tuple[int, ...]
    end: int
    suppressed: tuple[int, ...]
    suppressed_first: tuple[int, ...]
    longest_s: float
    restart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BundleConfig:
    """What ``config.json`` says.

    Attributes:
        segment: frames by which one encoder call advances.
        right_context: further frames that an encoder call sees.
        block: frames of one front-end call; divides ``segment`` and ``right_context``.
        vocabulary_size: labels, including the blank.
        blank: label of the blank.
        emission_delay_s: mean lag of a label's emission behind the end of its word, in seconds.
        beam_width: hypotheses that are worth keeping.
        files: SHA-256 of every file that the bundle needs, by name.
        states: for each graph, its states by name.
        second_pass: the decoder that writes the finals; None where there is none.
        language_model: how much a language model weighs in the first pass; None where there is none.
    """

    name: str
    description: str
    language: str
    licence: str
    origin: str
    sample_rate: int
    frame_rate: int
    crop_size: int
    segment: int
    right_context: int
    block: int
    feature_dim: int
    joiner_dim: int
    vocabulary_size: int
    blank: int
    emission_delay_s: float
    files: dict[str, str]
    states: dict[str, dict[str, StateSpec]]
    second_pass: SecondPassConfig | None = None
    language_model: LanguageModelConfig | None = None
    beam_width: int = BEAM_WIDTH

    def initial_state(self, graph: str, batch: int = 1) -> State:
        """The states of ``graph`` before its first call."""
        return {name: spec.initial(batch) for name, spec in self.states[graph].items()}

    @classmethod
    def read(cls, path: Path) -> BundleConfig:
        """Read and check ``config.json``.

        Raises:
            BundleError: it is not JSON, not a bundle's, of another format, or says what cannot be.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} is not readable as JSON ({error}): take a fresh copy of it") from None
        if not isinstance(values, dict) or "format" not in values:
            raise BundleError(
                f"{path} is not the configuration of a hearsight bundle: it has no key 'format'"
            )
        if values["format"] != FORMAT:
            raise BundleError(
                f"{path} has bundle format {values['format']!r}, and this version reads format {FORMAT}: "
                "install the hearsight that wrote it, or export it again"
            )
        try:
            config = cls(**_checked(values))
            _check_sizes(config)
        except ValueError as error:
            raise BundleError(f"{path}: {error}: export the bundle again") from None
        return config


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a :class:`BundleConfig`, each of the right type."""
    needed = _NUMBERS | _SENTENCES | {"emission_delay_s", "files", "states"}
    if missing := sorted(needed - set(values)):
        raise ValueError(f"missing {', '.join(missing)}")
    checked: dict[str, Any] = {}
    for key in _NUMBERS:
        checked[key] = _natural(key, values[key])
    for key in _SENTENCES:
        if not isinstance(values[key], str):
            raise ValueError(f"{key} is not a string")
        checked[key] = values[key]
    delay = values["emission_delay_s"]
    if not isinstance(delay, int | float) or not abs(delay) < 10:
        raise ValueError("emission_delay_s is not a number of seconds")
    return {
        **checked,
        "emission_delay_s": float(delay),
        "files": _files(values["files"]),
        "states": _states(values["states"]),
        "second_pass": _second_pass(values.get("second_pass")),
        "language_model": _language_model(values.get("language_model")),
        "beam_width": _natural("beam_width", values.get("beam_width", BEAM_WIDTH)),
    }


def _natural(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{key} is not a whole number")
    return value


def _files(values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        raise ValueError("files is not an object of file names and SHA-256 sums")
    for name, digest in values.items():
        if not name or name != Path(name).name or "\\" in name:
            raise ValueError(f"files names {name!r}, which is not a plain file name")
        if not isinstance(digest, str):
            raise ValueError(f"files has no SHA-256 for {name}")
    return dict(values)


def _states(values: object) -> dict[str, dict[str, StateSpec]]:
    if not isinstance(values, dict) or not set(values) <= set(GRAPHS):
        raise ValueError(f"states is not an object of {', '.join(GRAPHS)}")
    states: dict[str, dict[str, StateSpec]] = {graph: {} for graph in GRAPHS}
    for graph, specs in values.items():
        if not isinstance(specs, dict):
            raise ValueError(f"states of {graph} is not an object")
        for name, spec in specs.items():
            states[graph][name] = _state_spec(f"state {name} of {graph}", spec)
    return states


def _state_spec(what: str, values: object) -> StateSpec:
    if not isinstance(values, dict) or not {"shape", "dtype", "fill"} <= set(values):
        raise ValueError(f"{what} needs shape, dtype and fill")
    shape, dtype, fill = values["shape"], values["dtype"], values["fill"]
    if not isinstance(shape, list):
        raise ValueError(f"the shape of {what} is not a list")
    if dtype not in ("float32", "int64") or not isinstance(fill, int | float):
        raise ValueError(f"{what} is neither float32 nor int64, or its fill is no number")
    return StateSpec(tuple(_natural(f"the shape of {what}", size) for size in shape), dtype, float(fill))


def _second_pass(values: object) -> SecondPassConfig | None:
    if values is None:
        return None
    if not isinstance(values, dict):
        raise ValueError("second_pass is not an object")
    sizes = ("layers", "heads", "head_dim", "vocabulary_size", "context", "end")
    lists = ("prompt", "suppressed", "suppressed_first")
    if missing := sorted({*sizes, *lists, "longest_s", "restart"} - set(values)):
        raise ValueError(f"second_pass lacks {', '.join(missing)}")
    longest, restart = values["longest_s"], values["restart"]
    if isinstance(longest, bool) or not isinstance(longest, int | float) or not 5 <= longest <= 60:
        raise ValueError("longest_s of second_pass is not a number of seconds from 5 to 60")
    if not isinstance(restart, list) or not all(isinstance(name, str) for name in restart):
        raise ValueError("restart of second_pass is not a list of states")
    numbers = {key: _natural(f"{key} of second_pass", values[key]) for key in sizes}
    tokens = {key: _tokens(key, values[key], numbers["vocabulary_size"]) for key in lists}
    if not tokens["prompt"] or numbers["end"] >= numbers["vocabulary_size"]:
        raise ValueError("second_pass has no prompt, or its end lies outside the vocabulary")
    checked: dict[str, Any] = {**numbers, **tokens}
    return SecondPassConfig(**checked, longest_s=float(longest), restart=tuple(restart))


def _tokens(key: str, values: object, size: int) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{key} of second_pass is not a list of tokens")
    tokens = tuple(_natural(f"{key} of second_pass", value) for value in values)
    if any(token >= size for token in tokens):
        raise ValueError(f"{key} of second_pass has a token outside the vocabulary")
    return tokens


def _language_model(values: object) -> LanguageModelConfig | None:
    if values is None:
        return None
    names = [field.name for field in fields(LanguageModelConfig)]
    weights = [values.get(name) for name in names] if isinstance(values, dict) else [None]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in weights):
        raise ValueError(f"language_model is not an object of numbers: {', '.join(names)}")
    return LanguageModelConfig(*map(float, weights))  # type: ignore[arg-type]


def _check_sizes(config: BundleConfig) -> None:
    """What must hold between the numbers."""
    for key, value in _FIXED.items():
        if getattr(config, key) != value:
            raise ValueError(f"{key} is {getattr(config, key)}, and hearsight's clock runs at {value}")
    if config.beam_width < 1:
        raise ValueError("beam_width must be at least one hypothesis")
    if config.segment < 1 or config.block < 1:
        raise ValueError("segment and block must be at least one frame")
    if config.segment % config.block or config.right_context % config.block:
        raise ValueError("block does not divide segment and right_context")
    if config.blank >= config.vocabulary_size:
        raise ValueError("blank lies outside the vocabulary")
    restart = config.second_pass.restart if config.second_pass else ()
    if unknown := sorted(set(restart) - set(config.states["frontend"])):
        raise ValueError(f"second_pass restarts {', '.join(unknown)}, which is no state of the front-end")
