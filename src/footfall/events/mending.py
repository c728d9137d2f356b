"""What if an event breaks the reader? Then it alone is refused, and its neighbours are read as ever."""

from collections.abc import Sequence

import msgspec

from footfall.events.columns import Columns, Reader
from footfall.events.facts import Facts
from footfall.events.wire import Entry

Batch = Sequence[tuple[int, Entry]]


def read_all(reader: Reader, batch: Batch, facts: Facts, *, is_slow: bool = False) -> Columns:
    """Columns of whole entries, as :meth:`Reader.read` gives them; whatever an event holds, this doesn't raise.

    Where the reader fails, entries and then events are tried one by one, and one that fails alone is refused as
    ``unreadable`` with the error's name.
    """
    try:
        return reader.read(batch, facts, is_slow=is_slow)
    except Exception:  # noqa: BLE001 - whatever it was is found below, refused and listed
        return _read_mended(reader, batch, facts)


def _read_mended(reader: Reader, batch: Batch, facts: Facts) -> Columns:
    mended: list[tuple[int, Entry]] = []
    errors: dict[int, str] = {}
    for offset, entry in batch:
        if _error(reader, offset, entry, facts) is None:
            mended.append((offset, entry))
            continue
        lines = entry.body.split(b"\n")
        for i in range(entry.n):
            alone = msgspec.structs.replace(entry, n=1, body=lines[i] if i < len(lines) else b"")
            error = _error(reader, offset + i, alone, facts)
            if error is None and len(lines) == entry.n:
                mended.append((offset + i, alone))
                continue
            errors[offset + i] = error or f"the log says {entry.n} events, there are {len(lines)} lines"
            mended.append((offset + i, msgspec.structs.replace(alone, reject="unreadable")))
    columns = reader.read(mended, facts, is_slow=True)
    for failure in columns.failures:
        failure.detail = errors.get(int(columns.offsets[failure.idx]), failure.detail)
    return columns


def _error(reader: Reader, offset: int, entry: Entry, facts: Facts) -> str | None:
    try:
        reader.read([(offset, entry)], facts, is_slow=True)
    except Exception as error:  # noqa: BLE001 - told to whoever looks at the refused event
        return f"{type(error).__name__}: {error}"
    return None
