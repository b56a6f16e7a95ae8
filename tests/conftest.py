"""What all tests share: the data folder that lies beside the repository, when it does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE_THE_REPOSITORY = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The data folder: HEARSIGHT_SHARED_DATA, or shared/data beside the repository."""
    folder = Path(os.environ.get("HEARSIGHT_SHARED_DATA", BESIDE_THE_REPOSITORY))
    if not (folder / "grid" / "manifest.jsonl").is_file():
        pytest.skip(f"no shared data at {folder}: set HEARSIGHT_SHARED_DATA to the folder that holds grid/")
    return folder
