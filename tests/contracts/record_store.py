"""The law every record store keeps."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from footfall.base.codes import Status
from footfall.base.errors import BadInput, FootfallError
from footfall.base.ids import ANONYMOUS, USER
from footfall.events.wire import Entry, Source
from footfall.ports import PLACED, Batch, Commit, Failed, Identity, Merge, RecordStore

RECORD = np.dtype([("revenue", "f8"), ("n_events", "u4"), ("counts", "u2", (3,)), ("states", "u1")], align=True)
"""A small record, so that the suite says something about any layout."""
DESCRIPTION: list[list[object]] = [
    ["revenue", "f8", []], ["n_events", "u4", []], ["counts", "u2", [3]], ["states", "u1", []],
]  # fmt: skip
BIG_KEY = 0xFEDC_BA98_7654_3210


def record(n_events: int) -> np.ndarray:
    """One record that can be told from others."""
    made = np.zeros(1, RECORD)
    made["n_events"], made["revenue"], made["counts"] = n_events, n_events / 3, [n_events % 7, 1, 2]
    return made


def commit(next_offset: int, n_rows: int, rows: dict[int, int] | None = None, **parts: Any) -> Commit:
    """A commit whose ``rows`` say how many events each dirty row has."""
    rows = rows or {}
    empty: dict[str, Any] = {
        name: [] for name in ("identities", "names", "traits", "batches", "failed", "replayed", "merges", "ended")
    }
    return Commit(
        next_offset=next_offset,
        n_rows=n_rows,
        rows=np.array(list(rows), np.int32),
        records=np.concatenate([np.zeros(0, RECORD), *(record(n) for n in rows.values())]),
        counters=parts.pop("counters", {}),
        **(empty | parts),
    )


def batch(offset: int, received_ms: int, statuses: list[int], order_keys: list[int] | None = None) -> Batch:
    """A batch of events of row 0."""
    n = len(statuses)
    return Batch(
        offset, n, received_ms, bytes(statuses), np.arange(offset, offset + n, dtype="<u8").tobytes(),
        np.array(order_keys or [0] * n, "<u8").tobytes(), np.zeros(n, "<i4").tobytes(),
        np.array([(n - 1, BIG_KEY)], PLACED).tobytes(),
    )  # fmt: skip


def failed(offset: int, reason: str = "bad_json", site: int = 1) -> Failed:
    """A refused event."""
    return Failed(
        offset, site, 1000 + offset, reason, "at 3", Entry(site, 1000, Source.SEGMENT, 1, b"{\xff", ip="192.0.2.0")
    )


def merge(merge_id: int, winner: int, loser: int) -> Merge:
    """Two visitors that became one."""
    return Merge(merge_id, 1, 5, 1000, winner, loser, BIG_KEY, 2, 1, b"before\x00winner", b"before\xffloser")


class RecordStoreContract:
    """Subclasses give a fixture ``make`` that makes an empty store of RECORD that keeps 5 failed events."""

    @pytest.fixture
    def store(self, make: Callable[[], RecordStore]) -> RecordStore:
        return make()

    def test_a_new_store_is_empty(self, store: RecordStore) -> None:
        loaded = store.load()
        assert (loaded.next_offset, loaded.n_rows, loaded.counters) == (0, 0, {})
        assert loaded.records.dtype == RECORD
        assert len(loaded.records) == 0
        assert list(store.identities()) == []
        assert list(store.batches(0)) == []
        assert [key for keys in store.order_keys() for key in keys] == []
        assert store.traits(0) == {}
        assert store.n_failed_by_reason(1) == {}

    def test_records_come_back_as_they_were(self, store: RecordStore) -> None:
        store.commit(commit(10, 4, {2: 5, 0: 7}, counters={"applied": 9, "failed": 1}))
        loaded = store.load()
        expected = np.zeros(4, RECORD)
        expected[[2, 0]] = np.concatenate([record(5), record(7)])
        assert (loaded.records == expected).all()
        assert (loaded.next_offset, loaded.n_rows) == (10, 4)
        assert loaded.counters == {"applied": 9, "failed": 1}

    def test_later_commits_replace_dirty_rows_only(self, store: RecordStore) -> None:
        store.commit(commit(10, 3, {0: 1, 1: 1, 2: 1}))
        store.commit(commit(20, 5, {1: 2, 4: 9}))
        assert store.load().records["n_events"].tolist() == [1, 2, 1, 0, 9]

    def test_many_rows_in_any_order(self, store: RecordStore) -> None:
        rows = np.random.default_rng(3).permutation(20_000).astype(np.int32)
        records = np.zeros(20_000, RECORD)
        records["n_events"] = rows + 1
        made = commit(1, 20_000)
        made.rows, made.records = rows, records
        store.commit(made)
        assert (store.load().records["n_events"] == np.arange(1, 20_001)).all()

    def test_the_loaded_records_may_be_changed_without_changing_the_store(self, store: RecordStore) -> None:
        store.commit(commit(1, 1, {0: 1}))
        store.load().records["n_events"] = 77
        assert store.load().records["n_events"].tolist() == [1]

    def test_the_position_never_goes_back(self, store: RecordStore) -> None:
        store.commit(commit(10, 1, {0: 1}))
        store.commit(commit(10, 1, {0: 2}))
        with pytest.raises(BadInput):
            store.commit(commit(9, 1, {0: 3}))
        assert store.load().records["n_events"].tolist() == [2]

    def test_records_that_do_not_fit_are_refused(self, store: RecordStore) -> None:
        made = commit(1, 1, {0: 1})
        made.records = np.zeros(1, [("other", "f8")])
        with pytest.raises(BadInput):
            store.commit(made)
        with pytest.raises(BadInput):
            store.commit(commit(1, 1, {1: 1}))
        assert store.load().next_offset == 0

    def test_identities_are_found_by_text_prefix_and_row(self, store: RecordStore) -> None:
        ids = [
            Identity(1, ANONYMOUS, "a-1", 11, 0),
            Identity(1, USER, "anna", BIG_KEY, 0),
            Identity(1, ANONYMOUS, "anna", 13, 1, True),
            Identity(1, USER, "annabel", 14, 2),
            Identity(2, USER, "anna", 15, 3),
            Identity(1, USER, "Anna", 16, 4),
        ]
        store.commit(commit(1, 5, identities=ids))
        assert sorted(store.identities(), key=lambda i: i.key) == sorted(ids, key=lambda i: i.key)
        assert [i.key for i in store.find(1, "anna")] == [BIG_KEY, 13]
        assert store.find(1, "anna")[1].is_shared is True
        assert store.find(1, "ann") == []
        assert [i.key for i in store.search(1, "ann", 10)] == [BIG_KEY, 13, 14]
        assert [i.key for i in store.search(1, "ann", 2)] == [BIG_KEY, 13]
        assert [i.key for i in store.search(1, "", 10)] == [16, 11, BIG_KEY, 13, 14]
        assert [i.key for i in store.identities_of(0)] == [11, BIG_KEY]

    def test_an_identity_may_move_to_another_visitor(self, store: RecordStore) -> None:
        store.commit(commit(1, 2, identities=[Identity(1, USER, "anna", 11, 0)]))
        store.commit(commit(2, 2, identities=[Identity(1, USER, "anna", 11, 1, True)]))
        assert store.find(1, "anna") == [Identity(1, USER, "anna", 11, 1, True)]
        assert store.identities_of(0) == []

    @pytest.mark.parametrize(
        "text", ["ü", "'; DROP TABLE identities", "%", "_", "a\x00b", "🦊", "x" * 5000, "\U0010ffff", '"', "\\"]
    )
    def test_any_text_can_be_an_id(self, store: RecordStore, text: str) -> None:
        store.commit(commit(1, 1, identities=[Identity(1, USER, text, 11, 0), Identity(1, USER, "other", 12, 0)]))
        assert store.find(1, text) == [Identity(1, USER, text, 11, 0)]
        assert [i.text for i in store.search(1, text, 5)] == [text]

    def test_text_that_is_not_unicode_is_repaired_and_found(self, store: RecordStore) -> None:
        store.commit(commit(1, 1, identities=[Identity(1, USER, "a\ud800", 11, 0)], names=[(1, 2, "page", "\udfff")]))
        assert [i.key for i in store.find(1, "a\ud800")] == [11]
        assert list(store.names(1, [2])) == [2]

    def test_names_by_hash(self, store: RecordStore) -> None:
        store.commit(commit(1, 0, names=[(1, BIG_KEY, "product", "Shoe"), (2, BIG_KEY, "product", "Hat")]))
        store.commit(commit(2, 0, names=[(1, 5, "section", "women/shoes")]))
        assert store.names(1, [BIG_KEY, 5, 6]) == {BIG_KEY: "Shoe", 5: "women/shoes"}
        assert store.names(2, np.array([BIG_KEY], np.uint64)) == {BIG_KEY: "Hat"}  # type: ignore[arg-type]
        assert store.names(1, []) == {}
        assert store.names(1, range(2000)) == {5: "women/shoes"}

    def test_traits_are_found_by_what_they_hold(self, store: RecordStore) -> None:
        ada, bob = b'{"name":"Ada \xc3\x84ng","n":1}', b'{"email":"BOB@Shop.example"}'
        store.commit(commit(1, 3, traits=[(2, bob), (0, ada), (1, b'{"plan":"gold"}')]))
        assert list(store.traits_holding("ada")) == [(0, {"name": "Ada Äng", "n": 1})]
        assert [row for row, _ in store.traits_holding("bob@shop")] == [2]
        assert [row for row, _ in store.traits_holding("Äng")] == [0]
        assert [row for row, _ in store.traits_holding("äng")] == [], "only A to Z have no case"
        assert [row for row, _ in store.traits_holding("")] == [0, 1, 2]
        assert list(store.traits_holding("nobody")) == []
        first = iter(store.traits_holding(""))
        assert next(first)[0] == 0, "whoever has enough may stop"
        del first

    def test_traits_are_replaced_whole(self, store: RecordStore) -> None:
        store.commit(commit(1, 2, traits=[(0, b'{"plan":"gold","n":1}'), (1, b'{"a":[1,null]}')]))
        store.commit(commit(2, 2, traits=[(0, b'{"plan":"free"}')]))
        assert store.traits(0) == {"plan": "free"}
        assert store.traits(1) == {"a": [1, None]}

    def test_batches_by_receive_time(self, store: RecordStore) -> None:
        store.commit(commit(9, 1, batches=[batch(0, 1000, [0, 1, 2]), batch(3, 3000, [0]), batch(4, 2000, [0] * 5)]))
        assert [b.offset for b in store.batches(0)] == [0, 3, 4]
        assert [b.offset for b in store.batches(2000)] == [3, 4]
        assert list(store.batches(3000)) == [batch(3, 3000, [0])]
        store.trim_batches(2500)
        assert [b.offset for b in store.batches(0)] == [3]

    def test_order_keys_outlive_their_batches(self, store: RecordStore) -> None:
        applied, twice, refused = Status.APPLIED, Status.DUPLICATE, Status.FAILED
        store.commit(commit(4, 1, batches=[batch(0, 1000, [applied, twice, refused, applied], [7, 7, 8, BIG_KEY])]))
        store.commit(commit(6, 1, batches=[batch(4, 1000, [applied, applied], [0, 9])]))
        store.trim_batches(10_000)
        arrays = list(store.order_keys())
        assert all(keys.dtype == np.uint64 for keys in arrays)
        assert sorted(int(key) for keys in arrays for key in keys) == [7, 9, BIG_KEY]

    def test_ended_sessions_wait_until_they_are_dropped_and_numbers_never_come_again(self, store: RecordStore) -> None:
        store.commit(commit(1, 0, ended=[(1, b"first"), (1, b"second")]))
        store.commit(commit(2, 0, ended=[(2, b"third")]))
        assert store.ended() == [(1, 1, b"first"), (2, 1, b"second"), (3, 2, b"third")]
        store.drop_ended(2)
        assert store.ended() == [(3, 2, b"third")]
        store.drop_ended(3)
        store.commit(commit(3, 0, ended=[(3, b"fourth")]))
        assert store.ended() == [(4, 3, b"fourth")]

    def test_failed_events_are_listed_newest_first_until_tried_again(self, store: RecordStore) -> None:
        store.commit(commit(9, 0, failed=[failed(1), failed(4, "too_deep"), failed(6), failed(7, site=2)]))
        assert store.failed(1, 10) == [failed(6), failed(4, "too_deep"), failed(1)]
        assert [f.offset for f in store.failed(1, 1)] == [6]
        assert [f.offset for f in store.failed(1, 10, before_offset=6)] == [4, 1]
        assert store.n_failed_by_reason(1) == {"bad_json": 2, "too_deep": 1}
        store.commit(commit(10, 0, replayed=[6, 999]))
        assert [f.offset for f in store.failed(1, 10)] == [4, 1]
        assert [(f.offset, f.is_replayed) for f in store.failed(1, 10, open_only=False)] == [
            (6, True), (4, False), (1, False),
        ]  # fmt: skip
        assert store.n_failed_by_reason(1) == {"bad_json": 1, "too_deep": 1}
        assert [f.offset for f in store.failed_at([7, 1, 5])] == [1, 7]

    def test_only_so_many_failed_events_are_kept_and_the_oldest_go_first(self, store: RecordStore) -> None:
        for offset in range(12):
            store.commit(commit(offset, 0, failed=[failed(offset)]))
        assert [f.offset for f in store.failed(1, 100)] == [11, 10, 9, 8, 7]

    def test_merges_of_winner_and_loser(self, store: RecordStore) -> None:
        store.commit(commit(1, 9, merges=[merge(1, 0, 3), merge(2, 5, 0), merge(3, 5, 6)]))
        assert store.merges_of(0) == [merge(2, 5, 0), merge(1, 0, 3)]
        store.commit(commit(2, 9, merges=[msgspec.structs.replace(merge(2, 5, 0), is_undone=True)]))
        assert [(m.merge_id, m.is_undone) for m in store.merges_of(5)] == [(3, False), (2, True)]

    def test_reads_work_while_another_thread_commits(self, store: RecordStore) -> None:
        store.commit(commit(1, 3, identities=[Identity(1, USER, "anna", 11, 0)]))

        def write() -> None:
            for k in range(2, 102):
                store.commit(commit(k, 3, {0: k, 1: k, 2: k}, counters={"applied": k}, traits=[(0, b"{}")]))

        writer = threading.Thread(target=write)
        writer.start()
        seen = []
        while writer.is_alive():
            loaded = store.load()
            seen.append((loaded.next_offset, loaded.counters.get("applied", 1), *loaded.records["n_events"].tolist()))
            assert [i.row for i in store.find(1, "anna")] == [0]
        writer.join()
        assert all(len({*numbers}) == 1 for numbers in seen if numbers[0] > 1)
        assert seen == sorted(seen)

    def test_a_closed_store_refuses_everything(self, store: RecordStore) -> None:
        store.close()
        with pytest.raises(FootfallError):
            store.commit(commit(1, 1, {0: 1}))
        with pytest.raises(FootfallError):
            store.load()
        with pytest.raises(FootfallError):
            store.find(1, "anna")
