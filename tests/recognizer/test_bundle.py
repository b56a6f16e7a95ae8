"""A bundle is checked before it is used, and what is wrong with it is said in one sentence."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from pathlib import Path

import onnx
import pytest

from hearsight.errors import BundleError
from hearsight.recognizer import Bundle, available
from hearsight.recognizer import bundle as bundle_module


@pytest.fixture
def copy(toy_folder: Path, tmp_path: Path) -> Path:
    """A bundle to damage."""
    return Path(shutil.copytree(toy_folder, tmp_path / "copy"))


def change(folder: Path, **values: object) -> None:
    """Replace keys of the configuration; None removes one."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Put another file in place, with its hash in the configuration."""
    (folder / name).write_bytes(content)
    files = json.loads((folder / "config.json").read_text())["files"]
    change(folder, files={**files, name: hashlib.sha256(content).hexdigest()})


def refusal(what: str | Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(what).open()
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_a_bundle_loads_from_its_folder(toy_folder: Path) -> None:
    bundle = Bundle.load(toy_folder).open()
    assert bundle.config.name == "toy"
    assert bundle.card.startswith("# A toy")
    assert "contents" not in repr(bundle)


def test_no_shipped_bundle_tells_of_the_machine_that_made_it() -> None:
    for path in bundle_module.SHIPPED.glob("*/*.onnx"):
        content = path.read_bytes()
        assert b"hearsight/lab" not in content and b"site-packages" not in content, path


def test_a_shipped_bundle_loads_by_its_name(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "SHIPPED", toy_folder.parent)
    assert available() == ["toy"]
    assert Bundle.load("toy").folder == toy_folder


def test_an_unknown_name_lists_the_known_ones(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "SHIPPED", toy_folder.parent)
    assert "'huge'" in refusal("huge")
    assert "(toy)" in refusal("huge")
    assert "/no/such/folder" in refusal("/no/such/folder")


@pytest.mark.parametrize("name", ["encoder.onnx", "tokens.model"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert str(copy / name) in refusal(copy)


def test_a_changed_file_is_named(copy: Path) -> None:
    with (copy / "joiner.onnx").open("ab") as file:
        file.write(b"more")
    assert f"{copy / 'joiner.onnx'} is not the file its bundle was made with" in refusal(copy)


@pytest.mark.parametrize("content", ["{", "\x00", "[1, 2]", '"text"', '{"model_type": "whisper"}'])
def test_a_configuration_that_is_not_ours_is_refused(copy: Path, content: str) -> None:
    (copy / "config.json").write_text(content)
    assert str(copy / "config.json") in refusal(copy)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"format": 2}, "bundle format 2"),
        ({"segment": None}, "missing segment"),
        ({"segment": "8"}, "segment is not a whole number"),
        ({"segment": 10}, "block does not divide"),
        ({"block": 0}, "at least one frame"),
        ({"sample_rate": 8000}, "sample_rate is 8000"),
        ({"blank": 40}, "blank lies outside"),
        ({"emission_delay_s": "soon"}, "emission_delay_s"),
        ({"files": {}}, "lists no SHA-256 for frontend.onnx"),
        ({"files": {"../../outside.onnx": "0"}}, "not a plain file name"),
        ({"files": {"encoder.onnx": None}}, "no SHA-256 for encoder.onnx"),
        ({"states": []}, "states is not an object"),
        ({"states": {"encoder": {"left": {"shape": [8, 16]}}}}, "state left of encoder needs"),
        (
            {"states": {"encoder": {"left": {"shape": [8, 16], "dtype": "object", "fill": 0}}}},
            "neither float32",
        ),
        ({"beam_width": 0}, "at least one hypothesis"),
        ({"beam_width": "wide"}, "beam_width is not a whole number"),
        ({"vocabulary_size": 50}, "40"),
        ({"joiner_dim": 20}, "joiner_dim|encoder.onnx"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(copy: Path, values: dict, sentence: str) -> None:
    change(copy, **values)
    with pytest.raises(BundleError, match=sentence):
        Bundle.load(copy).open()


def test_states_that_the_graph_lacks_are_named(copy: Path) -> None:
    change(copy, states={})
    assert "frontend.onnx has the inputs audio_present, crops, past" in refusal(copy)


def test_a_file_that_is_no_graph_is_refused(copy: Path) -> None:
    replace_file(copy, "encoder.onnx", b"not a graph")
    assert f"{copy / 'encoder.onnx'} does not open as an ONNX model" in refusal(copy)


def test_pieces_that_are_none_are_refused(copy: Path) -> None:
    replace_file(copy, "tokens.model", b"not pieces")
    assert f"{copy / 'tokens.model'} is not a SentencePiece model" in refusal(copy)


def test_a_graph_with_another_input_shape_is_refused(copy: Path) -> None:
    model = onnx.load(copy / "joiner.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 17
    replace_file(copy, "joiner.onnx", model.SerializeToString())
    assert "joiner.onnx" in refusal(copy)


class Trap:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["device_avsr_model.pt", "pytorch_model.bin", "last.ckpt", "model.pkl"])
def test_a_foreign_checkpoint_is_refused_and_never_executed(tmp_path: Path, name: str) -> None:
    sprung = tmp_path / "sprung"
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    assert f"{folder / name} is a file" in refusal(folder / name)
    assert f"foreign checkpoint ({name})" in refusal(folder)
    (folder / "config.json").write_text('{"architectures": ["SomeModel"]}')
    assert "not the configuration of a hearsight bundle" in refusal(folder)
    assert not sprung.exists()


def test_a_pickle_that_poses_as_a_graph_is_never_executed(copy: Path, tmp_path: Path) -> None:
    for name in ("encoder.onnx", "tokens.model"):
        replace_file(copy, name, pickle.dumps(Trap(tmp_path / "sprung")))
    refusal(copy)
    assert not (tmp_path / "sprung").exists()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "has no config.json" in refusal(tmp_path)


def test_the_blank_may_lie_beside_the_pieces(toy: Bundle, write_toy_bundle, tmp_path: Path) -> None:
    from dataclasses import replace

    from hearsight.recognizer.pieces import Pieces

    last = Pieces(
        toy.contents["tokens.model"], "tokens.model", replace(toy.config, vocabulary_size=41, blank=40)
    )
    first = Pieces(toy.contents["tokens.model"], "tokens.model", replace(toy.config, vocabulary_size=41))
    assert last.is_silent(40) and first.is_silent(0)
    assert [last.text([label]) for label in range(1, 40)] == [toy.pieces.text([one]) for one in range(1, 40)]
    assert [first.text([label + 1]) for label in range(1, 40)] == [
        toy.pieces.text([one]) for one in range(1, 40)
    ]
