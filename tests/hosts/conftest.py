"""A real server of this test alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.served import Served


@pytest.fixture
def served(tmp_path: Path, free_port: int) -> Iterator[Served]:
    served = Served(tmp_path / "data", free_port)
    yield served
    served.close()
