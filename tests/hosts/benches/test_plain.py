"""The peer is a fair one: its features in plain Python are the engine's."""

from pathlib import Path

import msgspec
import numpy as np

from footfall.adapters.memory import MemoryRecordStore
from footfall.engine import Engine
from footfall.events.facts import FactsShelf
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Event, Source
from footfall.hosts.benches.plain import Visitor
from footfall.hosts.benches.traffic import Traffic
from footfall.record.features import CATALOGUE, N_FEATURES, features_into
from footfall.settings import Settings


def test_features_in_plain_python_are_those_of_the_engine(tmp_path: Path) -> None:
    stream = Traffic(150).visits(5_000)
    engine = Engine(Settings(), MemoryRecordStore(), places=Geo(""), shelf=FactsShelf(tmp_path))
    decoder = msgspec.json.Decoder(Event)
    visitors: dict[int, Visitor] = {}
    now_ms = 0
    for start in range(0, 5_000, 500):
        lines = stream.lines[start : start + 500]
        now_ms = int(stream.times_ms[start + 499])
        columns = engine.apply([(start, Entry(1, now_ms, int(Source.IMPORT), 500, b"\n".join(lines)))])
        assert columns is not None and not columns.failures
        for row, line in zip(columns.events["row"].tolist(), lines, strict=True):
            visitors.setdefault(row, Visitor()).update(decoder.decode(line), now_ms, 1_800_000, 600.0)

    rows = np.array(sorted(visitors), np.int32)
    compiled = np.zeros((len(rows), N_FEATURES), np.float32)
    times = np.full(len(rows), now_ms, np.int64)
    features_into(engine.records, rows, times, engine.facts.rates, compiled)
    plain = np.array([visitors[row].features(now_ms) for row in rows.tolist()], np.float32)

    is_same = np.isclose(plain, compiled, rtol=1e-3, atol=0.02, equal_nan=True)
    assert [CATALOGUE[k].name for k in np.flatnonzero(~is_same.all(axis=0))] == []
