"""How long does it take to say who is like a visitor, and is it right, among a million past visits?

Visitors of the benchmarks' shop go through the real engine. A space is learned from what they did; every moment of
their visits is indexed. Then, while events go on, visitors are asked about as the API asks: features, place, index,
live visitors (those that did something are placed anew), what is shared, names. Beside it the index alone against an
exact search over all (recall), and scikit-learn's NearestNeighbors on the same places. ``--uci FILE`` measures how well
neighbours foretell orders instead, see :mod:`.online_shoppers`.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from rich.table import Table

from footfall.base.clock import ManualClock
from footfall.engine import Engine
from footfall.hosts.benches.engine import SITE, Batches, Bench
from footfall.hosts.benches.measuring import at_least, at_most, machine, one_core, resident_bytes, told
from footfall.models.neighbours import VISIT, Near, Past, nearest_exactly
from footfall.models.scoring import Scoring
from footfall.models.similarity import Space, SpaceOptions, learn
from footfall.ports import RecordStore
from footfall.profile import LiveProfiles, Parts, VisitorIds
from footfall.record.features import FEATURE_IDX
from footfall.similar import SimilarVisitors

N = 50
P99_MS = 10.0
RECALL = 0.95
_LEARN_FROM = 60_000
_EVENTS_BETWEEN = 100
"""That are applied before each question: twenty questions a second at 2,000 events/s."""
RECALL_LEAST = 0.8
_N_EXACT = 200
_N_CROWDED = 100
"""More questions, where past visits lie closest."""
_N_PEER = 30
_HOUR_MS = 3_600_000
_EVENTS_A_SESSION = 11.5


class _Lent(NamedTuple):
    """The parts that reading profiles needs here; there is no log and no lake."""

    engine: Engine
    store: RecordStore
    lock: threading.RLock
    scoring: Scoring


class Measured(NamedTuple):
    """What was measured."""

    call_ms: np.ndarray
    """float64[n]: whole answers."""
    cpu_ms: np.ndarray
    """float64[n]: of which this thread had a core; the rest it waited for one."""
    index_ms: np.ndarray
    """float64[n]: the index alone."""
    recalls: np.ndarray
    """float64[n]: of the nearest N visitors, how many are found. A third of the questions lie where it is crowded."""
    exact_ms: np.ndarray
    peers_ms: dict[str, np.ndarray]
    n_live: int
    n_points: int
    n_dims: int
    build_s: float
    peer_build_s: float
    index_mb: float
    """Of memory that the index took."""


def moments(bench: Bench, n_events: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the next events; features float32[n, N_FEATURES], rows and times of the visitors that each batch touched."""
    features, rows, times = [], [], []
    for batch in bench.batches(bench.traffic.visits(n_events)):
        now_ms = batch[-1][1].received_ms
        columns = bench.engine.apply(batch)
        assert columns is not None
        touched = np.unique(columns.events["row"][columns.events["status"] == 0])
        n = bench.features(columns.events, now_ms)
        features.append(bench.out[:n].copy())
        rows.append(touched.astype(np.int32))
        times.append(np.full(n, now_ms, np.int64))
        bench.engine.tick(now_ms)
    bench.stored()
    return np.concatenate(features), np.concatenate(rows), np.concatenate(times)


def outcomes(features: np.ndarray, seed: int) -> np.ndarray:
    """int8[n]: orders by a made-up rule over a dozen features, with chance."""
    rng = np.random.default_rng(seed)
    margin = np.full(len(features), -3.0)
    for name, weight in (
        ("cart_items_n", 1.2), ("session_checkout_start_n", 1.5), ("session_repeat_n", 0.4), ("session_number", 0.15),
        ("session_product_view_n", 0.15), ("session_search_n", 0.3), ("order_n", 0.3), ("session_dwell_s", 0.002),
        ("is_known", 0.3), ("price_mean", -0.002), ("sessions_7d_n", 0.1), ("session_list_view_n", -0.1),
    ):  # fmt: skip
        margin += weight * np.nan_to_num(features[:, FEATURE_IDX[name]])
    return np.asarray(rng.random(len(features)) < 1.0 / (1.0 + np.exp(-margin)), np.int8)


def gather(bench: Bench, n_past: int) -> tuple[Space, np.ndarray, np.ndarray]:
    """The space, and places and VISIT of ``n_past`` moments."""
    space: Space | None = None
    places: list[np.ndarray] = []
    visits: list[np.ndarray] = []
    n = 0
    while n < n_past:
        features, rows, times = moments(bench, _LEARN_FROM)
        labels = outcomes(features, n)
        ones = np.ones(len(rows), np.float32)
        if space is None:
            space = learn(features, labels, ones, rows.astype(np.int64), SpaceOptions(n_threads=2))
        told = np.zeros(len(rows), VISIT)
        told["row"], told["at_ms"], told["weight"] = rows, times, 1.0
        told["number"] = np.nan_to_num(features[:, FEATURE_IDX["session_number"]])
        told["later"] = told["ordered"] = labels
        places.append(space.embed(features, rows.astype(np.int64)))
        visits.append(told)
        n += len(rows)
    assert space is not None
    return space, np.concatenate(places)[:n_past], np.concatenate(visits)[:n_past]


