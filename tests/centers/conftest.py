"""A folder for deliveries."""

from pathlib import Path

import pytest

from tests.workers.collection.maker import Maker


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    """Writes deliveries into a folder of the test."""
    return Maker(tmp_path / "deliveries")
