"""Segment events are passed on; only what an import can't leave is changed."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.base.errors import BadInput
from footfall.events.formats.chunk import Chunk
from footfall.events.formats.read import read
from footfall.events.lenient import parsed
from footfall.events.wire import Entry

PLAIN = (
    b'{"type":"track","event":"Product Viewed","messageId":"m1","userId":"u","timestamp":"2024-05-01T10:00:00.250Z"}'
)


def chunk_of(tmp_path: Path, *lines: bytes) -> Chunk:
    file = tmp_path / "e.ndjson"
    file.write_bytes(b"\n".join(lines))
    [chunk] = read([file], None)
    return chunk


def test_an_event_with_time_and_id_is_passed_on_byte_for_byte(tmp_path: Path) -> None:
    chunk = chunk_of(tmp_path, PLAIN, b"", b"  ", PLAIN)
    assert chunk.lines == [PLAIN, PLAIN]
    assert chunk.times_ms.tolist() == [1714557600250] * 2


def test_an_archive_line_keeps_its_corrected_time_and_loses_sent_at(tmp_path: Path) -> None:
    line = {
        "type": "page",
        "messageId": "m",
        "timestamp": "2024-05-01T10:00:00Z",
        "originalTimestamp": "2024-05-01T12:00:00Z",
        "sentAt": "2024-05-01T12:00:01Z",
        "receivedAt": "2024-05-01T10:00:01Z",
    }
    [event] = map(json.loads, chunk_of(tmp_path, json.dumps(line).encode()).lines)
    del line["sentAt"]
    assert event == line


def test_what_is_missing_is_filled_in(tmp_path: Path) -> None:
    chunk = chunk_of(
        tmp_path,
        b'{"type":"track","event":"a","originalTimestamp":"2024-05-01T10:00:00Z"}',
        b'{"type":"track","event":"b","timestamp":1714557600}',
        b'{"type":"track","event":"c","messageId":null,"timestamp":"2024-05-01T10:00:00"}',
    )
    events = [json.loads(line) for line in chunk.lines]
    assert [event["timestamp"] for event in events] == [
        "2024-05-01T10:00:00Z",
        "2024-05-01T10:00:00.000Z",
        "2024-05-01T10:00:00",
    ]
    assert chunk.times_ms.tolist() == [1714557600000] * 3
    assert len({event["messageId"] for event in events}) == 3
    assert all(len(event["messageId"]) == 32 for event in events)


def test_the_events_of_a_batch_are_taken_out_of_it(tmp_path: Path) -> None:
    batch = b'{"batch":[' + PLAIN + b',{"type":"track","event":"x","timestamp":"2024-05-01T10:00:01Z"}],"writeKey":"w"}'
    events = [json.loads(line) for line in chunk_of(tmp_path, batch).lines]
    assert [event["event"] for event in events] == ["Product Viewed", "x"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"type":"track",', "the line isn't JSON"),
        (b"\xff\xfe", "the line isn't JSON"),
        (b"[" * 5_000, "the line isn't JSON"),
        (b"7", "an event must be a JSON object"),
        (b'{"type":"track","event":"a"}', "the event has no usable time"),
        (PLAIN.replace(b"2024-05", b"soon"), "the event has no usable time"),
        (b'{"type":"track","timestamp":true}', "the event has no usable time"),
        (b'{"type":"track","timestamp":1e300}', "the event has no usable time"),
        (b'{"type":"track","timestamp":["2024-05-01"]}', "the event has no usable time"),
        (PLAIN[:-1] + b',"x":"' + b"y" * 40_000 + b'"}', "the event is longer than"),
    ],
)
def test_a_line_that_is_no_event_becomes_one_that_says_why(tmp_path: Path, line: bytes, why: str) -> None:
    chunk = chunk_of(tmp_path, PLAIN, line, PLAIN)
    assert chunk.lines[0] == chunk.lines[2] == PLAIN
    event = json.loads(chunk.lines[1])
    assert (event["type"], event["refused"]) == (None, "unreadable_row")
    assert event["detail"].startswith(why)


@pytest.mark.parametrize(
    ("odd", "read_as"),
    [(b"NaN", None), (b"1e999", None), (b'"cut \\ud83d"', "cut \ufffd"), (b"9" * 30, int("9" * 30))],
)
def test_values_that_json_does_not_have_are_read_as_they_are_live(tmp_path: Path, odd: bytes, read_as: object) -> None:
    line = PLAIN[:-1] + b',"context":{"x":' + odd + b"}}"
    [mended] = chunk_of(tmp_path, line).lines
    assert parsed(mended)["context"]["x"] == read_as
    rows = {
        "offset": [0],
        "time_ms": [1],
        "payload": [line.decode()],
        "entry": [msgspec.json.encode(Entry(1, 1, 0, 1, b"")).decode()],
    }
    pq.write_table(pa.table(rows), tmp_path / "events.parquet")
    [chunk] = read([tmp_path / "events.parquet"], None)
    [again] = chunk.lines
    assert parsed(again)["context"]["x"] == read_as


def test_a_file_without_json_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "2019-Oct.csv"
    file.write_text("event_time,event_type\n" + "2019-10-01 00:00:00 UTC,view\n" * 30)
    with pytest.raises(BadInput, match=r"doesn't look like segment.*'event_time,event_type' ….*Check --format"):
        list(read([file], None))
    file.write_text("")
    assert list(read([file], None)) == []


def test_exported_events_come_back_with_what_their_envelope_knew(tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    payload: dict[str, Any] = {"type": "track", "event": "a", "messageId": "m", "sentAt": "2024-01-01T00:00:00Z"}
    entry = Entry(1, 1714557600300, 0, 1, b"", user_agent="Mozilla/5.0", ip="192.0.2.0", country="DE", city="Berlin")
    rows = {
        "offset": [7],
        "time_ms": [1714557600250],
        "payload": [json.dumps(payload)],
        "entry": [msgspec.json.encode(entry).decode()],
    }
    pq.write_table(pa.table(rows), file)
    [chunk] = read([file], None)
    assert json.loads(chunk.lines[0]) == {
        "type": "track",
        "event": "a",
        "messageId": "m",
        "timestamp": "2024-05-01T10:00:00.250Z",
        "context": {
            "userAgent": "Mozilla/5.0",
            "ip": "192.0.2.0",
            "location": {"country": "DE", "city": "Berlin"},
        },
    }


def test_exported_events_without_an_id_stay_as_many_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    entry = msgspec.json.encode(Entry(1, 1714557600300, 0, 2, b"")).decode()
    columns = {"offset": [7, 8], "time_ms": [1714557600250] * 2, "payload": ['{"event":"a"}'] * 2, "entry": [entry] * 2}
    pq.write_table(pa.table(columns), file)
    [chunk] = read([file], None)
    assert len({json.loads(line)["messageId"] for line in chunk.lines}) == 2
    [again] = read([file], None)
    assert again.lines == chunk.lines


def test_another_parquet_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(BadInput, match="has no column offset, time_ms, payload, entry"):
        list(read([file], None))
