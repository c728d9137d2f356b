"""How many events a second does one core take, from JSON bytes to records, features and session timers?

The real engine with a store in memory, in batches of 2,000, after a pass in which the visitors became known. Measured
in the same run, round by round: msgspec decoding the same bytes into the same structs, the compiled step alone, and
Bytewax hosting the same features in plain Python, on fewer events (it knows no merges, no duplicates and no shared
facts, which favours it). Then the same with two targets scored for every touched visitor, and beside it scikit-learn,
XGBoost's own prediction and River scoring the same features.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
from rich.table import Table

from footfall import engine as engine_module
from footfall.adapters.memory import MemoryRecordStore
from footfall.engine import Engine
from footfall.events import columns as columns_module
from footfall.events import mending
from footfall.events.columns import name_key
from footfall.events.facts import FactsShelf, make_facts
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Event, Source
from footfall.hosts.benches import plain, scorers
from footfall.hosts.benches.measuring import (
    Budget,
    Sample,
    Stopwatch,
    Timed,
    at_least,
    machine,
    one_core,
    rates_table,
    ratio,
    summary,
    told,
)
from footfall.hosts.benches.traffic import START_MS, Stream, Traffic
from footfall.models.scoring import Scoring
from footfall.record.features import N_FEATURES, features_into
from footfall.record.layout import MERGE, RECORD, SESSION
from footfall.record.rates import RATE, rates_of
from footfall.record.step import step
from footfall.record.timers import Timers
from footfall.settings import Settings

BATCH = 2_000
SITE = 1
_WARM_CHUNK = 50_000
_KEPT_BATCHES = 10
"""Whose features others score too."""
Batches = list[list[tuple[int, Entry]]]


class Bench:
    """An engine with known visitors, and the traffic that goes on."""

    def __init__(self, n_visitors: int, folder: Path, *, is_warm: bool = True) -> None:
        self.settings = Settings()
        self.traffic = Traffic(n_visitors)
        self.engine = Engine(self.settings, MemoryRecordStore(), places=Geo(""), shelf=FactsShelf(folder / "facts"))
        self.out = np.zeros((4 * BATCH, N_FEATURES), np.float32)
        self._publish(folder)
        if is_warm:
            self.compile()
            self.meet(n_visitors)
            self.settle()

    def _publish(self, folder: Path) -> None:
        """Shared facts of the shop's prices and rates, in force from the first event on."""
        products = self.traffic.products
        prices = np.repeat([product.price for product in products], 20)
        categories = np.repeat([name_key(SITE, p.category) for p in products], 20).astype(np.uint64)
        keys = np.repeat([name_key(SITE, p.id) for p in products], 20).astype(np.uint64)
        facts = make_facts(1, categories, prices, keys, prices)
        rates = rates_of(_some_rates(keys), _some_rates(categories))
        FactsShelf(folder / "facts").put(msgspec.structs.replace(facts, rates=rates))
        self.engine.apply([(0, Entry(0, START_MS - 86_400_000, int(Source.ENGINE), 1, b"", facts=1))])

    def compile(self) -> None:
        """Let everything run once."""
        self.run(self.batches(self.traffic.visits(2 * BATCH)))
        self.stored()

    def meet(self, n_visitors: int) -> None:
        """Let every visitor have been here the day before."""
        at_ms = START_MS - 80_000_000
        for start in range(0, n_visitors, _WARM_CHUNK):
            lines = self.traffic.first_visits(start, min(n_visitors, start + _WARM_CHUNK), at_ms)
            times = np.arange(at_ms, at_ms + len(lines), dtype=np.int64)
            at_ms += len(lines)
            self.run(self.batches(Stream(lines, times)))
            self.stored()

    def settle(self) -> None:
        """Fill the reader's tables and caches as a day's traffic does."""
        self.run(self.batches(self.traffic.visits(100_000)))
        self.stored()

    def batches(self, stream: Stream, is_single: bool = False) -> Batches:
        """Entries as the log hands them over: an entry a batch, or with ``is_single`` an entry an event."""
        batches: Batches = []
        offset = self.engine.next_offset
        for start in range(0, len(stream.lines), BATCH):
            lines = stream.lines[start : start + BATCH]
            times = stream.times_ms[start : start + BATCH].tolist()
            if is_single:
                batches.append([(offset + i, _posted(lines[i], times[i])) for i in range(len(lines))])
            else:
                entry = Entry(SITE, times[-1] + 40, int(Source.SEGMENT), len(lines), b"\n".join(lines))
                batches.append([(offset, entry)])
            offset += len(lines)
        return batches

    def run(self, batches: Batches) -> list[tuple[np.ndarray, np.ndarray]]:
        """What is measured: apply, features of every touched row, timers. Returns the columns for the step alone."""
        seen = []
        engine = self.engine
        for batch in batches:
            now_ms = batch[-1][1].received_ms
            columns = engine.apply(batch)
            assert columns is not None
            self.features(columns.events, now_ms)
            engine.tick(now_ms)
            seen.append((columns.events, columns.items))
        return seen

    def run_scored(self, batches: Batches, scoring: Scoring) -> list[np.ndarray]:
        """As :meth:`run`, with scores of every touched visitor by a model; returns the first batches' features."""
        engine = self.engine
        engine.scoring = scoring
        kept: list[np.ndarray] = []
        for batch in batches:
            engine.apply(batch)
            assert engine.scored is not None
            if len(kept) < _KEPT_BATCHES:
                kept.append(engine.scored.features.copy())
            engine.tick(batch[-1][1].received_ms)
        engine.scoring = None
        return kept

    def features(self, events: np.ndarray, now_ms: int) -> int:
        """All features of the rows that a batch touched; returns how many rows."""
        rows = np.unique(events["row"][events["status"] == 0])
        times = np.full(len(rows), now_ms, np.int64)
        features_into(self.engine.records, rows, times, self.engine.facts.rates, self.out)
        return len(rows)

    def stored(self) -> None:
        """As if a store had taken what changed."""
        self.engine.take_commit()
        self.engine.forget_taken()

    @contextmanager
    def stages(self) -> Iterator[Stopwatch]:
        """While stages are timed, each without the stages inside it."""
        watch = Stopwatch()
        reader = columns_module.Reader
        with watch.watching(
            (columns_module, "Columns", "entries to columns"),
            (columns_module, "scan", "scan"),
            (columns_module, "assign", "assign"),
            (columns_module, "mark", "lines of the entries"),
            (columns_module, "assign_lines", "assign lines"),
            (reader, "_entries_of", "entries to rows"),
            (reader, "_decide", "decide (table misses)"),
            (reader, "_read_fast", "rest of the fast way"),
            (reader, "_read_slow", "slow path"),
            (reader, "_fill", "slow path"),
            (columns_module, "place_prices", "place prices"),
            (reader, "read", "rest of reading"),
            (mending, "_read_mended", "mending"),
            (engine_module, "admit", "admit"),
            (Engine, "_note_links", "new identities"),
            (engine_module, "step", "step"),
            (Engine, "_step_piece", "traits, ended sessions"),
            (Engine, "_merge", "merges"),
            (Timers, "arm", "arm timers"),
            (Engine, "_note", "note outcomes"),
            (Engine, "_apply_events", "rest of applying"),
            (Engine, "tick", "timers"),
            (self, "features", "features"),
        ):
            yield watch


