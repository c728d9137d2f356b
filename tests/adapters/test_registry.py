"""MLflow as the registry: in the data folder's own file, and in a database that a setting names."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contracts.model_registry import CARD, ModelRegistryContract, add, stages

from footfall.adapters.registry import MlflowRegistry, _errors, open_registry
from footfall.base.clock import ManualClock
from footfall.base.errors import Unavailable
from footfall.ports import Artefact
from footfall.settings import Settings

NOON_MS = 1_792_843_200_000


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry's database with its tables; making them takes seconds, so it is done once."""
    data = tmp_path_factory.mktemp("empty")
    open_registry(data, Settings()).versions(1)
    return data / "models" / "registry" / "mlflow.db"


def spoiled(registry: MlflowRegistry) -> None:
    folder = registry._folder
    assert folder is not None
    for path in folder.rglob("footfall.model"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")


class TestInTheDataFolder(ModelRegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path, empty: Path) -> MlflowRegistry:
        (tmp_path / "models" / "registry").mkdir(parents=True)
        shutil.copy(empty, tmp_path / "models" / "registry" / "mlflow.db")
        return open_registry(tmp_path, Settings(), ManualClock(NOON_MS))

    @pytest.fixture
    def spoil(self) -> Callable[[MlflowRegistry], None]:
        return spoiled


class TestInADatabaseByItsAddress(ModelRegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path, empty: Path) -> MlflowRegistry:
        shutil.copy(empty, tmp_path / "elsewhere.db")
        settings = Settings(model_registry_url=f"sqlite:///{tmp_path / 'elsewhere.db'}", model_registry_prefix="shop-a")
        return open_registry(tmp_path / "data", settings, ManualClock(NOON_MS))

    @pytest.fixture
    def spoil(self) -> Callable[[MlflowRegistry], None]:
        return spoiled


@pytest.fixture
def data(tmp_path: Path, empty: Path) -> Path:
    (tmp_path / "models" / "registry").mkdir(parents=True)
    shutil.copy(empty, tmp_path / "models" / "registry" / "mlflow.db")
    return tmp_path


def test_two_folders_with_other_prefixes_share_a_registry(data: Path) -> None:
    url = f"sqlite:///{data / 'models' / 'registry' / 'mlflow.db'}"
    one, other = (open_registry(data / name, Settings(model_registry_url=url, model_registry_prefix=name))
                  for name in ("one", "other"))  # fmt: skip
    add(one), add(one), add(other)
    assert (len(one.versions(1)), len(other.versions(1))) == (2, 1)


def test_it_is_all_there_after_opening_anew(data: Path) -> None:
    add(open_registry(data, Settings()))
    again = open_registry(data, Settings())
    again.promote(1, 1, "after a restart")
    assert stages(open_registry(data, Settings())) == {1: "champion"}
    assert again.version(1, 1).card == CARD


def test_a_crash_between_alias_and_tag_is_mended_by_the_next_change(data: Path) -> None:
    registry = open_registry(data, Settings())
    for _ in range(3):
        add(registry)
    registry.promote(1, 1, "the first")
    registry.promote(1, 2, "the second")
    registry._client.set_registered_model_alias("footfall-site-1", "champion", "3")  # and then the power went
    assert registry.rollback(1, "back") == 2
    registry._client.set_registered_model_alias("footfall-site-1", "champion", "1")
    with pytest.raises(Exception, match="none to go back to"):
        registry.rollback(1, "back")


def test_dropped_files_leave_the_disk(data: Path) -> None:
    registry = open_registry(data, Settings())
    registry.register(1, Artefact(b"m" * 100_000, b"p" * 100_000), {}, {})
    add(registry)
    registry.drop_files(1, 1)
    left = [path.stat().st_size for path in (data / "models" / "registry" / "artefacts").rglob("*") if path.is_file()]
    assert sum(left) < 1_000


def test_what_a_killed_registration_left_goes_a_day_later(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(NOON_MS)
    registry = open_registry(data, Settings(), clock)
    add(registry, b"the first")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry._client, "create_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            add(registry)
    folder = data / "models" / "registry"
    (folder / "footfall-dead").mkdir()
    os.utime(folder / "footfall-dead", (1, 1))
    clock.set_ms(NOON_MS + 3_600_000)
    add(registry, b"the second")
    assert (len(list(folder.rglob("footfall.model"))), (folder / "footfall-dead").exists()) == (3, False)
    clock.set_ms(NOON_MS + 2 * 86_400_000)
    add(registry, b"the third")
    assert len(list(folder.rglob("footfall.model"))) == 3
    assert [registry.artefact(1, n).model for n in (1, 2, 3)] == [b"the first", b"the second", b"the third"]


def test_a_large_card_fits(data: Path) -> None:
    registry = open_registry(data, Settings())
    card = {"psi": {f"feature_{i}": i / 7 for i in range(1500)}}
    registry.register(1, Artefact(b"m"), card, {})
    assert registry.version(1, 1).card == card


def test_a_registry_that_is_down_says_so(data: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = open_registry(data, Settings(model_registry_url=f"http://127.0.0.1:{free_port}"))
    with pytest.raises(Unavailable, match="model_registry_url"):
        registry.versions(1)


def test_a_first_use_says_nothing_and_asks_nobody(tmp_path: Path) -> None:
    code = """
import socket, sys
def refuse(self, address):
    raise AssertionError(f"asked {address}")
socket.socket.connect = refuse
from pathlib import Path
from footfall.adapters.registry import open_registry
from footfall.ports import Artefact
from footfall.settings import Settings
registry = open_registry(Path(sys.argv[1]), Settings())
registry.register(1, Artefact(b"model"), {}, {})
registry.artefact(1, 1)
import mlflow.telemetry.client
assert mlflow.telemetry.client.get_telemetry_client() is None
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_went_wrong_names_no_password() -> None:
    with pytest.raises(Unavailable, match=r"GET http://models\.shop/api failed") as caught, _errors():
        raise OSError("GET http://ada:p@ss-1@models.shop/api failed\nmore")
    assert "p@ss" not in str(caught.value)
