"""Which model serves here? A small file a site names it, beside copies of models; serving reads nothing else.

So the registry may be down, moved or deleted, and what serves goes on. ``models/site-<n>/deployed.json`` is replaced as
a whole, after everything it names is on disk; a crash or a full disk leaves the one before in force.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec
from xxhash import xxh3_64_hexdigest

from footfall.adapters.wal import sync_folder
from footfall.base.errors import Unavailable
from footfall.ports import Artefact

POINTER = "deployed.json"
OUTCOME = "training.json"
KEPT = 3
"""Versions whose bytes stay beside champion and challenger, so that going back is quick."""


class Copy(msgspec.Struct, frozen=True):
    """A model here: its version, and checksums (XXH3-64) of its bytes and of its past visits."""

    version: int
    model: str
    past: str


class Deployed(msgspec.Struct, frozen=True):
    """What serves a site: the champion, and a challenger that scores silently beside it."""

    champion: Copy | None = None
    challenger: Copy | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How the latest training of a site ended: ``outcome`` is ``champion``, ``challenger`` or ``failed``."""

    at_ms: int
    outcome: str
    message: str
    reason: str = "command line"
    """Who asked for it."""


class DeployedModels:
    """The folder ``models`` of a data folder. Any process may read and write; of two that write, the last counts."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "models"

    def sites(self) -> list[int]:
        """Sites that have a pointer or had a training."""
        found = (path.name.removeprefix("site-") for path in self._folder.glob("site-*"))
        return sorted(int(name) for name in found if name.isdigit())

    def stamp(self, site: int) -> tuple[int, ...]:
        """Another value whenever the pointer was replaced; ``()`` if there is none. Costs one call of the system."""
        try:
            found = (self._of(site) / POINTER).stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ino, found.st_size

    def read(self, site: int) -> Deployed:
        """What serves; nothing, if there is no pointer. Raises ``Unavailable`` (``bad_pointer``) if it is damaged."""
        path = self._of(site) / POINTER
        try:
            return msgspec.json.decode(path.read_bytes(), type=Deployed)
        except FileNotFoundError:
            return Deployed()
        except (msgspec.MsgspecError, OSError) as error:
            raise Unavailable(
                f"{path} can't be read ({error}): promote a model again with `footfall models promote`.",
                code="bad_pointer",
            ) from error

    def put(self, site: int, version: int, artefact: Artefact) -> Copy:
        """Copy a model here, durably; what it replaces has the same bytes. Raises ``Unavailable`` on a full disk."""
        copy = Copy(version, xxh3_64_hexdigest(artefact.model), xxh3_64_hexdigest(artefact.past))
        self._write(self._path(site, copy, "model"), artefact.model)
        self._write(self._path(site, copy, "past"), artefact.past)
        return copy

    def point(self, site: int, deployed: Deployed) -> None:
        """Let these serve from now on; versions that nobody may go back to soon are removed."""
        self._write(self._of(site) / POINTER, msgspec.json.format(msgspec.json.encode(deployed)))
        self._trim(site, deployed)

    def model(self, site: int, copy: Copy) -> bytes:
        """The model's bytes; ``Unavailable`` (``bad_artefact``) if they are gone or changed."""
        return self._read(self._path(site, copy, "model"), copy.model)

    def past(self, site: int, copy: Copy) -> bytes:
        """Bytes of the past visits that belong to it; errors as :meth:`model`."""
        return self._read(self._path(site, copy, "past"), copy.past)

    def outcome(self, site: int) -> Outcome | None:
        """How the latest training ended, if that is known."""
        try:
            return msgspec.json.decode((self._of(site) / OUTCOME).read_bytes(), type=Outcome)
        except (msgspec.MsgspecError, OSError):
            return None

    def tell(self, site: int, outcome: Outcome) -> None:
        """Remember how a training ended."""
        self._write(self._of(site) / OUTCOME, msgspec.json.encode(outcome))

    def _of(self, site: int) -> Path:
        return self._folder / f"site-{site}"

    def _path(self, site: int, copy: Copy, what: str) -> Path:
        checksum = copy.model if what == "model" else copy.past
        return self._of(site) / f"v{copy.version:05}-{checksum}.{what}"

    def _read(self, path: Path, checksum: str) -> bytes:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unavailable(
                f"{path} can't be read ({error.strerror}): promote a model again with `footfall models promote`.",
                code="bad_artefact",
            ) from error
        if xxh3_64_hexdigest(data) != checksum:
            raise Unavailable(
                f"{path} isn't what was written: promote a model again with `footfall models promote`.",
                code="bad_artefact",
            )
        return data

    def _write(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
                for folder in (path.parent, self._folder, self._folder.parent):
                    sync_folder(folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise Unavailable(
                f"{path} can't be written ({error.strerror}): free some space or mend the disk. What served goes on.",
                code="disk_full",
            ) from error

    def _trim(self, site: int, deployed: Deployed) -> None:
        named: list[Any] = [copy for copy in (deployed.champion, deployed.challenger) if copy is not None]
        keep = {self._path(site, copy, what).name for copy in named for what in ("model", "past")}
        others = sorted({path.name[:6] for path in self._of(site).glob("v*.model") if path.name not in keep})
        old = set(others[:-KEPT])
        for path in self._of(site).iterdir():
            is_old = path.name[:6] in old and path.name not in keep
            if is_old or (path.suffix == ".tmp" and f".{os.getpid()}." not in path.name and not _is_open(path)):
                with contextlib.suppress(OSError):
                    path.unlink()


def _is_open(path: Path) -> bool:
    """Whether the process that a temporary file is named after still runs, and so may be writing it."""
    try:
        os.kill(int(path.suffixes[-2][1:]), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, IndexError):
        return True
    return True
