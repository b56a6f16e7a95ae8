"""Finding, checking and opening a model bundle: a folder of ONNX files, pieces and a configuration."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hearsight.assets import DEFAULT_MODEL
from hearsight.errors import BundleError
from hearsight.recognizer.config import GRAPHS, LANGUAGE_MODEL, LISTEN, READ, TOKENS, BundleConfig

if TYPE_CHECKING:
    from hearsight.recognizer.beam import Step
    from hearsight.recognizer.language_model import LanguageModel
    from hearsight.recognizer.pieces import Pieces
    from hearsight.recognizer.second_pass import Finals, SecondPass

SHIPPED = Path(__file__).resolve().parents[1] / "assets" / "bundles"
"""Where the bundles lie that come with the package."""

_CONFIG = "config.json"
_PIECES = "tokens.model"
_CARD = "model-card.md"
_NEEDED = (*(f"{graph}.onnx" for graph in GRAPHS), _PIECES)
_NEEDED_FOR_TWO = (f"{LISTEN}.onnx", f"{READ}.onnx", TOKENS)
_FOREIGN = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth", ".ptl", ".safetensors"}


def available() -> list[str]:
    """Names of the bundles that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{_CONFIG}"))


@dataclass(frozen=True)
class Bundle:
    """A checked bundle.

    Everything in a bundle is data: ONNX operators, SentencePiece pieces and JSON. Checkpoints of other
    kinds are refused unread, because reading a pickle can execute what is in it.

    Attributes:
        folder: where it lies.
        config: what its ``config.json`` says.
        contents: the bytes of its files, each with the SHA-256 that the configuration names; those of a
            graph only until it is opened, since they would be in memory twice.
    """

    folder: Path
    config: BundleConfig
    contents: dict[str, bytes] = field(repr=False)

    @classmethod
    def load(cls, name_or_folder: str | Path = DEFAULT_MODEL) -> Bundle:
        """Find a bundle by the name of a shipped one or by its folder, and check its files.

        Raises:
            BundleError: there is none, a file is missing or has another hash, or it is something else.
        """
        folder = _find(name_or_folder)
        if not (folder / _CONFIG).is_file():
            raise BundleError(_why_no_bundle(folder))
        config = BundleConfig.read(folder / _CONFIG)
        needed = _NEEDED if config.second_pass is None else (*_NEEDED, *_NEEDED_FOR_TWO)
        needed = needed if config.language_model is None else (*needed, LANGUAGE_MODEL)
        if unlisted := [name for name in needed if name not in config.files]:
            raise BundleError(
                f"{folder / _CONFIG} lists no SHA-256 for {', '.join(unlisted)}: export the bundle again"
            )
        contents = {name: _read(folder / name, digest) for name, digest in config.files.items()}
        return cls(folder, config, contents)

    @cached_property
    def frontend(self) -> Step:
        """``crops, samples, video_present, audio_present`` to ``features (batch, block, feature_dim)``."""
        return self._graph("frontend")

    @cached_property
    def encoder(self) -> Step:
        """``features, valid`` to ``encoded (batch, segment, joiner_dim)``."""
        return self._graph("encoder")

    @cached_property
    def predictor(self) -> Step:
        """``token`` to ``predicted (batch, joiner_dim)``."""
        return self._graph("predictor")

    @cached_property
    def joiner(self) -> Step:
        """``encoded, predicted`` to ``log_probabilities (batch, vocabulary_size)``."""
        return self._graph("joiner")

    @cached_property
    def pieces(self) -> Pieces:
        """The pieces that labels stand for."""
        from hearsight.recognizer.pieces import Pieces

        return Pieces(self.contents[_PIECES], str(self.folder / _PIECES), self.config)

    @cached_property
    def language_model(self) -> LanguageModel | None:
        """What weighs in the first pass beside what is heard and seen; None if the bundle has none."""
        if self.config.language_model is None:
            return None
        from hearsight.recognizer.language_model import read_language_model

        path, content = str(self.folder / LANGUAGE_MODEL), self.contents.pop(LANGUAGE_MODEL)
        return read_language_model(content, path, self.config.language_model, self.pieces, self.config.blank)

    @cached_property
    def second_pass(self) -> SecondPass | None:
        """The decoder that reads an utterance again once it is over; None if the bundle has none."""
        if self.config.second_pass is None:
            return None
        from hearsight.recognizer.second_pass import SecondPass

        return SecondPass.open(self.contents, self.folder, self.config)

    def writer(self, finals: Finals | None = None) -> SecondPass | None:
        """Who writes the finals beside the search: the second pass, or None.

        Args:
            finals: what is asked for; None is two passes if the bundle has the second.

        Raises:
            BundleError: two passes are asked for, and the bundle has only one.
        """
        if finals == "two-pass" and self.config.second_pass is None:
            raise BundleError(
                f"the model {self.config.name} has no second pass: take another, or ask for one-pass finals"
            )
        return None if finals == "one-pass" else self.second_pass

    @property
    def card(self) -> str:
        """The model card, in Markdown; empty if the bundle has none."""
        path = self.folder / _CARD
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def open(self) -> Bundle:
        """Open all graphs and the pieces now, so that what is wrong with them is said at once.

        Raises:
            BundleError: a file is not what the configuration says.
        """
        for graph in GRAPHS:
            getattr(self, graph)
        _ = self.pieces, self.language_model
        return self

    def _graph(self, name: str) -> Step:
        # Imported here: listing bundles and reading their cards needs no onnxruntime.
        from hearsight.recognizer.graph import Graph

        file = f"{name}.onnx"
        return Graph(self.contents.pop(file), str(self.folder / file), self.config, name)


def _find(name_or_folder: str | Path) -> Path:
    """The folder meant: a shipped bundle's name first, then a path."""
    if isinstance(name_or_folder, str) and name_or_folder in available():
        return SHIPPED / name_or_folder
    path = Path(name_or_folder).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise BundleError(
            f"{path} is a file, and a bundle is a folder: give the folder that holds {_CONFIG}; "
            "checkpoints of other kinds are never opened, because reading one can execute code"
        )
    names = ", ".join(available()) or "none"
    raise BundleError(
        f"no bundle is called {str(name_or_folder)!r} and no folder lies there: "
        f"give one of the bundles that come with hearsight ({names}), or the folder of another"
    )


def _why_no_bundle(folder: Path) -> str:
    foreign = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _FOREIGN)
    if foreign:
        return (
            f"{folder} holds a foreign checkpoint ({foreign[0]}) and no {_CONFIG}: it is not opened, because "
            "reading one can execute code; give a bundle that `hearsight export` wrote"
        )
    return f"{folder} is not a bundle, it has no {_CONFIG}: give a folder that `hearsight export` wrote"


def _read(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BundleError(f"{path} cannot be read ({reason}): take a fresh copy of the bundle") from None
    if hashlib.sha256(content).hexdigest() != digest.lower():
        raise BundleError(
            f"{path} is not the file its bundle was made with (SHA-256 differs): take a fresh copy of it"
        )
    return content
