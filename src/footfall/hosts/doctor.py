"""What is installed, reachable or missing on this machine, and which command mends it? Behind ``footfall doctor``.

Each check answers for itself and never raises, so that one broken part doesn't hide the others.
"""

import http.client
import importlib.metadata
import os
import resource
import shutil
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

import msgspec

from footfall import config
from footfall.base.chromium import INSTALL, chromium
from footfall.base.errors import BadInput
from footfall.settings import Settings

MIN_PYTHON = (3, 11)
MIN_SQLITE = (3, 37)
"""First release with STRICT tables."""
MIN_FREE_BYTES = 512 * 1024**2
"""With less than this on the disk the server would soon answer 503."""
LOW_FREE_BYTES = 5 * 1024**3
SLOW_SYNC_MS = 10.0
"""A median above this limits single posts to some hundreds a second for each that waits alone."""
MIN_OPEN_FILES = 4096
"""Each open page of a visitor is a connection, and so a file."""
STATIC = Path(__file__).resolve().parent.parent / "web" / "static"
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})
VARIABLES_OF_TESTS = frozenset({"FOOTFALL_SHARED_DATA", "FOOTFALL_CHROMIUM"})


class State(Enum):
    """How a check went."""

    OK = "ok"
    OPTIONAL = "optional"
    """Not there, and only wanted for what the detail says."""
    WARNING = "warning"
    """Works, but not well."""
    FAILED = "failed"
    """Footfall can't work until this is mended."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at; ``mend`` is a command or a step, empty where nothing needs mending."""

    name: str
    state: State
    detail: str
    mend: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether Footfall can't work until this is mended."""
        return self.state is State.FAILED


def doctor(data: Path | None) -> list[Check]:
    """Look at everything; ``data`` is the data folder, or ``None`` to judge the current folder as a place for one.

    Writes a small file into the folder, syncs it and removes it. Never raises for what it finds.
    """
    settings, settings_check = _settings(data)
    folder = Path.cwd() if data is None else data
    looks: tuple[Callable[[], Iterator[Check]], ...] = (
        _python,
        _packages,
        _compiler,
        _sqlite,
        lambda: iter((settings_check,)),
        _variables,
        lambda: _folder(folder),
        lambda: _port(settings.host, settings.port),
        lambda: _geo(settings.geo_database),
        _static,
        _open_files,
        _tools,
    )
    return [check for look in looks for check in look()]


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= MIN_PYTHON:
        yield Check("Python", State.OK, version)
    else:
        yield Check("Python", State.FAILED, f"{version}, needs 3.11 or newer", "install Python 3.11, then make setup")


def _packages() -> Iterator[Check]:
    try:
        needed = importlib.metadata.requires("footfall") or []
    except importlib.metadata.PackageNotFoundError:
        yield Check("packages", State.FAILED, "footfall itself isn't installed", "make setup")
        return
    names = [_package_name(text) for text in needed if "extra ==" not in text]
    missing = [name for name in names if not _has_package(name)]
    if missing:
        yield Check("packages", State.FAILED, f"missing: {', '.join(missing)}", "make setup")
    else:
        yield Check("packages", State.OK, f"footfall {importlib.metadata.version('footfall')} and {len(names)} others")


def _package_name(requirement: str) -> str:
    """
    >>> _package_name("ua-parser[regex]>=1.0"), _package_name("numpy >= 2 ; python_version > '3'")
    ('ua-parser', 'numpy')
    """
    end = next((i for i, char in enumerate(requirement) if not (char.isalnum() or char in "-_.")), len(requirement))
    return requirement[:end]


