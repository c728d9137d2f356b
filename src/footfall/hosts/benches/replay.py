"""How fast does history get in, and how fast is it gone through again for features?

A file of Segment events is imported by the real ``footfall import`` into a new data folder: read, sorted by time,
appended to the journal, applied, committed and written to the lake. Beside it, before and after: DuckDB reading the
same file's JSON into columns, on all cores and on one. Then the lake's events are replayed through the engine with all
features of every touched visitor, on all cores at once, the visitors shared out among processes. Making a training
matrix of it (which rows, which labels, on disk) is not part of this yet.
"""

import argparse
import multiprocessing
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np

from footfall.adapters.lake import MANIFEST, Manifest
from footfall.events.wire import Entry, Source
from footfall.hosts.benches.engine import BATCH, SITE, Batches, Bench
from footfall.hosts.benches.http import FOOTFALL
from footfall.hosts.benches.measuring import Sample, Timed, at_least, machine, rates_table, summary, told
from footfall.hosts.benches.traffic import Traffic

_CHUNK = 100_000
_FEW = 2_000
_COLUMNS = (
    "{'type': 'VARCHAR', 'messageId': 'VARCHAR', 'anonymousId': 'VARCHAR', 'userId': 'VARCHAR', 'event': 'VARCHAR', "
    "'timestamp': 'VARCHAR', 'properties': 'STRUCT(product_id VARCHAR, category VARCHAR, price DOUBLE, "
    "quantity DOUBLE, currency VARCHAR, order_id VARCHAR, revenue DOUBLE, query VARCHAR, "
    "products STRUCT(product_id VARCHAR, category VARCHAR, price DOUBLE, quantity DOUBLE)[])', "
    "'context': 'STRUCT(page STRUCT(url VARCHAR, path VARCHAR, referrer VARCHAR), userAgent VARCHAR, "
    "timezone VARCHAR)'}"
)
"""What DuckDB is told the file holds: the fields that the engine reads."""
REPLAY_LEAST_PER_S = 10_000_000 / 90
"""What ten million events in 90 s on four cores ask for."""


def write_events(path: Path, n_events: int, n_visitors: int) -> None:
    """A file of Segment events, one JSON a line, by time."""
    traffic = Traffic(n_visitors)
    with path.open("wb") as file:
        for start in range(0, n_events, _CHUNK):
            file.write(b"\n".join(traffic.visits(min(_CHUNK, n_events - start)).lines) + b"\n")


def read_by_duckdb(path: Path, n_events: int, n_threads: int) -> Sample:
    """DuckDB reads the file into columns in memory."""
    connection = duckdb.connect(config={"threads": n_threads})
    try:
        with Timed() as timed:
            connection.execute(
                f"CREATE TABLE events AS FROM read_json(?, format = 'newline_delimited', columns = {_COLUMNS})",
                [str(path)],
            )
        found = connection.execute("SELECT count(*) FROM events").fetchone()
    finally:
        connection.close()
    if found != (n_events,):
        raise SystemExit(f"DuckDB read {found} events of {n_events:,}")
    return timed.sample(n_events)


def imported(path: Path, folder: Path, n_events: int) -> Sample:
    """``footfall import`` of the file into a new data folder, as its own result tells it."""
    data = str(folder)
    subprocess.run([*FOOTFALL, "init", "--data", data, "--json"], check=True, capture_output=True)
    before = os.times()
    done = subprocess.run(
        [*FOOTFALL, "import", str(path), "--data", data, "--format", "segment", "--json"],
        check=True,
        capture_output=True,
    )
    after = os.times()
    result = msgspec.json.decode(done.stdout)
    if (result["events"], result["applied"]) != (n_events, n_events):
        raise SystemExit(f"The import took in {result} of {n_events:,} events")
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Sample(n_events, result["seconds"], cpu_s)


def replayed(lake: Path, n_processes: int) -> tuple[Sample, int]:
    """Replay the lake's events by visitor on some processes; returns events and rows of features."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes = []
    for number in range(n_processes):
        mine, its = context.Pipe()
        process = context.Process(target=_replay, args=(its, lake, number, n_processes), daemon=True)
        process.start()
        processes.append(process)
        pipes.append(mine)
    for pipe in pipes:
        pipe.recv()  # it has compiled
    for pipe in pipes:
        pipe.send("go")
    parts: list[tuple[int, int, float, float, float]] = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join(30)
    n_events, n_rows = sum(part[0] for part in parts), sum(part[1] for part in parts)
    wall_s = max(part[3] for part in parts) - min(part[2] for part in parts)
    return Sample(n_events, wall_s, sum(part[4] for part in parts)), n_rows


def _replay(pipe: Connection, lake: Path, number: int, n_processes: int) -> None:
    """One process: the visitors whose row leaves this number when divided."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Bench(1_000, folder, is_warm=False).compile()
        bench = Bench(1_000, folder, is_warm=False)
        pipe.send("ready")
        pipe.recv()
        start_s, cpu_s = time.monotonic(), time.process_time()
        n_events = n_rows = 0
        for batches in _batches_of(lake, number, n_processes, bench.engine.next_offset):
            for events, _ in bench.run(batches):
                n_events += len(events)
                n_rows += len(np.unique(events["row"]))
            bench.stored()
        pipe.send((n_events, n_rows, start_s, time.monotonic(), time.process_time() - cpu_s))


