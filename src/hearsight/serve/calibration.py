"""What a stream will cost on this machine, before any has run: from a few calls of the networks."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hearsight.recognizer import Bundle
from hearsight.recognizer.session import Inputs
from hearsight.types import FRAME_RATE

_CALLS = 12
_PICTURE_COST = 63.0
"""Decoding, face work and transport of a second of camera pictures, in calls of the face mesh."""
_SEARCH_COST = 1.7
"""Networks, search and the rest of a second, among many streams, over the networks of one stream alone.

Both measured with the model `small`, the one with WebM of 640x480, the other with eight streams in step. They
only have to do until streams have been running for a few seconds: then their real cost is known.
"""


def first_cost(bundle: Bundle) -> float:
    """CPU seconds that a second of one live stream with a camera is expected to cost."""
    config = bundle.config
    window = config.segment + config.right_context
    block: Inputs = {
        "crops": np.zeros((1, config.block, config.crop_size, config.crop_size), np.uint8),
        "samples": np.zeros((1, config.block * config.sample_rate // config.frame_rate), np.float32),
        "video_present": np.ones((1, config.block), np.bool_),
        "audio_present": np.ones((1, config.block), np.bool_),
    }
    segment: Inputs = {
        "features": np.zeros((1, window, config.feature_dim), np.float32),
        "valid": np.ones((1, window), np.bool_),
    }
    frontend, encoder = config.initial_state("frontend"), config.initial_state("encoder")
    networks_s = _best(lambda: bundle.frontend(block, frontend)) * FRAME_RATE / config.block
    networks_s += _best(lambda: bundle.encoder(segment, encoder)) * FRAME_RATE / config.segment
    return _SEARCH_COST * networks_s + _PICTURE_COST * _best(_mesh_call())


def _mesh_call() -> Callable[[], object]:
    from hearsight.face.mesh import FaceMesh, Region

    mesh, picture = FaceMesh.load(), np.zeros((480, 640, 3), np.uint8)
    region = Region(np.array([320.0, 240.0]), 200.0, 0.0)
    return lambda: mesh(picture, region)


def _best(call: Callable[[], object]) -> float:
    """CPU seconds of the quickest of a few calls: the others were disturbed."""
    times = []
    for _ in range(_CALLS):
        began = time.thread_time()
        call()
        times.append(time.thread_time() - began)
    return min(times)
