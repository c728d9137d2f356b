"""Everything that is known comes out as Parquet, and events go back in."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from footfall.base.errors import BadInput
from footfall.hosts.export import export
from footfall.hosts.importing import take_in
from footfall.hosts.init import init
from footfall.settings import Settings

SETTINGS = Settings(reserve_visitors=1024)
EVENTS = """\
{"type":"page","messageId":"m1","anonymousId":"a1","timestamp":"2024-05-01T10:00:00Z","context":{"ip":"203.0.113.0"}}
{"type":"identify","messageId":"m2","anonymousId":"a1","userId":"u1","timestamp":"2024-05-01T10:01:00Z","traits":{"plan":"pro"}}
{"type":"track","event":"purchase","messageId":"m3","userId":"u1","timestamp":"2024-05-03T10:00:00Z","properties":{"revenue":9.5}}
{"type":"page","messageId":"m4","anonymousId":"a2","timestamp":"2024-05-03T11:00:00Z"}
"""


def test_events_sessions_and_visitors_come_out_and_events_go_back_in(tmp_path: Path) -> None:
    data, out, file = tmp_path / "data", tmp_path / "out", tmp_path / "e.ndjson"
    init(data, "shop", SETTINGS)
    file.write_text(EVENTS)
    first = take_in(data, SETTINGS, [file], "segment", None, "")
    assert export(data, SETTINGS, out) == {"events": 4, "visitors": 2, "sessions": 3}
    visitors = {
        tuple(row["anonymous_ids"] + row["user_ids"]): row
        for row in pq.read_table(out / "visitors.parquet").to_pylist()
    }
    assert set(visitors) == {("a1", "u1"), ("a2",)}
    paying = visitors[("a1", "u1")]
    assert paying["traits"] == '{"plan":"pro"}'
    assert paying["first_seen_ms"] == 1714557600000
    assert len(paying["visitor_id"]) == 32
    assert (out / "visitors.parquet").stat().st_size > 0
    assert sorted(path.name for path in (out / "events" / "site=1").iterdir()) == [
        "2024-05-01.parquet",
        "2024-05-03.parquet",
    ]

    other = tmp_path / "other"
    init(other, "shop", SETTINGS)
    files = sorted((out / "events").rglob("*.parquet"))
    second = take_in(other, SETTINGS, files, "segment", None, "")
    assert (
        (second.applied, second.visitors, second.orders) == (first.applied, first.visitors, first.orders) == (4, 2, 1)
    )


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    init(tmp_path / "data", "shop", SETTINGS)
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(BadInput, match="isn't an empty folder"):
        export(tmp_path / "data", SETTINGS, tmp_path)
    (tmp_path / "empty").mkdir()
    assert export(tmp_path / "data", SETTINGS, tmp_path / "empty") == {"events": 0, "visitors": 0, "sessions": 0}
    assert (tmp_path / "empty" / "visitors.parquet").exists()