def _batches_of(lake: Path, number: int, n_processes: int, offset: int) -> "Iterator[Batches]":
    """The events of a share of the visitors as the lake has them, in log order."""
    files = msgspec.json.decode((lake / MANIFEST).read_bytes(), type=Manifest).files["events"]
    connection = duckdb.connect(config={"threads": 1})
    try:
        found = connection.sql(
            'SELECT payload, received_ms FROM read_parquet(?) WHERE "row" % ? = ? ORDER BY "offset"',
            params=[[str(lake / file.path) for file in files], n_processes, number],
        )
        for rows in found.to_arrow_reader(20 * BATCH):
            batches: Batches = []
            received = rows["received_ms"].to_numpy()
            for start in range(0, len(rows), BATCH):
                lines = rows["payload"].slice(start, BATCH).to_pylist()
                body = "\n".join(lines).encode()
                entry = Entry(SITE, int(received[start + len(lines) - 1]), int(Source.IMPORT), len(lines), body)
                batches.append([(offset, entry)])
                offset += len(lines)
            yield batches
    finally:
        connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 if it was measured, whatever the verdict."""
    parser = argparse.ArgumentParser(prog="footfall bench replay", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--events", type=int, default=1_000_000, help="events in the file, such as 10000000")
    parser.add_argument("--visitors", type=int, default=0, help="visitors; 0: one for each 20 events")
    parser.add_argument("--rounds", type=int, default=1, help="imports, each into a new folder")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes of the replay")
    parser.add_argument("--folder", type=Path, help="where files are made for the time; a real disk, not RAM")
    told_to = parser.parse_args(arguments)
    n, all_cores = told_to.events, os.cpu_count() or 1
    samples: dict[str, list[Sample]] = {"import": [], "replay": [], "duckdb": [], "duckdb_one_core": []}
    n_rows = 0
    with tempfile.TemporaryDirectory(dir=told_to.folder, prefix="footfall-bench-") as name:
        folder = Path(name)
        path = folder / "events.ndjson"
        write_events(path, n, told_to.visitors or max(1, n // 20))
        n_bytes = path.stat().st_size
        few = folder / "few.ndjson"
        write_events(few, _FEW, _FEW)
        imported(few, folder / "data-few", _FEW)  # compiles
        for number in range(told_to.rounds):
            samples["duckdb"].append(read_by_duckdb(path, n, all_cores))
            samples["duckdb_one_core"].append(read_by_duckdb(path, n, 1))
            samples["import"].append(imported(path, folder / f"data-{number}", n))
            sample, n_rows = replayed(folder / f"data-{number}" / "lake", told_to.processes)
            samples["replay"].append(sample)
        samples["duckdb"].append(read_by_duckdb(path, n, all_cores))
        samples["duckdb_one_core"].append(read_by_duckdb(path, n, 1))
    rates = {key: summary(some) for key, some in samples.items()}
    budgets = [at_least("replayed events/s with features", rates["replay"]["per_s"], round(REPLAY_LEAST_PER_S))]
    result: dict[str, Any] = {
        "bench": "replay", "at": int(time.time()), "machine": machine(), "events": n, "file_mb": round(n_bytes / 1e6),
        "processes": told_to.processes, "feature_rows": n_rows, "rates": rates, "budgets": budgets,
    }  # fmt: skip
    titles = {
        "import": "footfall import: log, engine, commits, lake",
        "replay": f"replay of the lake with features, {told_to.processes} processes",
        "duckdb": f"DuckDB read_json of the file, {all_cores} threads",
        "duckdb_one_core": "DuckDB read_json of the file, 1 thread",
    }
    table = rates_table({title: rates[key] for key, title in titles.items()})
    told(f"replay, {n:,} events, {n_bytes / 1e6:,.0f} MB of JSON", result, [table], budgets, told_to.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
