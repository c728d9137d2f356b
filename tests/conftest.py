"""What every test may ask for: the shared data, a free port, a browser, and an honest way to be skipped."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import hypothesis
import pytest
from tests.adapters.faulty_vfs import FaultyVfs

from footfall.base.chromium import INSTALL
from footfall.base.chromium import chromium as find_chromium

REPOSITORY = Path(__file__).resolve().parent.parent

IS_CI = os.environ.get("CI", "").lower() in {"true", "1"}

# Compiling a kernel takes longer than any deadline; on CI the same traces are tried each time.
hypothesis.settings.register_profile("footfall", deadline=None, derandomize=IS_CI, print_blob=True)
hypothesis.settings.load_profile("footfall")

# Settings of the person who runs the tests must not reach them.
for _name in [name for name in os.environ if name.startswith("FOOTFALL_")]:
    if _name not in {"FOOTFALL_SHARED_DATA", "FOOTFALL_CHROMIUM"}:
        del os.environ[_name]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and all that drive a browser in the same one.

    Fixtures of a module are then made once, and two browsers never fight for two cores. Runs before xdist reads the
    groups.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = "browser" if item.get_closest_marker("browser") else item.nodeid.partition("::")[0]
            item.add_marker(pytest.mark.xdist_group(group))


def _lacking(what: str, mend: str) -> NoReturn:
    message = f"{what} is missing. To run this test: {mend}"
    if IS_CI:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session")
def lacking() -> Callable[[str, str], NoReturn]:
    """``lacking(what, mend)`` skips the test and names the command that mends it; where ``CI=true`` it fails it."""
    return _lacking


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of other people's data (``FOOTFALL_SHARED_DATA``, or ``../shared/data`` beside the repository).

    It can't be handed on with the project, so a test that needs it is skipped where it is missing, on CI too.
    """
    named = os.environ.get("FOOTFALL_SHARED_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("The shared data is missing. To run this test: set FOOTFALL_SHARED_DATA to its folder")
    return folder


@pytest.fixture
def disk() -> Iterator[FaultyVfs]:
    """A file layer of SQLite's that can lose what wasn't synced, and fail."""
    vfs = FaultyVfs(f"faulty-{uuid4().hex}")
    yield vfs
    vfs.unregister()


@pytest.fixture
def free_port() -> int:
    """A loopback port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: Any = probe.getsockname()[1]
    return int(port)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium or Chrome (``FOOTFALL_CHROMIUM``, or the first on the PATH)."""
    found = find_chromium()
    if not found:
        _lacking("Chromium", INSTALL)
    return found


@pytest.fixture(scope="session")
def node() -> str:
    """Path of Node, for tests that run the JavaScript clients."""
    found = shutil.which("node")
    if not found:
        _lacking("Node 20 or newer", "install Node, then make setup")
    return found
