"""How can another process read the lake while the server writes it? From a copy of the moment, made of hard links.

A file of the lake never changes once the manifest names it; it is only removed, after being compacted or retained. So
links to all that one manifest names are a whole lake as of then, which costs no space and no time, and which neither
compaction nor the checks of an opening lake can touch.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import msgspec

from footfall.adapters.lake import MANIFEST, Manifest, ParquetLake
from footfall.base.errors import Missing, Unavailable

_TRIES = 20


@contextlib.contextmanager
def lake_of_the_moment(data: Path, *, n_threads: int = 2, memory_mb: int = 1024) -> Iterator[ParquetLake]:
    """The lake of a data folder, to read from only, while a server may be running on it.

    Raises ``Missing`` if there is none yet, ``Unavailable`` if it can't be read or linked.
    """
    folder, place = data / "lake", data / "scratch-lake" / f"{os.getpid()}-{uuid4().hex[:8]}"
    sweep(data)
    try:
        _link(folder, place)
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise Unavailable(f"The lake {folder} can't be read ({error}): check the disk.", code="lake_failed") from error
    try:
        lake = ParquetLake(place, n_threads=n_threads, memory_mb=memory_mb)
        try:
            yield lake
        finally:
            lake.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)
        with contextlib.suppress(OSError):
            place.parent.rmdir()


def _link(folder: Path, place: Path) -> None:
    for attempt in range(_TRIES):
        try:
            text = (folder / MANIFEST).read_bytes()
        except FileNotFoundError as error:
            raise Missing(f"{folder} holds no events yet: collect some, or `footfall import` history.") from error
        try:
            manifest = msgspec.json.decode(text, type=Manifest)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{folder / MANIFEST} is damaged ({error}): restore it from a copy.",
                              code="corrupt_lake") from error  # fmt: skip
        try:
            for path in {file.path for files in manifest.files.values() for file in files}:
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                _link_one(folder / path, place / path)
        except FileNotFoundError:  # compacted meanwhile: the next manifest names what took its place
            shutil.rmtree(place, ignore_errors=True)
            if attempt == _TRIES - 1:
                raise
            continue
        place.mkdir(parents=True, exist_ok=True)
        (place / MANIFEST).write_bytes(text)
        return


def _link_one(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def sweep(data: Path) -> None:
    """Remove what killed processes left."""
    folder = data / "scratch-lake"
    for place in folder.glob("*-*"):
        owner = place.name.partition("-")[0]
        if owner.isdigit() and not _runs(int(owner)):
            shutil.rmtree(place, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
