"""A toy bundle with an engine, and clips to push."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from hearsight.recognizer import Bundle, Recognizer
from hearsight.serve.admission import Room
from hearsight.serve.engine import Engine

ROOMY = Room(max_lag_s=math.inf, max_share=math.inf)
"""Tests of what is heard do not depend on how fast the machine is."""


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    # It needs onnx, which an environment for Ray alone has not.
    from tests.recognizer.toy_bundle import write_toy_bundle

    return Bundle.load(write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy")).open()


@pytest.fixture(scope="session")
def recognizer(toy: Bundle) -> Recognizer:
    return Recognizer(toy)


@pytest.fixture(scope="session")
def small() -> Recognizer:
    return Recognizer.load("small")


@pytest.fixture
def engine(recognizer: Recognizer) -> Iterator[Engine]:
    with Engine(recognizer, room=ROOMY) as running:
        yield running
