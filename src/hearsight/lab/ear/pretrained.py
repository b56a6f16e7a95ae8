"""Whisper tiny.en as it was published: its weights in our encoder and decoder."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from numpy.typing import NDArray
from torch import Tensor

from hearsight.errors import HearsightError
from hearsight.lab.ear.assets import EarAssets
from hearsight.lab.ear.ctranslate2_file import read_variables
from hearsight.lab.ear.decoder import Decoder
from hearsight.lab.ear.encoder import LAYERS, Chunking, Encoder

Variables = dict[str, NDArray]  # type: ignore[type-arg]

_ATTENTION = {
    "attention_norm": "self_attention/layer_norm",
    "query_key_value": "self_attention/linear_0",
    "attended": "self_attention/linear_1",
    "feed_norm": "ffn/layer_norm",
    "expand": "ffn/linear_0",
    "contract": "ffn/linear_1",
}
_CROSS = {
    "cross_norm": "attention/layer_norm",
    "cross_query": "attention/linear_0",
    "cross_key_value": "attention/linear_1",
    "cross_attended": "attention/linear_2",
}


def pretrained_encoder(assets: EarAssets, chunking: Chunking | None = None) -> Encoder:
    """The published encoder, whole or in chunks, in evaluation mode.

    Raises:
        HearsightError: the weights are not the pinned ones.
    """
    encoder = Encoder(chunking)
    names = {"conv1": "conv1", "conv2": "conv2", **_names(_ATTENTION), "norm": "layer_norm"}
    encoder.load_state_dict(_weights(read_variables(assets.weights()), "encoder", names))
    return encoder.eval()


def pretrained_decoder(assets: EarAssets) -> Decoder:
    """The published decoder, in evaluation mode.

    Raises:
        HearsightError: the weights are not the pinned ones.
    """
    decoder = Decoder()
    names = {"vectors": "embeddings", **_names({**_ATTENTION, **_CROSS}), "norm": "layer_norm"}
    variables = read_variables(assets.weights())
    positions = torch.from_numpy(variables["decoder/position_encodings/encodings"])
    decoder.load_state_dict({**_weights(variables, "decoder", names), "positions": positions})
    return decoder.eval()


def _names(parts: dict[str, str]) -> dict[str, str]:
    return {
        f"layers.{index}.{ours}": f"layer_{index}/{theirs}"
        for index in range(LAYERS)
        for ours, theirs in parts.items()
    }


def _weights(variables: Variables, side: str, names: dict[str, str]) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    try:
        for ours, theirs in names.items():
            for part, array in _parts(variables, f"{side}/{theirs}"):
                weights[f"{ours}.{part}"] = torch.from_numpy(array)
    except KeyError as error:
        raise HearsightError(f"The weights lack {error}: they are not Whisper's; fetch them again.") from None
    return weights


def _parts(variables: Variables, name: str) -> Iterator[tuple[str, NDArray]]:  # type: ignore[type-arg]
    if f"{name}/gamma" in variables:
        yield "weight", variables[f"{name}/gamma"]
        yield "bias", variables[f"{name}/beta"]
        return
    yield "weight", variables[f"{name}/weight"]
    if f"{name}/bias" in variables:
        yield "bias", variables[f"{name}/bias"]
