"""The law every lake keeps."""

import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from footfall.base.errors import BadInput, FootfallError
from footfall.history import DECISIONS, EVENTS, SESSIONS
from footfall.ports import Lake

DAY_MS = 86_400_000
MAY_1_MS = 1_777_593_600_000
"""2026-05-01T00:00:00Z"""


def _table(schema: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    zero = {field.name: {pa.string(): "", pa.binary(): b""}.get(field.type, 0) for field in schema}
    return pa.Table.from_pylist([zero | row for row in rows], schema)


def events(*rows: dict[str, Any]) -> pa.Table:
    """Rows of ``events``; columns not given are zero or empty."""
    return _table(EVENTS, [{"site": 1, "time_ms": MAY_1_MS} | row for row in rows])


def sessions(*rows: dict[str, Any]) -> pa.Table:
    """Rows of ``sessions``."""
    return _table(SESSIONS, [{"site": 1, "start_ms": MAY_1_MS, "end_ms": MAY_1_MS + 1000} | row for row in rows])


def decisions(*rows: dict[str, Any]) -> pa.Table:
    """Rows of ``decisions``."""
    return _table(DECISIONS, [{"site": 1, "time_ms": MAY_1_MS} | row for row in rows])


def offsets(first: int, stop: int, site: int = 1, day: int = 0) -> pa.Table:
    """One event for each offset, at one site and on one day of May 2026."""
    return events(
        *({"offset": k, "site": site, "row": k % 3, "time_ms": MAY_1_MS + day * DAY_MS + k} for k in range(first, stop))
    )


def all_offsets(lake: Lake) -> list[int]:
    """Offsets of all events, in order."""
    found: list[int] = lake.query('SELECT "offset" FROM events ORDER BY 1')["offset"].to_pylist()
    return found


class LakeContract:
    """Subclasses give a fixture ``make`` that returns a function making an empty lake."""

    @pytest.fixture
    def lake(self, make: Callable[[], Lake]) -> Lake:
        return make()

    def test_an_empty_lake_has_typed_empty_tables(self, lake: Lake) -> None:
        assert lake.position() == 0
        for table, schema in (("events", EVENTS), ("sessions", SESSIONS), ("decisions", DECISIONS)):
            found = lake.query(f"SELECT * FROM {table}")
            assert len(found) == 0
            assert found.schema.names == [*schema.names, "date"]
            assert [found.schema.field(f.name).type for f in schema] == [f.type for f in schema]
            assert found.schema.field("date").type == pa.date32()

    def test_rows_come_back_as_they_were_written(self, lake: Lake) -> None:
        row = {
            "offset": 3, "site": 65535, "row": 2**31 - 1, "time_ms": MAY_1_MS + 1, "received_ms": MAY_1_MS + 2,
            "kind": 255, "flags": 65535, "name": "Prodüct Viewed", "url": "https://shop.example/'a'", "section": None,
            "product_id": "\0", "category": "🦊", "price": 9.5, "quantity": float("inf"), "revenue": -1e300,
            "order_id": "", "channel": 3, "device": 2, "os": 1, "browser": 4, "country": "DE", "region": "BE",
            "city": "Berlin", "anonymous_id": "a", "user_id": "u", "payload": '{"a":1}', "entry": "{}",
        }  # fmt: skip
        lake.write("events", 0, 4, events(row))
        found = lake.query("SELECT * FROM events").to_pylist()
        assert [{k: v for k, v in r.items() if k != "date"} for r in found] == [row]
        assert str(found[0]["date"]) == "2026-05-01"

    def test_the_position_follows_the_events(self, lake: Lake) -> None:
        lake.write("events", 0, 5, offsets(0, 5))
        lake.write("sessions", 1, 9, sessions({"row": 1}))
        assert lake.position() == 5
        lake.write("events", 5, 8, events())
        assert lake.position() == 8
        lake.write("events", 8, 9, offsets(8, 9))
        assert lake.position() == 9
        assert all_offsets(lake) == [0, 1, 2, 3, 4, 8]

    def test_writing_a_range_twice_is_the_same_as_once(self, lake: Lake) -> None:
        for _ in range(2):
            lake.write("events", 0, 5, offsets(0, 5))
            lake.write("sessions", 1, 3, sessions({"row": 1, "number": 1}, {"row": 2, "number": 1}))
        assert all_offsets(lake) == [0, 1, 2, 3, 4]
        assert lake.query("SELECT count(*) AS n FROM sessions")["n"].to_pylist() == [2]

    def test_a_range_that_starts_before_the_position_is_cut(self, lake: Lake) -> None:
        lake.write("events", 0, 5, offsets(0, 5))
        lake.write("events", 3, 8, offsets(3, 8))
        assert all_offsets(lake) == [0, 1, 2, 3, 4, 5, 6, 7]
        assert lake.position() == 8

    def test_a_gap_is_refused(self, lake: Lake) -> None:
        lake.write("events", 0, 5, offsets(0, 5))
        with pytest.raises(BadInput):
            lake.write("events", 6, 8, offsets(6, 8))
        assert lake.position() == 5

    def test_rows_that_do_not_fit_are_refused(self, lake: Lake) -> None:
        with pytest.raises(BadInput):
            lake.write("events", 0, 1, pa.table({"offset": [0]}))
        with pytest.raises(BadInput):
            lake.write("visitors", 0, 1, events())
        assert lake.position() == 0

    def test_of_a_session_written_again_the_last_counts(self, lake: Lake) -> None:
        lake.write(
            "sessions", 1, 3, sessions({"row": 1, "number": 4, "n_events": 2}, {"row": 2, "number": 4, "n_events": 1})
        )
        longer = {"row": 1, "number": 4, "n_events": 3, "end_ms": MAY_1_MS + 9000, "offset": 7}
        lake.write("sessions", 3, 4, sessions(longer))
        found = lake.query("SELECT row, n_events FROM sessions ORDER BY row").to_pylist()
        assert found == [{"row": 1, "n_events": 3}, {"row": 2, "n_events": 1}]

    def test_a_range_of_sessions_written_again_with_more_is_counted_once(self, lake: Lake) -> None:
        lake.write("sessions", 1, 2, sessions({"row": 1}))
        lake.write("sessions", 1, 3, sessions({"row": 1}, {"row": 2}))
        assert lake.query("SELECT row FROM sessions ORDER BY row")["row"].to_pylist() == [1, 2]

    def test_queries_take_parameters(self, lake: Lake) -> None:
        lake.write("events", 0, 6, offsets(0, 6))
        found = lake.query('SELECT "offset" FROM events WHERE site = ? AND row = ? ORDER BY 1', [1, 2])
        assert found["offset"].to_pylist() == [2, 5]

    @pytest.mark.parametrize(
        "sql",
        [
            "SELEKT 1",
            "SELECT nothing FROM events",
            "SELECT 1; SELECT 2",
            "",
            "DROP VIEW events",
            "CREATE TABLE t(a INTEGER)",
            "COPY (SELECT 1) TO 'stolen.csv'",
            "SET threads = 1",
            "INSTALL httpfs",
            "ATTACH 'other.db'",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM read_text('https://example.com/')",
        ],
    )
    def test_nothing_but_looking_at_the_lake_is_allowed(self, lake: Lake, sql: str) -> None:
        with pytest.raises(FootfallError):
            lake.query(sql)
        assert all_offsets(lake) == []

    def test_compaction_changes_no_answer(self, lake: Lake) -> None:
        for k in range(0, 30, 3):
            lake.write("events", k, k + 3, offsets(k, k + 3, day=k % 2))
            lake.write("sessions", k + 1, k + 4, sessions({"row": k, "number": 1}))
        lake.compact("2026-05-02")
        lake.compact("2026-05-03")
        assert lake.compact("2026-05-03") == 0
        assert all_offsets(lake) == list(range(30))
        assert lake.query("SELECT count(*) AS n FROM sessions")["n"].to_pylist() == [10]
        assert lake.position() == 30
        lake.write("events", 0, 30, offsets(0, 30))
        assert all_offsets(lake) == list(range(30))

    def test_whole_days_are_forgotten_and_the_position_stays(self, lake: Lake) -> None:
        for day in range(3):
            lake.write("events", day, day + 1, offsets(day, day + 1, day=day))
        lake.write("sessions", 1, 2, sessions({"row": 1}))
        assert lake.retain("2026-05-01") == 0
        assert lake.retain("2026-05-02") == 2
        assert all_offsets(lake) == [1, 2]
        assert len(lake.query("SELECT * FROM sessions")) == 0
        assert lake.position() == 3

    def test_decisions_keep_their_bytes_and_what_is_null(self, lake: Lake) -> None:
        features = bytes(range(256)) * 4
        lake.write("decisions", 3, 9, decisions({"offset": 3, "features": features, "challenger_version": None}))
        [row] = lake.query("SELECT * FROM decisions").to_pylist()
        assert (row["offset"], row["features"], row["challenger_version"]) == (3, features, None)
        assert lake.position() == 0

    def test_a_longer_range_of_decisions_replaces_what_lies_within(self, lake: Lake) -> None:
        lake.write("decisions", 3, 5, decisions({"offset": 3}, {"offset": 4}))
        lake.write("decisions", 3, 5, decisions({"offset": 3}, {"offset": 4}))
        lake.write("decisions", 3, 8, decisions({"offset": 3}, {"offset": 4}, {"offset": 7}))
        lake.write("decisions", 8, 9, decisions({"offset": 8}))
        lake.compact("2026-05-03")
        found = lake.query('SELECT "offset" FROM decisions ORDER BY 1')["offset"].to_pylist()
        assert found == [3, 4, 7, 8]

    def test_one_table_can_be_forgotten_alone(self, lake: Lake) -> None:
        lake.write("events", 0, 2, offsets(0, 2))
        lake.write("decisions", 0, 2, decisions({"offset": 0}, {"offset": 1, "time_ms": MAY_1_MS + DAY_MS}))
        assert lake.retain("2026-05-02", "decisions") == 1
        assert all_offsets(lake) == [0, 1]
        assert lake.query('SELECT "offset" FROM decisions')["offset"].to_pylist() == [1]

    def test_queries_run_beside_writing_and_compaction(self, lake: Lake) -> None:
        errors: list[BaseException] = []
        is_done = threading.Event()

        def ask() -> None:
            try:
                while not is_done.is_set():
                    before = lake.position()
                    found = all_offsets(lake)
                    assert found == list(range(len(found)))
                    assert len(found) >= before
            except BaseException as error:
                errors.append(error)

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        for k in range(0, 60, 2):
            lake.write("events", k, k + 2, offsets(k, k + 2))
            if k % 10 == 8:
                lake.compact("2026-06-01")
        is_done.set()
        for asker in askers:
            asker.join()
        assert not errors

    def test_a_closed_lake_refuses_everything(self, lake: Lake) -> None:
        lake.close()
        with pytest.raises(FootfallError):
            lake.write("events", 0, 1, offsets(0, 1))
        with pytest.raises(FootfallError):
            lake.query("SELECT 1")
