"""How does everything that is known come out? Events, sessions and visitors of a data folder as Parquet files."""

import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from footfall.adapters.definitions import VISITOR_ID_KEY, open_definitions
from footfall.adapters.wal import sync_folder
from footfall.base.errors import BadInput
from footfall.base.ids import USER
from footfall.hosts.running import DataFolder
from footfall.ports import Lake
from footfall.profile import VisitorIds
from footfall.record.admit import root_of
from footfall.record.features import CATALOGUE, N_FEATURES, features_into
from footfall.settings import Settings

_CHUNK_VISITORS = 10_000
_WHO = (
    ("visitor_id", pa.string()),
    ("site", pa.uint16()),
    ("row", pa.int32()),
    ("anonymous_ids", pa.list_(pa.string())),
    ("user_ids", pa.list_(pa.string())),
    ("traits", pa.string()),
    ("first_seen_ms", pa.int64()),
    ("last_seen_ms", pa.int64()),
    ("as_of_ms", pa.int64()),
)
VISITORS = pa.schema([*_WHO, *((feature.name, pa.float32()) for feature in CATALOGUE)])


def export(data: Path, settings: Settings, out: Path) -> dict[str, int]:
    """Write ``events/`` and ``sessions/`` by site and day, and ``visitors.parquet``; returns how many of each.

    Features are those as of the latest receive time. ``out`` appears when all of it is written. Raises ``BadInput``
    when ``out`` holds something, and ``Unavailable`` while a server runs on the data folder.
    """
    open_definitions(data).close()  # says what to do where nothing is set up
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out} isn't an empty folder: name another with --out.")
    partial = out.with_name(out.name + ".partial")
    folder = DataFolder(data, settings)
    try:
        while folder.apply(settings.engine_batch_max_events):
            pass
        folder.commit()
        folder.write_lake()
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        counts = {
            "events": _write_days(folder.lake, "events", "time_ms", partial),
            "visitors": _write_visitors(folder, partial / "visitors.parquet"),
            "sessions": _write_days(folder.lake, "sessions", "start_ms", partial),
        }
        folder.definitions.add_audit("command line", "export", 0, counts)
    finally:
        folder.close()
    with suppress(FileNotFoundError):
        out.rmdir()
    partial.rename(out)
    sync_folder(out.absolute().parent)
    return counts


def _write_days(lake: Lake, table: str, time_column: str, out: Path) -> int:
    """One file a site and day, so that one day must fit into memory."""
    n = 0
    days = lake.query(f"SELECT DISTINCT site, date FROM {table} ORDER BY site, date").to_pylist()  # noqa: S608 (own names)
    (out / table).mkdir(mode=0o700)
    for day in days:
        rows = lake.query(
            f'SELECT * EXCLUDE (date) FROM {table} WHERE site = ? AND date = ? ORDER BY {time_column}, "offset"',  # noqa: S608
            [day["site"], day["date"]],
        )
        folder = out / table / f"site={day['site']}"
        folder.mkdir(mode=0o700, exist_ok=True)
        pq.write_table(rows, folder / f"{day['date']}.parquet", compression="zstd")
        n += len(rows)
    return n


def _write_visitors(folder: DataFolder, path: Path) -> int:
    n = 0
    with pq.ParquetWriter(path, VISITORS, compression="zstd") as writer:
        for table in _visitor_tables(folder):
            writer.write_table(table)
            n += len(table)
    return n


def _visitor_tables(folder: DataFolder) -> Iterator[pa.Table]:
    engine = folder.engine
    ids = VisitorIds(folder.definitions.secret(VISITOR_ID_KEY))
    known: defaultdict[int, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for identity in folder.store.identities():
        known[int(root_of(engine.records, identity.row))][identity.what == USER].append(identity.text)
    records = engine.records[: engine.n_rows]
    alive = np.flatnonzero((records["merged_into"] == 0) & (records["n_events"] > 0)).astype(np.int32)
    for start in range(0, len(alive), _CHUNK_VISITORS):
        rows = alive[start : start + _CHUNK_VISITORS]
        times = np.maximum(records["last_seen"][rows], engine.counters["clock_ms"])
        values = np.empty((len(rows), N_FEATURES), np.float32)
        features_into(engine.records, rows, times, engine.facts.rates, values)
        sites = records["site"][rows]
        columns: list[Any] = [
            [ids.of(int(site), int(row)) for site, row in zip(sites, rows, strict=True)],
            sites,
            rows,
            [known[int(row)][0] for row in rows],
            [known[int(row)][1] for row in rows],
            [msgspec.json.encode(engine.traits_of(int(row))).decode() for row in rows],
            np.ascontiguousarray(records["first_seen"][rows]),
            np.ascontiguousarray(records["last_seen"][rows]),
            times,
            *np.ascontiguousarray(values.T),
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, VISITORS, strict=True)]
        yield pa.Table.from_arrays(arrays, schema=VISITORS)