def _some_rates(keys: np.ndarray) -> np.ndarray:
    """RATE[k]: made up, all the same; looking them up costs what it costs."""
    known = np.zeros(len(np.unique(keys)), RATE)
    known["key"] = np.unique(keys)
    known["view_lift"], known["cart_lift"], known["order_lift"] = 0.5, 1.5, 1.2
    return known


def _posted(line: bytes, ms: int) -> Entry:
    """The entry of a single POST, with the address and user agent of its visitor's browser."""
    _, _, rest = line.partition(b'"userAgent":"')
    who = crc32(line[-44:])  # nearly as many networks as visitors
    address = f"{20 + who % 200}.{who // 200 % 256}.{who // 51_200 % 256}.0"
    return Entry(SITE, ms + 40, int(Source.SEGMENT), 1, line, ip=address, user_agent=rest.partition(b'"')[0].decode())


def breakdown(bench: Bench, n_events: int, is_single: bool = False) -> dict[str, Any]:
    """Nanoseconds an event by stage, over the next events."""
    batches = bench.batches(bench.traffic.visits(n_events), is_single)
    n_slow = n_rows = 0
    with bench.stages() as watch, Timed() as timed:
        for events, _ in bench.run(batches):
            n_rows += len(np.unique(events["row"]))
    n = sum(entry.n for batch in batches for _, entry in batch)
    with Timed() as commit:
        taken = bench.engine.take_commit()
        bench.engine.forget_taken()
    for events_batch in batches:
        columns = bench.engine.reader.read(events_batch, bench.engine.facts)
        n_slow += len(columns.slow_ones())
    stages = {stage: round(spent / n * 1e9, 1) for stage, spent in watch.spent_s.items() if watch.calls[stage]}
    return {
        "events": n,
        "stages_ns": dict(sorted(stages.items(), key=lambda item: -item[1])),
        "total_ns": round(timed.sample(n).wall_s / n * 1e9, 1),
        "slow_share": round(n_slow / n, 4),
        "touched_rows_an_event": round(n_rows / n, 3),
        "take_commit_ns": round(commit.sample(n).wall_s / n * 1e9, 1),
        "take_commit_rows": 0 if taken is None else len(taken.rows),
    }


