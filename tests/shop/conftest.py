"""What every test of the shop may ask for."""

from collections.abc import Iterator

import pytest
from tests.shop.visitor import Visitor, shopping


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """Somebody who is new to a shop that is new."""
    with shopping() as visitor:
        yield visitor
