"""A toy bundle for every test of the recognizer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from hearsight.recognizer import Bundle, Recognizer


def _builder() -> Callable[..., Path]:
    """``write_toy_bundle``; loaded by path, because the tests are not a package."""
    spec = importlib.util.spec_from_file_location("toy_bundle", Path(__file__).with_name("toy_bundle.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_toy_bundle


@pytest.fixture(scope="session")
def write_toy_bundle() -> Callable[..., Path]:
    """Writes a toy bundle into a folder; keyword arguments replace keys of its configuration."""
    return _builder()


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory, write_toy_bundle: Callable[..., Path]) -> Path:
    return write_toy_bundle(tmp_path_factory.mktemp("bundles") / "toy")


@pytest.fixture(scope="session")
def toy(toy_folder: Path) -> Bundle:
    return Bundle.load(toy_folder).open()


@pytest.fixture(scope="session")
def recognizer(toy: Bundle) -> Recognizer:
    return Recognizer(toy)
