"""The compiled hash is the package's hash, for every length."""

import numpy as np
import pytest
from xxhash import xxh3_64_intdigest

from footfall.events.kernels.xxh3 import LONGEST, xxh3


@pytest.mark.parametrize("seed", [0, 1, 6, 0xFFFF * 4 + 2])
def test_every_length_hashes_as_the_package_does(seed: int) -> None:
    data = np.random.default_rng(seed).integers(0, 256, 1000, dtype=np.uint8)
    for n in range(LONGEST + 1):
        for at in (0, 3, 500):
            with np.errstate(over="ignore"):
                got = xxh3(data, at, n, np.uint64(seed))
            assert int(got) == xxh3_64_intdigest(data[at : at + n].tobytes(), seed), (n, at)
