"""The face networks are what they are said to be, and compute what MediaPipe's do."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("tflite", "onnx")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    for module in NEEDED:
        pytest.importorskip(module)
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module("convert_face_networks")
    finally:
        sys.path.remove(str(ROOT / "tools"))


@pytest.fixture(scope="module")
def packages() -> Path:
    folder = os.environ.get("HEARSIGHT_NPM_PACKAGES")
    if folder is None:
        pytest.skip("set HEARSIGHT_NPM_PACKAGES to a folder with MediaPipe's two npm packages")
    return Path(folder)


def test_the_record_of_origin_agrees_with_the_files() -> None:
    assets = ROOT / "src" / "hearsight" / "assets" / "face"
    origin = (assets / "ORIGIN.md").read_text("utf-8")
    hashes = json.loads((assets / "hashes.json").read_text("utf-8"))
    assert sorted(hashes) == sorted(file.name for file in assets.glob("*.onnx"))
    for name, expected in hashes.items():
        assert hashlib.sha256((assets / name).read_bytes()).hexdigest() == expected
        assert expected in origin
    assert "Apache License, Version 2.0" in origin and "MediaPipe Authors" in origin


def test_the_shipped_networks_compute_what_litert_computes(tool, packages) -> None:
    pytest.importorskip("ai_edge_litert")
    for network in tool.NETWORKS:
        shipped = (tool.ASSETS / network.name).read_bytes()
        differences = tool.compare(network, tool.read(network, packages), shipped)
        assert set(differences) == set(network.outputs.values())
        assert max(differences.values()) < tool.LARGEST_DIFFERENCE


def test_the_tool_makes_the_shipped_files_again(tool, packages, tmp_path) -> None:
    pytest.importorskip("ai_edge_litert")
    tool.write(tmp_path, [(network, tool.read(network, packages)) for network in tool.NETWORKS])
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (tool.ASSETS / file.name).read_bytes()


def test_a_missing_package_is_named_with_the_command_that_fetches_it(tool, tmp_path) -> None:
    with pytest.raises(SystemExit, match="npm pack @mediapipe/face_detection@"):
        tool.read(tool.NETWORKS[0], tmp_path)


def test_a_foreign_package_is_refused(tool, tmp_path) -> None:
    network = tool.NETWORKS[1]
    with tarfile.open(tmp_path / network.archive, "w:gz") as archive:
        member = tarfile.TarInfo(network.member)
        member.size = 8
        archive.addfile(member, io.BytesIO(b"not that"))
    with pytest.raises(SystemExit, match="SHA-256 differs"):
        tool.read(network, tmp_path)


def test_the_drawn_pictures_are_the_same_every_time(tool) -> None:
    first, again = list(tool.pictures()), list(tool.pictures())
    assert len(first) == 30
    assert all((left == right).all() for left, right in zip(first, again, strict=True))
