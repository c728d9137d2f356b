"""How fast does history get in, and how fast is it gone through again to make a training matrix of it?

A file of Segment events is imported by the real ``footfall import`` into a new data folder: read, sorted by time,
appended to the journal, applied, committed and written to the lake. Beside it, before and after: DuckDB reading the
same file's JSON into columns, on all cores and on one. Then the matrix is made of the lake as ``footfall train`` makes
it: every event through the engine in log order, features at the checkpoints of every session, labels, rows by time, in
memory. What it was compiled to is there by then, as after ``make setup``.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from footfall.hosts.benches.http import FOOTFALL
from footfall.hosts.benches.measuring import Sample, Timed, at_least, machine, rates_table, summary, told
from footfall.hosts.benches.traffic import Traffic
from footfall.hosts.past import past_of
from footfall.models.rows import Rows
from footfall.settings import Settings
from footfall.training_set import make_rows

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


def replayed(folder: Path) -> tuple[Sample, Rows]:
    """The training matrix of a data folder with one site; returns events gone through, and the rows."""
    n_events = 0

    def told(n_done: int, n: int) -> None:
        nonlocal n_events
        n_events = n_done

    with past_of(folder, "") as past, Timed() as timed:
        rows = make_rows(past.lake, past.shelf, Settings(), past.site.number, splits=past.splits, on_progress=told)
    return timed.sample(n_events), rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 if it was measured, whatever the verdict."""
    parser = argparse.ArgumentParser(prog="footfall bench replay", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--events", type=int, default=1_000_000, help="events in the file, such as 10000000")
    parser.add_argument("--visitors", type=int, default=0, help="visitors; 0: one for each 20 events")
    parser.add_argument("--rounds", type=int, default=1, help="imports, each into a new folder")
    parser.add_argument("--folder", type=Path, help="where files are made for the time; a real disk, not RAM")
    told_to = parser.parse_args(arguments)
    n, all_cores = told_to.events, os.cpu_count() or 1
    samples: dict[str, list[Sample]] = {"import": [], "replay": [], "duckdb": [], "duckdb_one_core": []}
    n_rows = n_mb = 0
    with tempfile.TemporaryDirectory(dir=told_to.folder, prefix="footfall-bench-") as name:
        folder = Path(name)
        path = folder / "events.ndjson"
        write_events(path, n, told_to.visitors or max(1, n // 20))
        n_bytes = path.stat().st_size
        few = folder / "few.ndjson"
        write_events(few, _FEW, _FEW)
        imported(few, folder / "data-few", _FEW)  # compiles
        replayed(folder / "data-few")
        for number in range(told_to.rounds):
            samples["duckdb"].append(read_by_duckdb(path, n, all_cores))
            samples["duckdb_one_core"].append(read_by_duckdb(path, n, 1))
            samples["import"].append(imported(path, folder / f"data-{number}", n))
            sample, rows = replayed(folder / f"data-{number}")
            n_rows, n_mb = len(rows), round(rows.features.nbytes / 1e6)
            del rows
            samples["replay"].append(sample)
        samples["duckdb"].append(read_by_duckdb(path, n, all_cores))
        samples["duckdb_one_core"].append(read_by_duckdb(path, n, 1))
    rates = {key: summary(some) for key, some in samples.items()}
    budgets = [at_least("events/s into a training matrix", rates["replay"]["per_s"], round(REPLAY_LEAST_PER_S))]
    result: dict[str, Any] = {
        "bench": "replay", "at": int(time.time()), "machine": machine(), "events": n, "file_mb": round(n_bytes / 1e6),
        "matrix_rows": n_rows, "matrix_mb": n_mb, "rates": rates, "budgets": budgets,
    }  # fmt: skip
    titles = {
        "import": "footfall import: log, engine, commits, lake",
        "replay": f"the lake into a matrix of {n_rows:,} rows",
        "duckdb": f"DuckDB read_json of the file, {all_cores} threads",
        "duckdb_one_core": "DuckDB read_json of the file, 1 thread",
    }
    table = rates_table({title: rates[key] for key, title in titles.items()})
    told(f"replay, {n:,} events, {n_bytes / 1e6:,.0f} MB of JSON", result, [table], budgets, told_to.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
