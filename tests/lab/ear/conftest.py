"""The pretrained weights, where they have been fetched."""

import pytest

from hearsight.errors import HearsightError
from hearsight.lab.ear.assets import EarAssets


@pytest.fixture(scope="session")
def ear_assets():
    try:
        return EarAssets.open()
    except HearsightError as error:
        pytest.skip(str(error))
