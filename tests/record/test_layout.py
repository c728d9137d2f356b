"""The record's layout is documented, aligned, small, and older ones can be read."""

import hashlib
import json

import numpy as np
import pytest

from footfall.record.layout import (
    EVENT,
    FIELDS,
    ITEM,
    LAYOUT,
    MERGE,
    RECORD,
    SESSION,
    describe,
    dtype_of,
    migrate,
)

MOST_BYTES = 1408


def filled(dtype: np.dtype, n: int = 3) -> np.ndarray:
    """Records in which every value differs from its neighbours."""
    out = np.zeros(n, dtype)
    for k, name in enumerate(dtype.names or ()):
        values = np.arange(out[name].size).reshape(out[name].shape)
        out[name] = (values * 7 + k + 1) % 251
    return out


def test_a_record_is_small_enough_for_millions() -> None:
    assert RECORD.itemsize <= MOST_BYTES


@pytest.mark.parametrize(
    "dtype", [RECORD, EVENT, ITEM, SESSION, MERGE], ids=["record", "event", "item", "session", "merge"]
)
def test_every_field_lies_where_the_processor_likes_it(dtype: np.dtype) -> None:
    assert dtype.isalignedstruct
    for name in dtype.names or ():
        field, offset = (dtype.fields or {})[name][:2]
        assert offset % field.base.alignment == 0, name


@pytest.mark.parametrize("dtype", [RECORD, SESSION], ids=["record", "session"])
def test_no_byte_that_is_stored_is_undefined(dtype: np.dtype) -> None:
    assert dtype.itemsize == sum(dtype[name].itemsize for name in dtype.names or ())


def test_every_field_is_documented_once() -> None:
    assert [f.name for f in FIELDS] == list(RECORD.names or ())
    assert len({f.name for f in FIELDS}) == len(FIELDS)
    for f in FIELDS:
        assert f.unit, f.name
        assert f.about.endswith("."), f.name


def test_a_description_survives_being_stored() -> None:
    stored = json.dumps(describe())
    assert dtype_of(json.loads(stored)) == RECORD


def test_records_of_the_same_layout_come_through_unchanged() -> None:
    old = filled(dtype_of(json.loads(json.dumps(describe()))))
    assert np.array_equal(migrate(old), old)


def without(*names: str) -> list[list[object]]:
    return [row for row in describe() if row[0] not in names]


def test_a_field_that_is_new_is_zero_in_older_records() -> None:
    old = filled(dtype_of(without("revenue", "section_keys")))
    new = migrate(old)
    assert not new["revenue"].any()
    assert not new["section_keys"].any()
    assert np.array_equal(new["counts"], old["counts"])


def test_a_field_that_was_dropped_is_left_out() -> None:
    old = filled(dtype_of([["mood", "u4", [3]], *describe(), ["taste", "f8", []]]))
    new = migrate(old)
    assert new.dtype == RECORD
    for name in RECORD.names or ():
        assert np.array_equal(new[name], old[name]), name


def test_fields_may_have_stood_in_another_order() -> None:
    old = filled(dtype_of(describe()[::-1]))
    new = migrate(old)
    for name in RECORD.names or ():
        assert np.array_equal(new[name], old[name]), name


def resized(lengths: dict[str, list[int]]) -> list[list[object]]:
    return [[name, dtype, lengths.get(str(name), shape)] for name, dtype, shape in describe()]


def test_arrays_that_got_longer_keep_the_old_values_in_front() -> None:
    old = filled(dtype_of(resized({"counts": [20], "decayed": [7, 3]})))
    new = migrate(old)
    assert np.array_equal(new["counts"][:, :20], old["counts"])
    assert not new["counts"][:, 20:].any()
    assert np.array_equal(new["decayed"][:, :7, :3], old["decayed"])
    assert not new["decayed"][:, 7:].any()
    assert not new["decayed"][:, :, 3:].any()


def test_arrays_that_got_shorter_keep_what_still_fits() -> None:
    old = filled(dtype_of(resized({"recent_products": [16]})))
    assert np.array_equal(migrate(old)["recent_products"], old["recent_products"][:, :8])


def test_a_number_that_got_wider_keeps_its_value() -> None:
    old = filled(dtype_of([[n, {"counts": "u2", "dwell_s": "f8"}.get(str(n), d), s] for n, d, s in describe()]))
    new = migrate(old)
    assert np.array_equal(new["counts"], old["counts"])
    assert np.array_equal(new["dwell_s"], old["dwell_s"])


def test_no_records_are_no_trouble() -> None:
    assert migrate(np.zeros(0, dtype_of(without("revenue")))).shape == (0,)


def layout_1() -> list[list[object]]:
    """Two kinds fewer, no engaged time."""
    lengths = {"counts": [28], "session_counts": [28], "spare": [5]}
    return [row for row in resized(lengths) if row[0] not in ("engaged_s", "session_engaged_s")]


def test_records_of_layout_1_have_no_hovers_and_no_engaged_time_yet() -> None:
    assert hashlib.sha256(json.dumps(layout_1()).encode()).hexdigest()[:16] == LAYOUTS[1]
    old = filled(dtype_of(layout_1()))
    new = migrate(old)
    for name in set(old.dtype.names or ()) - {"counts", "session_counts", "spare"}:
        assert np.array_equal(new[name], old[name]), name
    for name in ("counts", "session_counts"):
        assert np.array_equal(new[name][:, :28], old[name])
        assert not new[name][:, 28:].any()
    assert not new["engaged_s"].any()
    assert not new["session_engaged_s"].any()


LAYOUTS = {1: "630036c1b6b7b75f", 2: "289e371d584cdbf4"}
"""Digest of each layout's description. A layout that was released is never changed: it gets a successor."""


def test_a_layout_that_changes_gets_a_number_of_its_own() -> None:
    """If this fails: raise LAYOUT, add what ``migrate`` needs and a test of it, and add the digest here."""
    digest = hashlib.sha256(json.dumps(describe()).encode()).hexdigest()[:16]
    assert LAYOUTS[LAYOUT] == digest
