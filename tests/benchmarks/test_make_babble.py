"""Babble is the same for the same seed, and many voices at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.make_babble import babble, write_wav
from hearsight.evaluate.noise import read_noise


@pytest.mark.shared_data
def test_babble_follows_from_its_seed(shared_data: Path, tmp_path: Path) -> None:
    once = babble(shared_data / "speech", voices=3, seconds=2.0, seed=1)
    assert once.shape == (32_000,)
    assert np.abs(once).max() == pytest.approx(0.5)
    assert np.array_equal(once, babble(shared_data / "speech", voices=3, seconds=2.0, seed=1))
    assert not np.array_equal(once, babble(shared_data / "speech", voices=3, seconds=2.0, seed=2))
    write_wav(tmp_path / "babble.wav", once)
    np.testing.assert_allclose(read_noise(tmp_path / "babble.wav"), once, atol=1e-4)
