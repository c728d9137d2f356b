"""How many single events a second are on disk before they are answered, beside what the same server can answer at all?

A real ``footfall serve`` on a new data folder of a real disk. In turn: a POST of one event to the route of its type,
such as ``/v1/track``, answered once the journal is synced; and the same bytes posted to ``/healthz``, which the same
server answers at once and from memory, its empty reply. Then the latency at a steady 1,000 requests a second, and
batches of 20 events. At the end the ledger must say exactly as many events as were acknowledged, or it fails.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.table import Table

from footfall.hosts.benches.client import HOST, Answers, Job, Load, percentile
from footfall.hosts.benches.measuring import Sample, at_least, at_most, machine, ratio, summary, told

CONNECTIONS = 64
STEADY_PER_S = 1_000
BATCH = 20
_START_MAX_S = 120.0
_APPLY_MAX_S = 300.0
FOOTFALL = (sys.executable, "-m", "footfall.cli")
"""The command line of this installation."""


class Server(NamedTuple):
    """A running server and the keys to it."""

    port: int
    write_key: str
    token: str
    pid: int

    def get(self, path: str) -> dict[str, Any]:
        """A JSON answer."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = msgspec.json.decode(answer.read())
            return found

    def settled(self) -> dict[str, int]:
        """The ledger once everything is applied, or as it is after five minutes."""
        until_s = time.monotonic() + _APPLY_MAX_S
        ledger = self.get("/api/ledger")
        while ledger["lag_events"] and time.monotonic() < until_s:
            time.sleep(0.05)
            ledger = self.get("/api/ledger")
        return ledger

    def cpu_s(self) -> float:
        """Processor time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server on a new data folder and a free port; it is stopped at the end."""
    data = str(folder / "data")
    made = subprocess.run([*FOOTFALL, "init", "--data", data, "--json"], check=True, capture_output=True)
    keys = msgspec.json.decode(made.stdout)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*FOOTFALL, "serve", "--data", data, "--port", str(port)], stdout=out, stderr=out,
            env={**os.environ, "FOOTFALL_RETRAIN_EVERY_H": "0"},  # no training takes cores from what is measured
        )  # fmt: skip
    try:
        _wait_until_ready(port, process, log)
        yield Server(port, keys["write_key"], keys["token"], process.pid)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until_s = time.monotonic() + _START_MAX_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"The server didn't become ready: {log.read_text('utf-8', 'replace')[-2000:]}")


def sync_ms(folder: Path, n: int = 200) -> list[float]:
    """What the disk takes to sync 4 KiB appended to a file: the floor of every durable answer. Sorted."""
    took = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(n):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
    path.unlink()
    return sorted(took)


class Measured(NamedTuple):
    """All samples; ``acked`` events were answered 200."""

    empty: list[Sample]
    track: list[Sample]
    batch: list[Sample]
    latencies: dict[str, list[float]]
    acked: int
    ledger: dict[str, int]
    refused: str


