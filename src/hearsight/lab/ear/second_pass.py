"""Adds the second pass to a bundle: the decoder as two ONNX graphs, the bytes of its tokens, the rules."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from hearsight.errors import HearsightError
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.decoder import Decoder, Layer
from hearsight.lab.ear.encoder import MEMORIES, attend
from hearsight.lab.ear.tokenizer import END, PROMPT, Tokenizer
from hearsight.lab.ear.transducer import WholeHearing
from hearsight.lab.export import export_program, quantise
from hearsight.recognizer.config import LISTEN, READ, TOKENS

REST_FRAMES = 150
"""Frames of the silent window that follow those of an utterance."""
RESTARTED = ("ear_heard", *(f"ear_{name}" for name in MEMORIES))
"""What the ear remembers beyond its convolutions."""
_LARGEST = 64
"""Weights of the vocabulary are whole numbers of at most this size: pairs of products with bytes then fit
16 bits, in which processors without VNNI instructions add them."""
_EVENED = 0.75
"""Few dimensions of the vectors are many times as large as the others, which would be rounded away: each is
divided by its largest value to this power, and the state is multiplied by it. With it the likeliest token is
the same in 99 % of the steps, without it in 96 %."""


@dataclass(frozen=True, slots=True)
class TokenTable:
    """What a decoder's tokens stand for.

    Attributes:
        content: bytes of each token of text, by its number; all later numbers are marks.
        prompt: what a text begins with.
        end: the mark of its end.
        suppressed: tokens that are never read: brackets, notes.
        suppressed_first: tokens that may not come first either.
    """

    content: tuple[bytes, ...]
    prompt: tuple[int, ...]
    end: int
    suppressed: tuple[int, ...] = ()
    suppressed_first: tuple[int, ...] = ()

    @classmethod
    def of(cls, assets: EarAssets) -> TokenTable:
        """Whisper's."""
        always, first = assets.suppressed()
        content = Tokenizer(assets.tokenizer()).table()
        return cls(content, PROMPT, END, tuple(always), tuple(first))

    @property
    def needed(self) -> int:
        """Tokens up to the last that is ever read or put in; of Whisper's, those of times come after."""
        return 1 + max(len(self.content) - 1, self.end, *self.prompt, *self.suppressed)


class ListenStep(nn.Module):
    """Keys and values of a whole utterance, heard once more, and the silence after it."""

    def __init__(self, decoder: Decoder, hearing: nn.Module, silence: Tensor, rest: int) -> None:
        super().__init__()
        self.decoder, self.hearing, self.rest = decoder, hearing, rest
        # As bytes: they are as good, and a quarter of the size.
        scale = silence.abs().amax(0).clamp(min=1e-8) / 127
        self.silence_scale = nn.Buffer(scale)
        self.silence = nn.Buffer((silence / scale).round().to(torch.int8))

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """``(1, ticks, feature_dim)`` to keys, transposed, and values of each layer in turn."""
        frames = self.hearing(features)
        first = frames.shape[1]
        rest = self.silence[first : first + self.rest].float() * self.silence_scale
        frames = torch.cat([frames, rest[None]], 1)
        both: list[Tensor] = []
        for layer in self.decoder.layers:
            assert isinstance(layer, Layer)
            key, value = layer.cross_key_value(frames).chunk(2, 2)
            both += [layer.heads(key).transpose(2, 3), layer.heads(value)]
        return tuple(both)