def measure(folder: Path, n_past: int, n_visitors: int, n_live: int, n_asked: int, n_threads: int) -> Measured:
    """Everything, one thing after the other."""
    bench = Bench(n_visitors, folder)
    space, places, visits = gather(bench, n_past)
    before = resident_bytes()
    start_s = time.perf_counter()
    past = Past.built(places, visits, n_threads=n_threads)
    build_s = time.perf_counter() - start_s
    index_mb = (resident_bytes() - before) / 1e6
    bench.traffic.pause(2 * _HOUR_MS)  # all sessions end; those from here on are live
    n_first = max(int(n_live * _EVENTS_A_SESSION) - n_asked * _EVENTS_BETWEEN // 2, 2_000)
    for batch in bench.batches(bench.traffic.visits(n_first)):
        bench.run([batch])
    bench.stored()
    ahead = bench.batches(bench.traffic.visits((n_asked + 20) * _EVENTS_BETWEEN), is_single=True)
    with one_core():
        call_ms, cpu_ms, asked, n_live = _calls(bench, space, past, ahead, n_asked)
        index_ms, exact_ms, recalls = _alone(past, places, visits, np.concatenate([asked, _crowded(past, places)]))
        peers_ms, peer_build_s = _peers(places, asked)
    return Measured(
        call_ms, cpu_ms, index_ms, recalls, exact_ms, peers_ms, n_live, past.n_points, space.n_dims,
        build_s, peer_build_s, index_mb,
    )  # fmt: skip


def _calls(
    bench: Bench, space: Space, past: Past, ahead: Batches, n_asked: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Milliseconds of each whole answer, by the clock and of a core; where those asked about are; how many are live."""
    engine = bench.engine
    clock = ManualClock(engine.counters["clock_ms"])
    parts = cast(Parts, _Lent(engine, engine.store, threading.RLock(), Scoring()))
    ids = VisitorIds(bytes(16))
    profiles = LiveProfiles(parts, ids, clock)
    similar = SimilarVisitors(parts, profiles)
    similar.use(SITE, 1, space, past)
    rng = np.random.default_rng(0)
    spent: list[float] = []
    worked: list[float] = []
    asked: list[int] = []
    for number in range(-5, n_asked):
        for batch in ahead[(number + 5) * _EVENTS_BETWEEN :][:_EVENTS_BETWEEN]:
            engine.apply(batch)
        bench.stored()
        clock.set_ms(engine.counters["clock_ms"])
        row = int(rng.choice(profiles.live_rows(SITE)))
        visitor_id = ids.of(SITE, row)
        start_s, cpu_s = time.perf_counter(), time.thread_time()
        answer = similar.similar(SITE, visitor_id, n=N, radius=None, among="all")
        took_s, cpu_s = time.perf_counter() - start_s, time.thread_time() - cpu_s
        if answer is None or len(answer["similar"]) != min(N, len(past)):
            raise SystemExit(f"{N} similar visitors were asked for, and {answer} came")
        if number >= 0:  # those before find everything compiled and placed
            spent.append(took_s * 1000)
            worked.append(cpu_s * 1000)
            asked.append(row)
    rows = np.array(asked[:_N_EXACT], np.int32)
    return np.array(spent), np.array(worked), space.embed(similar.features(rows)), len(profiles.live_rows(SITE))


def _crowded(past: Past, places: np.ndarray) -> np.ndarray:
    """Of some past visits' places those with the nearest neighbours."""
    some = places[np.random.default_rng(0).choice(len(places), min(10 * _N_CROWDED, len(places)), replace=False)]
    farthest = [past.points(place, N).distances[-1] for place in some]
    return some[np.argsort(farthest, kind="stable")[:_N_CROWDED]]


def _alone(
    past: Past, places: np.ndarray, visits: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Milliseconds of the index and of an exact search, and the recall of the one by the other."""
    index_ms, exact_ms, recalls = [], [], []
    for place in asked:
        start_s = time.perf_counter()
        near: Near = past.near(place, N, _as_they_are)
        index_ms.append((time.perf_counter() - start_s) * 1000)
        start_s = time.perf_counter()
        idx, distances = nearest_exactly(places, place, min(100 * N, len(places)))
        firsts = np.sort(np.unique(visits["row"][idx], return_index=True)[1])[:N]
        exact_ms.append((time.perf_counter() - start_s) * 1000)
        farthest = float(distances[firsts[-1]]) * (1 + 1e-5) + 1e-6
        recalls.append(np.count_nonzero(near.distances <= farthest) / len(firsts))  # of those at one distance any
    return np.array(index_ms), np.array(exact_ms), np.array(recalls)


def _as_they_are(rows: np.ndarray) -> np.ndarray:
    return rows


def _peers(places: np.ndarray, asked: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """Milliseconds of scikit-learn's exact search for the same places, by algorithm, and to build its tree."""
    from sklearn.neighbors import NearestNeighbors

    found: dict[str, np.ndarray] = {}
    build_s = 0.0
    for algorithm in ("ball_tree", "brute"):
        start_s = time.perf_counter()
        peer = NearestNeighbors(n_neighbors=N, algorithm=algorithm, n_jobs=1).fit(places)
        build_s = max(build_s, time.perf_counter() - start_s)
        found[algorithm] = np.array([_ms(peer.kneighbors, place[None]) for place in asked[:_N_PEER]])
    return found, build_s


def _ms(work: Callable[[np.ndarray], Any], asked: np.ndarray) -> float:
    start_s = time.perf_counter()
    work(asked)
    return (time.perf_counter() - start_s) * 1000


def _spread(ms: np.ndarray) -> dict[str, float]:
    return {name: round(float(np.percentile(ms, at)), 3) for name, at in (("p50", 50), ("p99", 99), ("max", 100))}


def report(measured: Measured, size: argparse.Namespace) -> dict[str, Any]:
    """The result as one object."""
    call = _spread(measured.call_ms)
    recall, recall_least = float(measured.recalls.mean()), float(measured.recalls.min())
    return {
        "bench": "similar", "at": int(time.time()), "machine": machine(), "past_visits": size.past,
        "points": measured.n_points, "dims": measured.n_dims, "live": measured.n_live, "n": N,
        "events_between": _EVENTS_BETWEEN, "call_ms": call, "call_cpu_ms": _spread(measured.cpu_ms),
        "index_ms": _spread(measured.index_ms),
        "recall": round(recall, 4), "recall_least": round(recall_least, 4), "recall_n": len(measured.recalls),
        "exact_ms": _spread(measured.exact_ms),
        "scikit_learn_ms": {name: _spread(ms) for name, ms in measured.peers_ms.items()},
        "build_s": round(measured.build_s, 1), "scikit_learn_build_s": round(measured.peer_build_s, 1),
        "index_mb": round(measured.index_mb), "threads_to_build": size.threads,
        "budgets": [
            at_most("answer, p99 ms", call["p99"], P99_MS),
            at_least(f"recall@{N}, mean", recall, RECALL),
            at_least(f"recall@{N}, worst", recall_least, RECALL_LEAST),
        ],
    }  # fmt: skip


def _table(result: dict[str, Any]) -> Table:
    table = Table("ms", "p50", "p99", "most", box=None, header_style="dim")
    rows = {
        "an answer as the API gives it": result["call_ms"],
        "of which a core worked on it": result["call_cpu_ms"],
        "the index alone": result["index_ms"],
        "exact, NumPy over all places": result["exact_ms"],
        "scikit-learn, ball tree": result["scikit_learn_ms"]["ball_tree"],
        "scikit-learn, brute force": result["scikit_learn_ms"]["brute"],
    }
    for name, row in rows.items():
        table.add_row(name, *(f"{value:,.2f}" for value in row.values()))
    table.add_row("")
    table.add_row(f"built in {result['build_s']} s on {result['threads_to_build']} threads, {result['index_mb']} MB")
    table.add_row(f"{result['dims']} axes, {result['points']:,} different places, {result['live']:,} live visitors")
    table.add_row(f"recall@{N}: {result['recall']} on average, {result['recall_least']} at worst")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 0 if it was measured, whatever the verdict."""
    parser = argparse.ArgumentParser(prog="footfall bench similar", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--past", type=int, default=1_000_000, help="moments of past visits")
    parser.add_argument("--visitors", type=int, default=100_000, help="visitors that they are of")
    parser.add_argument("--live", type=int, default=5_000, help="about so many live visitors")
    parser.add_argument("--asked", type=int, default=300, help="answers that are measured")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="to build the index with")
    parser.add_argument("--uci", type=Path, help="measure neighbours' AUC on this file of UCI Online Shoppers instead")
    size = parser.parse_args(arguments)
    if size.uci is not None:
        from footfall.hosts.benches import online_shoppers

        return online_shoppers.run(size.uci, as_json=size.json, n_threads=size.threads)
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        measured = measure(Path(name), size.past, size.visitors, size.live, size.asked, size.threads)
    result = report(measured, size)
    told(f"similar visitors among {size.past:,} past visits", result, [_table(result)], result["budgets"], size.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
