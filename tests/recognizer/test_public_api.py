"""``import hearsight`` is small and quick, and leads to everything."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hearsight

HEAVY = ("PIL", "av", "cv2", "kornia_rs", "numpy", "onnxruntime", "rich", "sentencepiece", "torch")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, hearsight; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_recognising_needs_no_torch_and_ears_no_eyes() -> None:
    names = "[name for name in ('PIL', 'cv2', 'kornia_rs', 'torch') if name in sys.modules]"
    code = f"import sys, hearsight; hearsight.Recognizer; print({names})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", hearsight.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(hearsight, name)
    assert name in dir(hearsight)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'listen'"):
        _ = hearsight.listen
