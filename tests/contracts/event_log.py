"""The law every event log keeps."""

import threading
from collections.abc import Callable

import pytest

from footfall.base.errors import BadInput, FootfallError, Missing
from footfall.events.wire import Entry, Source
from footfall.ports import EventLog

NOW_MS = 1_760_000_000_000


def entry(n: int = 1, text: str = "{}", site: int = 1) -> Entry:
    """An entry of ``n`` events whose bodies say ``text``."""
    return Entry(site, NOW_MS, Source.SEGMENT, n, b"\n".join([text.encode()] * n))


def control(facts: int) -> Entry:
    """An entry that Footfall writes itself."""
    return Entry(1, NOW_MS, Source.ENGINE, 1, b"", facts=facts)


def read_all(log: EventLog, offset: int = 0, max_events: int = 1000) -> list[tuple[int, Entry]]:
    """Read on, as the engine does, until there is nothing more."""
    found = []
    while some := log.read(offset, max_events):
        found += some
        offset = some[-1][0] + some[-1][1].n
    return found


class EventLogContract:
    """Subclasses give a fixture ``make`` that returns a function making an empty log."""

    @pytest.fixture
    def log(self, make: Callable[[], EventLog]) -> EventLog:
        return make()

    def test_a_new_log_is_empty(self, log: EventLog) -> None:
        assert log.next_offset() == 0
        assert log.read(0, 10) == []

    def test_offsets_count_events_not_entries(self, log: EventLog) -> None:
        assert log.append([entry(3), entry(2)]) == 0
        assert log.append([entry(1)]) == 5
        assert log.next_offset() == 6
        assert [(offset, e.n) for offset, e in log.read(0, 100)] == [(0, 3), (3, 2), (5, 1)]

    def test_entries_come_back_whole(self, log: EventLog) -> None:
        rich = Entry(
            site=65535, received_ms=NOW_MS, source=Source.SNOWPLOW, n=1, body='{"a":"ü\\u0000"}'.encode(),
            sent_at="2026-01-01T00:00:00Z", ip="192.0.2.0", user_agent="Mozilla/5.0", country="DE", region="BE",
            city="Berlin", reject="bad_json", replay_of=7, facts=0,
        )  # fmt: skip
        log.append([rich])
        assert log.read(0, 1) == [(0, rich)]

    def test_reading_stops_before_the_limit_is_passed(self, log: EventLog) -> None:
        log.append([entry(3), entry(2), entry(4)])
        assert [o for o, _ in log.read(0, 5)] == [0, 3]
        assert [o for o, _ in log.read(0, 8)] == [0, 3]
        assert [o for o, _ in log.read(0, 9)] == [0, 3, 5]
        assert [o for o, _ in log.read(3, 2)] == [3]

    def test_at_least_one_entry_is_read_even_if_it_is_larger_than_the_limit(self, log: EventLog) -> None:
        log.append([entry(3), entry(50)])
        assert [o for o, _ in log.read(0, 1)] == [0]
        assert [o for o, _ in log.read(3, 1)] == [3]

    @pytest.mark.parametrize("max_events", [1, 2, 3, 7, 1000])
    def test_reading_on_meets_every_entry_once_and_in_order(self, log: EventLog, max_events: int) -> None:
        written: list[Entry] = []
        for k in range(40):
            group = [entry(1 + (k + i) % 4, f'{{"k":{k},"i":{i}}}') for i in range(1 + k % 3)]
            log.append(group)
            written += group
        assert [e for _, e in read_all(log, 0, max_events)] == written

    @pytest.mark.parametrize("max_events", [1, 2, 1000])
    def test_control_entries_keep_their_place_and_are_met_once(self, log: EventLog, max_events: int) -> None:
        log.append([control(1), entry(2)])
        log.append([control(2)])
        log.append([entry(1), control(3)])
        assert [(o, e.facts) for o, e in read_all(log, 0, max_events)] == [(0, 1), (1, 0), (3, 2), (4, 0), (5, 3)]

    def test_an_entry_without_events_is_refused(self, log: EventLog) -> None:
        with pytest.raises(BadInput):
            log.append([entry(1), Entry(1, NOW_MS, Source.SEGMENT, 0, b"")])
        with pytest.raises(BadInput):
            log.append([])
        assert log.next_offset() == 0

    def test_reading_inside_an_entry_is_refused(self, log: EventLog) -> None:
        log.append([entry(3), entry(1)])
        with pytest.raises(BadInput):
            log.read(1, 10)

    def test_reading_past_the_end_is_an_error_because_somebody_lost_events(self, log: EventLog) -> None:
        log.append([entry(3)])
        with pytest.raises(Missing):
            log.read(4, 10)

    def test_trim_keeps_everything_from_its_offset_on(self, log: EventLog) -> None:
        for _ in range(20):
            log.append([entry(2), entry(1)])
        log.trim(31)
        assert [o for o, _ in read_all(log, 30)][:3] == [30, 32, 33]
        assert log.next_offset() == 60
        with pytest.raises(Missing):
            log.read(0, 10)

    def test_trimming_all_keeps_the_count(self, log: EventLog) -> None:
        for _ in range(5):
            log.append([entry(2)])
        log.trim(10)
        log.trim(10)
        assert log.next_offset() == 10
        assert log.append([entry(1)]) == 10
        assert [o for o, _ in log.read(10, 5)] == [10]

    def test_reopening_keeps_everything(self, log: EventLog) -> None:
        log.append([entry(2), entry(1)])
        log.reopen()
        assert log.next_offset() == 3
        assert log.append([entry(4)]) == 3
        assert [o for o, _ in read_all(log)] == [0, 2, 3]

    def test_a_reader_sees_each_append_once_while_another_thread_writes(self, log: EventLog) -> None:
        def write() -> None:
            for k in range(200):
                log.append([entry(1 + k % 3, str(k)), entry(1, str(k))])

        writer = threading.Thread(target=write)
        writer.start()
        seen: list[tuple[int, Entry]] = []
        offset = 0
        while writer.is_alive() or offset < log.next_offset():
            for at, e in log.read(offset, 10):
                assert at == offset
                seen.append((at, e))
                offset += e.n
        writer.join()
        assert [e.body.split(b"\n")[0] for _, e in seen] == [str(k // 2).encode() for k in range(400)]

    def test_a_closed_log_refuses_everything(self, log: EventLog) -> None:
        log.append([entry(1)])
        log.close()
        with pytest.raises(FootfallError):
            log.append([entry(1)])
        with pytest.raises(FootfallError):
            log.read(0, 1)
        with pytest.raises(FootfallError):
            log.reopen()
