"""A damaged or missing network is named in one sentence."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import pytest

from hearsight.errors import HearsightError
from hearsight.face.networks import load_network


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's networks that may be spoilt."""
    folder = tmp_path / "assets" / "face"
    shutil.copytree(str(resources.files("hearsight") / "assets" / "face"), folder)
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    return folder


@pytest.mark.parametrize("name", ["detector.onnx", "mesh.onnx"])
def test_an_intact_network_opens(package: Path, name: str) -> None:
    assert [value.name for value in load_network(name).get_inputs()] == ["picture"]


def test_a_damaged_network_is_refused(package: Path) -> None:
    data = bytearray((package / "mesh.onnx").read_bytes())
    data[1000] ^= 1
    (package / "mesh.onnx").write_bytes(data)
    with pytest.raises(HearsightError, match=r"mesh\.onnx is damaged"):
        load_network("mesh.onnx")


@pytest.mark.parametrize("gone", ["mesh.onnx", "hashes.json"])
def test_a_missing_network_is_named(package: Path, gone: str) -> None:
    (package / gone).unlink()
    with pytest.raises(HearsightError, match=r"mesh\.onnx is missing"):
        load_network("mesh.onnx")
