"""Files of history end up in profiles, once."""

from pathlib import Path

import msgspec
import pytest

from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.hosts.failed import listed, replay, shown
from footfall.hosts.importing import Imported, take_in
from footfall.hosts.init import init
from footfall.hosts.running import DataFolder
from footfall.settings import Settings

SETTINGS = Settings(reserve_visitors=1024)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    init(folder, "shop", SETTINGS)
    return folder


def figures(result: Imported) -> tuple[int, int, int, int, int, int]:
    return result.events, result.applied, result.duplicate, result.failed, result.visitors, result.orders


def test_a_table_in_any_order_becomes_profiles_by_time(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("1,2,3,buy,1511600000\n1,2,3,pv,1511500000\n2,2,3,pv,1511550000\n1,2,3,pv,1511500000\n")
    result = take_in(data, SETTINGS, [file], "taobao", None, "")
    assert figures(result) == (4, 3, 1, 0, 2, 1)
    assert not (data / "scratch").exists()
    folder = DataFolder(data, SETTINGS)
    try:
        assert folder.definitions.imports(1)[0].result == {"events": 4}
        assert folder.engine.records["session_number"][:2].tolist() == [2, 1]
    finally:
        folder.close()


def test_the_same_content_again_only_counts_duplicates(data: Path, tmp_path: Path) -> None:
    file, copy, more = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.csv"
    file.write_text("1,2,3,buy,1511600000\n1,2,3,pv,1511500000\n")
    copy.write_bytes(file.read_bytes())
    more.write_text("1,2,3,pv,1511500000\n3,2,3,pv,1511500000\n")
    assert figures(take_in(data, SETTINGS, [file], "taobao", None, "")) == (2, 2, 0, 0, 1, 1)
    assert figures(take_in(data, SETTINGS, [copy], "taobao", None, "shop")) == (2, 0, 2, 0, 1, 1)
    assert figures(take_in(data, SETTINGS, [copy, more], "taobao", None, "")) == (4, 1, 3, 0, 2, 1)


def test_what_cannot_be_imported_leaves_no_trace(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n")
    with pytest.raises(BadInput, match="doesn't look like taobao"):
        take_in(data, SETTINGS, [file], "taobao", None, "")
    with pytest.raises(Missing, match="There is no site other"):
        take_in(data, SETTINGS, [file], "taobao", None, "other")
    assert not (data / "scratch").exists()
    file.write_text("1,2,3,pv,1511500000\n")
    assert figures(take_in(data, SETTINGS, [file], "taobao", None, "")) == (1, 1, 0, 0, 1, 0)


def test_refused_events_are_listed_shown_and_tried_again(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "e.ndjson"
    file.write_text(
        '{"type":"track","event":"Order Completed","messageId":"m","userId":"u","timestamp":"2024-05-01T10:00:00Z",'
        '"properties":{"order_id":"o","revenue":10,"currency":"EUR"}}\nnot json\n'
    )
    assert figures(take_in(data, SETTINGS, [file], "segment", None, "")) == (2, 0, 0, 2, 0, 0)
    found = listed(data, SETTINGS, "", "", 10)
    assert [(row.reason, row.detail[:19]) for row in found.failed] == [
        ("unreadable_row", "the line isn't JSON"),
        ("no_rate", "EUR"),
    ]
    assert found.n_by_reason == {"no_rate": 1, "unreadable_row": 1}
    assert [row.reason for row in listed(data, SETTINGS, "", "no_rate", 10).failed] == ["no_rate"]
    whole = shown(data, SETTINGS, found.failed[0].offset)
    assert whole["event"]["properties"]["row"] == "not json"

    assert replay(data, SETTINGS, "", None, "").failed == 2
    mended = msgspec.structs.replace(SETTINGS, currencies={"EUR": 1.1})
    again = replay(data, mended, "", None, "no_rate")
    assert (again.replayed, again.applied, again.failed) == (1, 1, 0)
    assert listed(data, SETTINGS, "", "", 10).n_by_reason == {"unreadable_row": 1}
    with pytest.raises(Missing, match="Nothing refused waits"):
        replay(data, SETTINGS, "", [999], "")
    with pytest.raises(Missing, match="No refused event stands at offset 999"):
        shown(data, SETTINGS, 999)


def test_a_second_try_is_left_to_the_server_while_it_runs(data: Path) -> None:
    folder = DataFolder(data, SETTINGS)
    try:
        with pytest.raises(Unavailable, match="POST /api/failed/replay"):
            replay(data, SETTINGS, "", None, "")
    finally:
        folder.close()
