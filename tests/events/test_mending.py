"""One event that breaks the reader costs that event alone."""

from collections.abc import Sequence
from typing import Any

import pytest

from footfall.events.columns import Columns, Reader
from footfall.events.facts import Facts, no_facts
from footfall.events.geo import Geo
from footfall.events.mending import read_all
from footfall.events.wire import Entry
from footfall.settings import Settings


class Fragile(Reader):
    """A reader with a bug: it can't stand poison."""

    def read(self, batch: Sequence[tuple[int, Entry]], facts: Facts, *, is_slow: bool = False) -> Columns:
        for _, entry in batch:
            if b"poison" in entry.body and not entry.reject:
                raise KeyError("poison")
        return super().read(batch, facts, is_slow=is_slow)


def event(name: str) -> bytes:
    return b'{"type":"track","event":"%s","anonymousId":"a1"}' % name.encode()


def entry(*names: str, **more: Any) -> Entry:
    return Entry(1, 1_792_843_200_000, 0, len(names), b"\n".join(map(event, names)), **more)


def read(*batch: tuple[int, Entry]) -> Columns:
    return read_all(Fragile(Settings(), Geo("")), batch, no_facts())


def test_without_poison_it_is_the_readers_own_answer() -> None:
    columns = read((0, entry("A", "B")), (2, entry("C")))
    assert (columns.offsets.tolist(), columns.events["status"].tolist()) == ([0, 1, 2], [0, 0, 0])


def test_the_poisoned_event_is_refused_with_the_error_and_everything_else_stays() -> None:
    columns = read(
        (10, entry("A", "B", ip="10.0.0.0")), (12, entry("C", "poison", "D", ip="10.1.0.0")), (15, entry("E"))
    )
    assert columns.offsets.tolist() == [10, 11, 12, 13, 14, 15]
    assert columns.events["status"].tolist() == [0, 0, 0, 2, 0, 0]
    assert [(f.idx, f.reason, f.detail) for f in columns.failures][:1] == [(3, "unreadable", "KeyError: 'poison'")]
    assert columns.entry(3).body == event("poison")
    assert {columns.entry(i).ip for i in (2, 3, 4)} == {"10.1.0.0"}


def test_an_entry_whose_lines_do_not_match_its_number_is_refused_event_by_event() -> None:
    wrong = Entry(1, 1_792_843_200_000, 0, 3, event("A") + b"\n" + event("B"))
    columns = read((0, entry("Before")), (1, wrong), (4, entry("After")))
    assert columns.offsets.tolist() == [0, 1, 2, 3, 4]
    assert columns.events["status"].tolist() == [0, 2, 2, 2, 0]
    assert {f.reason for f in columns.failures if f.idx in (1, 2, 3)} >= {"unreadable"}


@pytest.mark.parametrize("n", [1, 40])
def test_a_batch_of_nothing_but_poison_is_refused_whole(n: int) -> None:
    columns = read((0, entry(*["poison"] * n)))
    assert columns.events["status"].tolist() == [2] * n