def measure(bench: Bench, n_events: int, n_rounds: int, n_peer_events: int) -> dict[str, list[Sample]]:
    """Rounds in turn: msgspec, the engine on the same events, the step alone on them, Bytewax on a part of them."""
    samples: dict[str, list[Sample]] = {"engine": [], "msgspec": [], "step": [], "bytewax": []}
    decoder = msgspec.json.Decoder(Event)
    can_copy = bench.engine.n_rows <= 1_000_000
    records = np.zeros(0, RECORD)
    if can_copy:
        records = np.zeros(len(bench.engine.records), RECORD)
        records[: bench.engine.n_rows] = bench.engine.records[: bench.engine.n_rows]
    for _ in range(n_rounds):
        stream = bench.traffic.visits(n_events)
        batches = bench.batches(stream)
        bodies = [entry.body for batch in batches for _, entry in batch]
        n = len(stream.lines)
        gc.collect()
        with Timed() as timed:
            for body in bodies:
                decoder.decode_lines(body)
        samples["msgspec"].append(timed.sample(n))
        with Timed() as timed:
            seen = bench.run(batches)
        samples["engine"].append(timed.sample(n))
        bench.stored()
        if can_copy:
            if len(records) < bench.engine.n_rows + n:
                records = np.concatenate([records, np.zeros(bench.engine.n_rows + n, RECORD)])
            sessions = np.zeros(BATCH + 1, SESSION)
            merges = np.zeros(0, MERGE)
            with Timed() as timed:
                for events, items in seen:
                    step(records, events, items, merges, bench.engine.plan, sessions)
            samples["step"].append(timed.sample(n))
        if n_peer_events:
            samples["bytewax"].append(plain.run_bytewax(stream.lines[:n_peer_events], BATCH, bench.settings))
    return samples


