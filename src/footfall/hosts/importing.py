"""How do files of history get in? Read, sorted by event time, driven through the engine, and remembered by content."""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from xxhash import xxh3_128

from footfall.adapters.definitions import open_definitions
from footfall.events.formats.chunk import Chunk
from footfall.events.formats.mapping import Mapping
from footfall.events.formats.order import sorted_by_time
from footfall.events.formats.read import mapping_of, read, total_bytes
from footfall.hosts.init import site_named
from footfall.hosts.replay import import_files
from footfall.settings import Settings

_BLOCK_BYTES = 1 << 20


class Imported(msgspec.Struct, frozen=True):
    """What an import did; ``events`` = ``applied`` + ``duplicate`` + ``failed``."""

    events: int
    applied: int
    duplicate: int
    """Events that were here already, those of files that were taken in before among them."""
    failed: int
    visitors: int
    """Of the site, afterwards."""
    orders: int
    """In the profiles of the site, afterwards."""
    seconds: float
    events_per_s: int


def take_in(
    data: Path, settings: Settings, files: Sequence[Path], format_name: str, mapping_path: Path | None, site_name: str
) -> Imported:
    """Import files into a site (by default the only one).

    A file whose content this site has taken in before isn't read into the engine again; its events count as duplicates.
    Raises ``Missing``, ``BadInput``, or ``Unavailable`` when a server runs on the data folder.
    """
    started_s = time.monotonic()
    mapping = mapping_of(format_name, mapping_path)
    n_bytes = total_bytes(files)
    definitions = open_definitions(data)
    try:
        site = site_named(definitions.sites(), site_name)
        hashes = {path: _content_hash(path, format_name, mapping) for path in files}
        earlier = {
            path: done.result["events"]
            for path, content_hash in hashes.items()
            if (done := definitions.import_of(site.number, content_hash)) is not None
        }
    finally:
        definitions.close()
    n_known = sum(earlier.values())
    new = [path for path in dict.fromkeys(files) if path not in earlier]
    n_by_file = dict.fromkeys(new, 0)
    with _progress() as progress:
        lines = _by_time(new, mapping, data / "scratch", n_by_file, n_bytes, progress)
        result = import_files(data, settings, site.name, lines)
    definitions = open_definitions(data)
    try:
        for path in new:
            told = {"events": n_by_file[path]}
            definitions.add_import(hashes[path], path.name, site.number, told, by="command line")
    finally:
        definitions.close()
    seconds = time.monotonic() - started_s
    n = result.events + n_known
    return Imported(
        events=n,
        applied=result.applied,
        duplicate=result.duplicate + n_known,
        failed=result.failed,
        visitors=result.visitors,
        orders=result.orders,
        seconds=round(seconds, 3),
        events_per_s=int(n / seconds),
    )


def _by_time(
    files: Sequence[Path],
    mapping: Mapping | None,
    scratch: Path,
    n_by_file: dict[Path, int],
    n_bytes: int,
    progress: Progress,
) -> Iterator[Chunk]:
    """The files' events by time; runs while the engine holds the data folder, so the scratch folder is its own."""
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed import left
    scratch.mkdir()
    try:
        reading = progress.add_task("reading", total=n_bytes, unit="bytes")

        def watched() -> Iterator[Chunk]:
            for path in files:
                for chunk in read([path], mapping):
                    n_by_file[path] += len(chunk.lines)
                    progress.advance(reading, chunk.n_bytes)
                    yield chunk

        applying = None
        for chunk in sorted_by_time(watched(), scratch):
            if applying is None:
                applying = progress.add_task("applying", total=sum(n_by_file.values()), unit="events")
            yield chunk
            progress.advance(applying, len(chunk.lines))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _content_hash(path: Path, format_name: str, mapping: Mapping | None) -> str:
    """Of the file's bytes and how they are understood: a mended mapping makes it another import."""
    content = xxh3_128(format_name.encode() + b"\0" + (msgspec.json.encode(mapping) if mapping else b"") + b"\0")
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            content.update(block)
    return content.hexdigest()