def _has_package(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _compiler() -> Iterator[Check]:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        yield Check(
            "compiler", State.WARNING, "NUMBA_DISABLE_JIT is set: about 100 times slower", "unset NUMBA_DISABLE_JIT"
        )
        return
    named = os.environ.get("NUMBA_CACHE_DIR")
    package = STATIC.parent.parent
    folder = Path(named) if named else package
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if os.access(folder, os.W_OK) or (not named and os.access(user_cache, os.W_OK)):
        yield Check("compiler", State.OK, "compiled code is kept between starts")
    else:
        yield Check(
            "compiler",
            State.WARNING,
            f"{folder} isn't writable: every start compiles anew, for about a minute",
            "set NUMBA_CACHE_DIR to a folder that is writable",
        )


def _sqlite() -> Iterator[Check]:
    try:
        import apsw
    except ImportError:
        yield Check("SQLite", State.FAILED, "apsw isn't installed", "make setup")
        return
    version = apsw.sqlite_lib_version()
    detail = f"{version} (Python's own: {sqlite3.sqlite_version})"
    if min(_numbers(version), sqlite3.sqlite_version_info) < MIN_SQLITE:
        yield Check("SQLite", State.FAILED, f"{detail}, needs 3.37 or newer", "install a newer Python, then make setup")
    else:
        yield Check("SQLite", State.OK, detail)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _settings(data: Path | None) -> tuple[Settings, Check]:
    """The settings, or the defaults where they can't be read, so that the other checks go on."""
    place = "no data folder named" if data is None else str(data / config.FILE_NAME)
    try:
        settings = config.load(data, {}, os.environ)
    except BadInput as e:
        return Settings(), Check("settings", State.FAILED, str(e), f"edit {place}, see docs/settings.md")
    has_file = data is not None and (data / config.FILE_NAME).is_file()
    return settings, Check("settings", State.OK, place if has_file else "defaults and environment")


def _variables() -> Iterator[Check]:
    unknown = config.unknown_variables(os.environ, VARIABLES_OF_TESTS)
    if unknown:
        yield Check(
            "environment", State.WARNING, f"set, but no setting: {', '.join(unknown)}", f"unset {' '.join(unknown)}"
        )


def _folder(folder: Path) -> Iterator[Check]:
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield Check("data folder", State.FAILED, f"{place} isn't a writable folder", f"chown $(id -un) {place}")
        return
    state = "exists" if place == folder else "will be made"
    kind = _file_system(place)
    if kind in NETWORK_FILE_SYSTEMS:
        yield Check(
            "data folder",
            State.FAILED,
            f"{folder} is on a network file system ({kind}), where SQLite's journal isn't safe",
            "put the data folder on a local disk",
        )
    elif kind in {"tmpfs", "ramfs"}:
        yield Check(
            "data folder",
            State.WARNING,
            f"{folder} is in memory ({kind}): a restart of the machine loses it",
            "put the data folder on a disk",
        )
    else:
        yield Check("data folder", State.OK, f"{folder} {state}")
    yield _disk_space(place)
    yield _sync(place)


def _file_system(folder: Path) -> str:
    """Type of the file system that holds a folder, or ``""`` where the system doesn't say."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    real = folder.resolve()
    # Octal escapes stand for blanks in the names; of equal or nested mounts the last and longest holds.
    points = [(point.replace("\\040", " "), kind) for point, kind in mounts]
    over = [(len(point), i, kind) for i, (point, kind) in enumerate(points) if real.is_relative_to(point)]
    return max(over)[2] if over else ""


def _disk_space(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free"
    mend = f"free some space, or move the data folder: df -h {folder}"
    if free < MIN_FREE_BYTES:
        return Check("disk space", State.FAILED, detail, mend)
    if free < LOW_FREE_BYTES:
        return Check("disk space", State.WARNING, detail, mend)
    return Check("disk space", State.OK, detail)


def _sync(folder: Path) -> Check:
    """Append and sync 4 kB twenty times, as the journal does."""
    took_ms = []
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".footfall-doctor-") as file:
            for _ in range(20):
                file.write(bytes(4096))
                file.flush()
                before = time.perf_counter()
                os.fsync(file.fileno())
                took_ms.append((time.perf_counter() - before) * 1000)
    except OSError as e:
        return Check("sync", State.FAILED, f"{e.strerror} in {folder}", "check the disk: dmesg | tail")
    median_ms = statistics.median(took_ms)
    detail = f"{median_ms:.2f} ms, slowest of 20 {max(took_ms):.2f} ms"
    if median_ms > SLOW_SYNC_MS:
        return Check("sync", State.WARNING, detail, "put the data folder on a faster disk")
    return Check("sync", State.OK, detail)


def _port(host: str, port: int) -> Iterator[Check]:
    if port == 0:
        yield Check("port", State.OK, "a free one is taken")
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as e:
        if _is_footfall(host, port):
            yield Check("port", State.OK, f"Footfall answers on {host}:{port}")
        else:
            yield Check("port", State.FAILED, f"{host}:{port} can't be had: {e.strerror}", "footfall serve --port 8701")
        return
    yield Check("port", State.OK, f"{host}:{port} is free")


def _is_footfall(host: str, port: int) -> bool:
    to = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(to, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _geo(path: str) -> Iterator[Check]:
    if not path:
        yield Check(
            "geo database",
            State.OPTIONAL,
            "none: places come from the event, a CDN's headers or the time zone",
            "download an .mmdb file and set geo_database in footfall.toml",
        )
        return
    import maxminddb

    try:
        with maxminddb.open_database(path) as database:
            about = database.metadata()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as e:
        yield Check("geo database", State.FAILED, f"{path}: {e}", "mend or empty geo_database in footfall.toml")
        return
    built = time.strftime("%Y-%m-%d", time.gmtime(about.build_epoch))
    yield Check("geo database", State.OK, f"{about.database_type} of {built}")


def _static() -> Iterator[Check]:
    missing = [name for name in ("footfall.js", "index.html") if not any(STATIC.rglob(name))]
    if missing:
        yield Check("pages", State.FAILED, f"not built: {', '.join(missing)}", "make setup")
    else:
        yield Check("pages", State.OK, "dashboard and tracker are built")


def _open_files() -> Iterator[Check]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= MIN_OPEN_FILES:
        yield Check("open files", State.OK, f"up to {'any number' if soft == resource.RLIM_INFINITY else soft}")
    else:
        wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
        yield Check("open files", State.WARNING, f"up to {soft}: as many open pages", f"ulimit -n {wanted}")


def _tools() -> Iterator[Check]:
    found = chromium()
    if found:
        yield Check("Chromium", State.OK, found)
    else:
        yield Check(
            "Chromium",
            State.OPTIONAL,
            "only for the project's own browser tests",
            INSTALL,
        )
    node = shutil.which("node")
    if node:
        yield Check("Node", State.OK, node)
    else:
        yield Check("Node", State.OPTIONAL, "only to build the pages from source", "install Node 20 or newer")