def measure_scored(bench: Bench, n_events: int, n_rounds: int, n_for_river: int) -> dict[str, list[Sample]]:
    """Rounds of the engine with scores, and of everybody scoring the same rows alone."""
    scoring = Scoring()
    seen = bench.run_scored(bench.batches(bench.traffic.visits(2 * scorers.N_ROWS)), scoring)
    them = scorers.trained(np.concatenate(seen)[: scorers.N_ROWS])
    scoring.use(SITE, them.served)
    scorers.measure_alone(them, seen[:1], 10)  # compiles, imports
    bench.stored()
    samples: dict[str, list[Sample]] = {}
    for _ in range(n_rounds):
        batches = bench.batches(bench.traffic.visits(n_events))
        gc.collect()
        with Timed() as timed:
            seen = bench.run_scored(batches, scoring)
        bench.stored()
        samples.setdefault("engine with scores", []).append(timed.sample(sum(e.n for b in batches for _, e in b)))
        for name, sample in scorers.measure_alone(them, seen, n_for_river).items():
            samples.setdefault(name, []).append(sample)
    if scoring.n_failed:
        raise RuntimeError(f"the model failed: {scoring.failures}")
    return samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 if it was measured, whatever the verdict."""
    parser = argparse.ArgumentParser(prog="footfall bench engine", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--visitors", type=int, default=50_000, help="known visitors, such as 50000, 500000, 5000000")
    parser.add_argument("--events", type=int, default=200_000, help="events a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-events", type=int, default=10_000, help="events a round for Bytewax; 0 leaves it out")
    parser.add_argument("--river-rows", type=int, default=200, help="rows a round for River; 0 leaves it out")
    parser.add_argument("--memory", action="store_true", help="memory a visitor, and speed with more visitors, instead")
    parser.add_argument("--sizes", default="50000,500000,5000000", help="visitors measured by --memory")
    parser.add_argument("--breakdown", action="store_true", help="only time by stage")
    told_to = parser.parse_args(arguments)
    if told_to.memory:
        from footfall.hosts.benches import memory

        return memory.run([int(size) for size in told_to.sizes.split(",")], told_to.events, told_to.json)
    with tempfile.TemporaryDirectory() as folder, one_core() as core:
        bench = Bench(told_to.visitors, Path(folder))
        measure(bench, BATCH, 1, min(1_000, told_to.peer_events) if not told_to.breakdown else 0)  # compiles, imports
        gc.collect()
        gc.freeze()
        samples = scored = None
        if not told_to.breakdown:
            n_peer = told_to.peer_events if plain.bytewax_version() else 0
            samples = measure(bench, told_to.events, told_to.rounds, n_peer)
            scored = measure_scored(bench, told_to.events, told_to.rounds, told_to.river_rows)
        stages = breakdown(bench, told_to.events)
        bench.run(bench.batches(bench.traffic.visits(50_000), is_single=True))
        singles = breakdown(bench, told_to.events // 2, is_single=True)
        gc.unfreeze()
    _report(told_to, core, samples, scored, stages, singles)
    return 0


def _report(
    told_to: argparse.Namespace, core: int, samples: dict[str, list[Sample]] | None,
    scored: dict[str, list[Sample]] | None, stages: dict[str, Any], singles: dict[str, Any],
) -> None:  # fmt: skip
    result: dict[str, Any] = {
        "bench": "engine", "at": int(time.time()), "machine": machine(), "core": core, "visitors": told_to.visitors,
        "batch": BATCH, "features": N_FEATURES, "stages": stages, "stages_single_event_entries": singles,
    }  # fmt: skip
    tables = []
    budgets = []
    if samples is not None:
        names = {
            "engine": f"engine: JSON to records, {N_FEATURES} features, timers",
            "msgspec": "msgspec: decoding alone",
            "step": "the compiled step alone",
            "bytewax": f"Bytewax {plain.bytewax_version()}, plain Python",
        }
        rates = {names[name]: summary(some) for name, some in samples.items() if some}
        result["rates"] = {name: summary(some) for name, some in samples.items() if some}
        budgets.append(at_least("events/s on one core", result["rates"]["engine"]["per_s"], 400_000))
        budgets.append(at_least("share of msgspec alone", ratio(samples["engine"], samples["msgspec"]), 0.25))
        if samples["bytewax"]:
            budgets.append(at_least("times Bytewax", ratio(samples["engine"], samples["bytewax"]), 10))
        else:
            result["note"] = plain.MISSING
        tables.append(rates_table(rates))
        if scored is not None:
            tables.append(_scored(result, budgets, scored))
        result["budgets"] = budgets
    table = Table("stage, ns an event", "an entry a batch", "an entry an event", box=None, header_style="dim")
    for stage in sorted({*stages["stages_ns"], *singles["stages_ns"]}, key=lambda s: -stages["stages_ns"].get(s, 0)):
        table.add_row(stage, *(f"{x['stages_ns'].get(stage, 0):,}" for x in (stages, singles)))
    for name in ("total_ns", "take_commit_ns", "slow_share", "touched_rows_an_event"):
        table.add_row(name.replace("_", " "), f"{stages[name]:,}", f"{singles[name]:,}")
    tables.append(table)
    told(f"engine, {told_to.visitors:,} known visitors, batches of {BATCH:,}", result, tables, budgets, told_to.json)
    if "note" in result and not told_to.json:
        from rich.console import Console

        Console().print(result["note"])


def _scored(result: dict[str, Any], budgets: list[Budget], scored: dict[str, list[Sample]]) -> Table:
    """Put the figures of scoring into the result and the budgets; returns their table."""
    whose = {
        "engine with scores": "the engine, events/s, two targets scored for every touched visitor",
        "footfall": f"scoring alone, rows/s: 2 x {scorers.N_TREES} trees of {scorers.DEPTH} levels",
        "xgboost": "… XGBoost's inplace_predict, one thread",
        "scikit-learn": "… HistGradientBoostingClassifier.predict_proba",
        "river": f"… River {scorers.river_version()}, logistic regression that learns as it goes",
    }
    result["scored_rates"] = {name: summary(some) for name, some in scored.items()}
    budgets.append(at_least("events/s with propensity", result["scored_rates"]["engine with scores"]["per_s"], 250_000))
    for name in ("xgboost", "scikit-learn", "river"):
        if name in scored:
            result.setdefault("times_as_fast_as", {})[name] = round(ratio(scored["footfall"], scored[name]), 1)
    return rates_table({whose[name]: summary(some) for name, some in scored.items()})


if __name__ == "__main__":
    raise SystemExit(main())
