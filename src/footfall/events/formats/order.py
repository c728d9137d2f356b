"""In which order did it happen? Events of files that aren't in order of time (Taobao's is by user), sorted.

Memory is bounded: what fits into ``memory_bytes`` is sorted there. Beyond that, lines go to a DuckDB file in a
temporary folder next to the data, and DuckDB's external sort, itself held to ``memory_bytes``, brings them back.
The sort is stable: events of the same millisecond keep the order of the files.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from footfall.events.formats.chunk import CHUNK_MAX_EVENTS, Chunk

_LINE_OVERHEAD_BYTES = 50
"""What a bytes object and its time need in memory beyond the line."""


def sorted_by_time(chunks: Iterator[Chunk], folder: Path, memory_bytes: int = 512 << 20) -> Iterator[Chunk]:
    """The same events by time; ``folder`` is where a temporary folder may be made (up to about 2.5 x the lines).

    The chunks' ``n_bytes`` add up to the same sum. Nothing is yielded before all chunks are read.
    """
    held: list[Chunk] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += sum(map(len, chunk.lines)) + _LINE_OVERHEAD_BYTES * len(chunk.lines)
        if size > memory_bytes // 2:
            yield from _spilled(held, chunks, folder, memory_bytes)
            return
    yield from _sorted_in_memory(held)


def _sorted_in_memory(chunks: list[Chunk]) -> Iterator[Chunk]:
    if not chunks:
        return
    lines = [line for chunk in chunks for line in chunk.lines]
    times_ms = np.concatenate([chunk.times_ms for chunk in chunks])
    n_bytes = sum(chunk.n_bytes for chunk in chunks)
    chunks.clear()
    order = np.argsort(times_ms, kind="stable")
    n_done = 0
    for start in range(0, len(lines), CHUNK_MAX_EVENTS):
        idxs = order[start : start + CHUNK_MAX_EVENTS]
        n_upto = n_bytes * (start + len(idxs)) // len(lines)
        yield Chunk([lines[idx] for idx in idxs.tolist()], times_ms[idxs], n_upto - n_done)
        n_done = n_upto


def _spilled(held: list[Chunk], rest: Iterator[Chunk], folder: Path, memory_bytes: int) -> Iterator[Chunk]:
    with tempfile.TemporaryDirectory(prefix="sort-", dir=folder) as temporary:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{max(memory_bytes, 128 << 20) >> 20}MiB",
            "temp_directory": str(Path(temporary, "spill")),
            "threads": 2,
        }
        with duckdb.connect(Path(temporary, "events.duckdb"), config=config) as connection:
            connection.execute("CREATE TABLE events (time_ms BIGINT, idx BIGINT, line BLOB)")
            n = n_bytes = 0
            for chunk in _all(held, rest):
                rows = pa.table(
                    {
                        "time_ms": pa.array(chunk.times_ms),
                        "idx": pa.array(np.arange(n, n + len(chunk.lines), dtype=np.int64)),
                        "line": pa.array(chunk.lines, pa.binary()),
                    }
                )
                connection.register("chunk_rows", rows)
                connection.execute("INSERT INTO events SELECT * FROM chunk_rows")
                connection.unregister("chunk_rows")
                n += len(chunk.lines)
                n_bytes += chunk.n_bytes
            n_read = n_done = 0
            for batch in connection.sql("SELECT time_ms, line FROM events ORDER BY time_ms, idx").to_arrow_reader(
                CHUNK_MAX_EVENTS
            ):
                if not batch.num_rows:
                    continue
                n_read += batch.num_rows
                n_upto = n_bytes * n_read // n
                yield Chunk(batch["line"].to_pylist(), batch["time_ms"].to_numpy(), n_upto - n_done)
                n_done = n_upto


def _all(held: list[Chunk], rest: Iterator[Chunk]) -> Iterator[Chunk]:
    while held:
        yield held.pop(0)
    yield from rest