def measure(server: Server, load: Load, n_requests: int, n_rounds: int, steady_s: float) -> Measured:
    """The rounds in turn, then the steady rate, then batches."""
    empty: list[Sample] = []
    track: list[Sample] = []
    batch: list[Sample] = []
    all_answers: list[Answers] = []
    acked = 0

    def run(job: Job, counts: bool = True) -> Sample:
        nonlocal acked
        cpu_s = server.cpu_s()
        sample, answers = load.run(job)
        sample = sample._replace(cpu_s=server.cpu_s() - cpu_s)
        acked += sample.n if counts else 0
        all_answers.append(answers)
        server.settled()
        return sample

    latencies: dict[str, list[float]] = {}
    for round_number in range(n_rounds + 1):  # the first one isn't counted: it compiles and fills caches
        samples = [
            run(Job("/healthz", 2 * n_requests, CONNECTIONS), counts=False),
            run(Job("", n_requests, CONNECTIONS)),
        ]
        if round_number:
            empty.append(samples[0])
            track.append(samples[1])
            latencies["full"] = all_answers[-1].latencies_ms
    run(Job("", max(1, int(STEADY_PER_S * steady_s)), CONNECTIONS, per_s=STEADY_PER_S))
    latencies["steady"] = all_answers[-1].latencies_ms
    for _ in range(n_rounds):
        batch.append(run(Job("/v1/batch", max(CONNECTIONS, n_requests // 10), CONNECTIONS, BATCH)))
    refused = next((answers.refused for answers in all_answers if answers.refused), "")
    return Measured(empty, track, batch, latencies, acked, server.settled(), refused)


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    parser = argparse.ArgumentParser(prog="footfall bench http", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--requests", type=int, default=30_000, help="requests a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steady-s", type=float, default=10.0, help="seconds at a steady 1,000 requests/s")
    parser.add_argument("--processes", type=int, default=2, help="client processes")
    parser.add_argument("--folder", type=Path, help="where the data folder is made for the time; a real disk, not RAM")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if the ledger isn't what was acknowledged."""
    told_to = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=told_to.folder, prefix="footfall-bench-") as name:
        folder = Path(name)
        syncs = sync_ms(folder)
        with serving(folder) as server, Load(server.port, server.write_key, told_to.processes) as load:
            measured = measure(server, load, told_to.requests, told_to.rounds, told_to.steady_s)
    return report(measured, syncs, told_to)


def report(measured: Measured, syncs: list[float], told_to: argparse.Namespace) -> int:
    """Print what was measured; 1 if the ledger isn't what was acknowledged."""
    ledger, acked = measured.ledger, measured.acked
    is_exact = ledger["received"] == ledger["applied"] == acked and not ledger["duplicate"] and not ledger["failed"]
    steady = measured.latencies["steady"]
    rates = {name: summary(getattr(measured, name)) for name in ("empty", "track", "batch")}
    budgets = [
        at_least("single events/s on disk", rates["track"]["per_s"], 15_000),
        at_least("share of the empty reply", ratio(measured.track, measured.empty), 0.40),
        at_most("p50 at 1,000/s, ms", statistics.median(steady), 3.0),
    ]
    result: dict[str, Any] = {
        "bench": "http", "at": int(time.time()), "machine": machine(), "connections": CONNECTIONS,
        "client_processes": told_to.processes, "rates": rates, "budgets": budgets,
        "empty_reply": "POST of the same bytes to /healthz",
        "steady_per_s": STEADY_PER_S,
        "steady_ms": {"p50": _ms(steady, 0.5), "p90": _ms(steady, 0.9), "p99": _ms(steady, 0.99), "n": len(steady)},
        "full_ms": {"p50": _ms(measured.latencies["full"], 0.5), "p99": _ms(measured.latencies["full"], 0.99)},
        "sync_ms": {"p50": _ms(syncs, 0.5), "p99": _ms(syncs, 0.99)},
        "acked": acked, "ledger": ledger, "is_ledger_exact": is_exact, "refused": measured.refused,
    }  # fmt: skip
    table = Table("", "a second", "least", "most", "rounds", "server's cores", box=None, header_style="dim")
    titles = {"empty": "empty reply (POST /healthz)", "track": "POST /v1/track, on disk",
              "batch": f"events in batches of {BATCH}, on disk"}  # fmt: skip
    for name, row in rates.items():
        table.add_row(
            titles[name], *(f"{row[key]:,}" for key in ("per_s", "per_s_least", "per_s_most")), str(row["rounds"]),
            str(row["core_share"]),
        )  # fmt: skip
    times = Table("latency, ms", "p50", "p90", "p99", box=None, header_style="dim")
    for title, values in (
        (f"POST /v1/track at {STEADY_PER_S:,}/s", steady),
        (f"POST /v1/track, {CONNECTIONS} connections at full speed", measured.latencies["full"]),
        ("the disk's sync alone", syncs),
    ):
        times.add_row(title, *(str(_ms(values, share)) for share in (0.5, 0.9, 0.99)))
    told(f"http, {CONNECTIONS} keep-alive connections", result, [table, times], budgets, told_to.json)
    if not is_exact:
        sys.stderr.write(f"{acked:,} events were acknowledged, the ledger says {ledger}. {measured.refused}\n")
    elif not told_to.json:
        sys.stdout.write(f"ledger: {acked:,} events acknowledged, as many applied, none twice, none refused\n")
    return 0 if is_exact else 1


def _ms(values: Sequence[float], share: float) -> float:
    return round(percentile(values, share), 2)


if __name__ == "__main__":
    raise SystemExit(main())
