"""A real server of this test alone, and shops that have something to learn from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hosts.learning import SETTINGS, learned_from
from tests.served import Served

from footfall.adapters.registry import open_registry


@pytest.fixture
def served(tmp_path: Path, free_port: int) -> Iterator[Served]:
    served = Served(tmp_path / "data", free_port)
    yield served
    served.close()


@pytest.fixture(scope="session")
def learnable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a past, and a registry without models; tests work on copies."""
    data = learned_from(tmp_path_factory.mktemp("learnable") / "data")
    open_registry(data, SETTINGS).versions(1)
    return data


@pytest.fixture(scope="session")
def trained(learnable: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after its first training."""
    import shutil

    from footfall.hosts.training import Options, train_site

    data = tmp_path_factory.mktemp("trained") / "data"
    shutil.copytree(learnable, data)
    train_site(data, SETTINGS, "", Options(n_trials=0, n_threads=1))
    return data
