"""Which events do these files hold? The one way in for every format."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from footfall.base.errors import BadInput, Missing
from footfall.events.formats import segment, table
from footfall.events.formats.chunk import Chunk, chunked
from footfall.events.formats.mapping import REES46, TAOBAO, Mapping, load_mapping
from footfall.events.redact import redact

FORMATS = ("segment", "taobao", "rees46", "csv")
_BUILT_IN = {"taobao": TAOBAO, "rees46": REES46}


def mapping_of(format_name: str, path: Path | None) -> Mapping | None:
    """The mapping of a format: built in, or read from ``path``; ``None`` for ``segment``. Raises ``BadInput``."""
    if format_name not in FORMATS:
        raise BadInput(f"There is no format {format_name!r}; formats are {', '.join(FORMATS)}.", code="bad_usage")
    if format_name == "csv":
        if path is None:
            message = "The format csv needs --map FILE, which says what each column means; see docs/import.md."
            raise BadInput(message, code="bad_usage")
        return load_mapping(path)
    if path is not None:
        raise BadInput(f"--map goes with --format csv; {format_name} has its own mapping.", code="bad_usage")
    return _BUILT_IN.get(format_name)


def total_bytes(paths: Sequence[Path]) -> int:
    """Size of the files on disk; raises ``Missing`` when one isn't a file."""
    for path in paths:
        if not path.is_file():
            raise Missing(f"{path} isn't a file: check the path.")
    return sum(path.stat().st_size for path in paths)


def read(paths: Sequence[Path], mapping: Mapping | None) -> Iterator[Chunk]:
    """The files' events in the order of the files, without what must never be stored (:mod:`~footfall.events.redact`).

    ``mapping`` ``None`` reads Segment events.

    Raises ``Missing`` or ``BadInput`` when a file as a whole can't be read; a single bad row never does.
    """
    for path in paths:
        for chunk in chunked(segment.events_of(path) if mapping is None else table.events_of(path, mapping)):
            chunk.lines[:] = map(redact, chunk.lines)
            yield chunk
