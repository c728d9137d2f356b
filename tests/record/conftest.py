"""The kernels must not overflow or divide by nothing, which only the interpreter says (``NUMBA_DISABLE_JIT=1``)."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def numbers_that_go_wrong_are_errors() -> Iterator[None]:
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield
