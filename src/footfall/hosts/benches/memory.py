"""How much memory does a visitor take, and what does the engine lose when there are millions of them?

One new process for each number of visitors. Its memory is read when the engine is compiled and empty, and again when
every visitor has been seen (a product view each, applied through the real engine; what a store would have taken is
handed over and dropped). So the records, the identities (an anonymous id each, a user id for one in three), the timers,
the duplicate index and the reader's tables are in it. The speed is then measured on the same kind of traffic.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from footfall.hosts.benches import engine
from footfall.hosts.benches.measuring import (
    Timed,
    at_least,
    at_most,
    machine,
    one_core,
    peak_resident_bytes,
    resident_bytes,
    summary,
    told,
)
from footfall.record.layout import RECORD

BYTES_MAX = 1_500
SPEED_LEAST = 0.6


def run(sizes: Sequence[int], n_events: int, as_json: bool, n_rounds: int = 3) -> int:
    """Measure each number of visitors in a process of its own, and print all of them."""
    sizes = sorted(sizes)
    found = [_in_a_process(size, n_events, n_rounds) for size in sizes]
    again = _in_a_process(sizes[0], n_events, n_rounds) if len(sizes) > 1 else found[0]
    base = (found[0]["rate"]["per_s"] + again["rate"]["per_s"]) / 2  # before and after the larger ones
    for row in found:
        row["share_of_least"] = round(row["rate"]["per_s"] / base, 3)
    budgets = [
        at_least(f"speed with {sizes[-1]:,} visitors against {sizes[0]:,}", found[-1]["share_of_least"], SPEED_LEAST),
        at_most(f"bytes a visitor with {sizes[-1]:,}", found[-1]["bytes_a_visitor"], BYTES_MAX),
    ]
    result: dict[str, Any] = {
        "bench": "engine-memory", "at": int(time.time()), "machine": machine(), "record_bytes": RECORD.itemsize,
        "sizes": found, "budgets": budgets,
    }  # fmt: skip
    table = Table(
        "visitors", "MiB more", "bytes a visitor", "MiB at its peak", "events/s", "of the least", box=None,
        header_style="dim",
    )  # fmt: skip
    for row in found:
        table.add_row(
            f"{row['visitors']:,}", f"{row['grown_mib']:,}", f"{row['bytes_a_visitor']:,}", f"{row['peak_mib']:,}",
            f"{row['rate']['per_s']:,}", f"{row['share_of_least']:.0%}",
        )  # fmt: skip
    told(f"engine, memory a visitor (a record has {RECORD.itemsize:,} bytes)", result, [table], budgets, as_json)
    return 0


def _in_a_process(n_visitors: int, n_events: int, n_rounds: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(n_visitors), str(n_events), str(n_rounds)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{n_visitors:,} visitors couldn't be measured: {done.stderr.decode()[-2000:]}")
    found: dict[str, Any] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return found


def measure(n_visitors: int, n_events: int, n_rounds: int) -> dict[str, Any]:
    """Memory and speed of one number of visitors, in this process."""
    with tempfile.TemporaryDirectory() as folder, one_core():
        bench = engine.Bench(n_visitors, Path(folder), is_warm=False)
        bench.compile()
        before = resident_bytes()
        with Timed() as filling:
            bench.meet(n_visitors)
        grown = resident_bytes() - before
        peak = peak_resident_bytes()
        bench.settle()
        samples = []
        for _ in range(n_rounds):
            batches = bench.batches(bench.traffic.visits(n_events))
            with Timed() as timed:
                bench.run(batches)
            samples.append(timed.sample(n_events))
            bench.stored()
    return {
        "visitors": n_visitors, "grown_mib": round(grown / 2**20), "bytes_a_visitor": round(grown / n_visitors),
        "peak_mib": round(peak / 2**20), "filled_per_s": round(filling.sample(n_visitors).per_s),
        "rate": summary(samples),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """One process of :func:`run`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("visitors", "events", "rounds"):
        parser.add_argument(name, type=int)
    told_to = parser.parse_args(arguments)
    sys.stdout.buffer.write(msgspec.json.encode(measure(told_to.visitors, told_to.events, told_to.rounds)) + b"\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