class ReadStep(nn.Module):
    """One token more; its vector and the scores of the next lie outside, where the vocabulary is."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        # As halves: they are as good, and half the size.
        self.positions = nn.Buffer(decoder.positions.half())

    def forward(self, embedded: Tensor, memory: Tensor, *heard: Tensor) -> tuple[Tensor, Tensor]:
        """The state before the vocabulary ``(batch, dim)``, and the memory.

        Args:
            embedded: ``(batch, 1, dim)`` vector of the token.
            memory: ``(batch, 2 * layers, heads, tokens, size)`` keys and values of each layer in turn.
            heard: as :class:`ListenStep` returns it, the same for all.
        """
        known = memory.shape[3]
        states = embedded + self.positions[known : known + 1].float()
        after: list[Tensor] = []
        for index, layer in enumerate(self.decoder.layers):
            assert isinstance(layer, Layer)
            before, seen = memory[:, 2 * index : 2 * index + 2], heard[2 * index : 2 * index + 2]
            states, key, value = _read_layer(layer, states, before, seen)
            after += [key, value]
        return self.decoder.norm(states)[:, 0], torch.stack(after, 1)


def _read_layer(
    layer: Layer, states: Tensor, memory: Tensor, heard: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = layer.query_key_value(layer.attention_norm(states)).chunk(3, 2)
    key = torch.cat([memory[:, 0], layer.heads(key)], 2)
    value = torch.cat([memory[:, 1], layer.heads(value)], 2)
    attended = attend(layer.heads(query), key, value, None)
    states = states + layer.attended(attended.transpose(1, 2).flatten(2))
    query = layer.heads(layer.cross_query(layer.cross_norm(states)))
    attended = attend(query, heard[0].transpose(2, 3), heard[1], None)
    states = states + layer.cross_attended(attended.transpose(1, 2).flatten(2))
    return states + layer.contract(nn.functional.gelu(layer.expand(layer.feed_norm(states)))), key, value


def add_second_pass(
    folder: Path,
    decoder: Decoder,
    hearing: WholeHearing,
    tokens: TokenTable,
    silence: Tensor,
    *,
    restart: Sequence[str] = RESTARTED,
    rest_frames: int = REST_FRAMES,
    int8: bool = True,
) -> Path:
    """Add a decoder to a bundle whose front-end hears with the decoder's ear; returns its folder.

    Args:
        folder: of the bundle.
        decoder: in evaluation mode.
        hearing: makes what the decoder reads of the front-end's features; in evaluation mode.
        tokens: what its tokens stand for.
        silence: ``(frames, dim)`` features of a silent window, from
            :func:`hearsight.lab.ear.evaluate.silent_window`.
        restart: states of the front-end that forget all before while nobody speaks.
        rest_frames: so many frames of the silence follow those of an utterance.
        int8: store the matrices of the layers as int8; those of the vocabulary always are.

    Raises:
        HearsightError: the bundle's features are not such that the decoder can read them.
    """
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    _check(config, decoder, hearing, restart)
    longest = (len(silence) - rest_frames) // hearing.frames_per_tick
    listen = ListenStep(decoder, hearing, silence, rest_frames)
    contents = {
        f"{LISTEN}.onnx": _listen(listen, config["feature_dim"], longest, int8=int8),
        f"{READ}.onnx": _read(decoder, tokens.needed, int8=int8),
        TOKENS: _token_file(tokens),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        config["files"][name] = hashlib.sha256(content).hexdigest()
    size = decoder.size
    config["second_pass"] = {
        "layers": size.layers,
        "heads": size.heads,
        "head_dim": size.dim // size.heads,
        "vocabulary_size": tokens.needed,
        "context": size.context,
        "prompt": list(tokens.prompt),
        "end": tokens.end,
        "suppressed": list(tokens.suppressed),
        "suppressed_first": list(tokens.suppressed_first),
        "longest_s": longest / config["frame_rate"],
        "restart": list(restart),
    }
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return folder


def _check(config: dict[str, Any], decoder: Decoder, hearing: WholeHearing, restart: Sequence[str]) -> None:
    ticks, features = 2, config["feature_dim"]
    try:
        heard = tuple(hearing(torch.zeros(1, ticks, features)).shape[1:])
    except RuntimeError:
        heard = ()
    if heard != (ticks * hearing.frames_per_tick, decoder.size.dim):
        raise HearsightError(
            f"of the bundle's features, {features} a tick, nothing can be heard that the decoder reads: "
            "export a front-end whose features are the ear's"
        )
    if missing := sorted(set(restart) - set(config["states"].get("frontend", {}))):
        raise HearsightError(
            f"the bundle's front-end has no state {', '.join(missing)}: name those that restart"
        )


def _listen(step: ListenStep, feature_dim: int, longest: int, *, int8: bool) -> bytes:
    size = step.decoder.size
    ticks = torch.export.Dim("ticks", min=2, max=longest)
    names = [name for index in range(size.layers) for name in (f"keys{index}", f"values{index}")]
    example = torch.randn(1, 5, feature_dim)
    content = export_program(step, (example,), (["features"], names), ({1: ticks},))
    return quantise(content) if int8 else content


def _read(decoder: Decoder, tokens: int, *, int8: bool) -> bytes:
    size = decoder.size
    head = size.dim // size.heads
    frames, known = torch.export.Dim("frames", max=4096), torch.export.Dim("known", max=size.context - 1)
    batch = torch.export.Dim("batch", max=64)
    memory = torch.randn(2, 2 * size.layers, size.heads, 3, head)
    # Tensors of their own for each layer: one that came twice would be exported as one input.
    sizes = [(head, 7), (7, head)] * size.layers
    heard = [torch.randn(1, size.heads, *each) for each in sizes]
    names = [name for index in range(size.layers) for name in (f"keys{index}", f"values{index}")]
    shapes = ({0: batch}, {0: batch, 3: known}, tuple([{3: frames}, {2: frames}] * size.layers))
    content = export_program(
        ReadStep(decoder),
        (torch.randn(2, 1, size.dim), memory, *heard),
        (["embedded", "memory", *names], ["hidden", "next_memory"]),
        shapes,
    )
    content = quantise(content) if int8 else content
    return _with_vocabulary(content, decoder.vectors.weight[:tokens].detach().numpy())


def _with_vocabulary(content: bytes, vectors: NDArray[np.float32]) -> bytes:
    """The graph with tokens for vectors and scores for its last state; both from one matrix of int8.

    It is stored as the product with a state wants it; a token's vector is a column of it.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    spread = np.abs(vectors).max(axis=0).clip(1e-8) ** _EVENED
    even = vectors / spread
    scale = np.abs(even).max(axis=1).clip(1e-8) / _LARGEST
    whole = np.rint(even / scale[:, None]).astype(np.int8)
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.ascontiguousarray(whole.T), "vocabulary"),
            numpy_helper.from_array(scale.astype(np.float32), "vocabulary_scale"),
            numpy_helper.from_array(spread.astype(np.float32), "vocabulary_spread"),
            numpy_helper.from_array(np.array([1], np.int64), "second_axis"),
        ]
    )
    node = helper.make_node
    before = [
        node("Gather", ["vocabulary", "token"], ["column"], axis=1),
        node("Cast", ["column"], ["column_float"], to=TensorProto.FLOAT),
        node("Gather", ["vocabulary_scale", "token"], ["token_scale"]),
        node("Mul", ["column_float", "token_scale"], ["vector_column"]),
        node("Transpose", ["vector_column"], ["even_vector"], perm=[1, 0]),
        node("Mul", ["even_vector", "vocabulary_spread"], ["vector"]),
        node("Unsqueeze", ["vector", "second_axis"], ["embedded"]),
    ]
    after = [
        node("Mul", ["hidden", "vocabulary_spread"], ["spread"]),
        node("DynamicQuantizeLinear", ["spread"], ["hidden_byte", "hidden_scale", "hidden_zero"]),
        node("MatMulInteger", ["hidden_byte", "vocabulary", "hidden_zero"], ["sums"]),
        node("Cast", ["sums"], ["sums_float"], to=TensorProto.FLOAT),
        node("Mul", ["vocabulary_scale", "hidden_scale"], ["score_scale"]),
        node("Mul", ["sums_float", "score_scale"], ["scores"]),
        node("LogSoftmax", ["scores"], ["log_probabilities"], axis=-1),
    ]
    nodes = [*before, *graph.node, *after]
    inputs = [helper.make_tensor_value_info("token", TensorProto.INT64, ["batch"])]
    inputs += [each for each in graph.input if each.name != "embedded"]
    outputs = [helper.make_tensor_value_info("log_probabilities", TensorProto.FLOAT, ["batch", len(vectors)])]
    outputs += [each for each in graph.output if each.name != "hidden"]
    for field, values in ((graph.node, nodes), (graph.input, inputs), (graph.output, outputs)):
        del field[:]
        field.extend(values)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _token_file(tokens: TokenTable) -> bytes:
    """A list of strings, in which each character stands for the byte of its number."""
    return json.dumps([content.decode("latin-1") for content in tokens.content], ensure_ascii=False).encode()
