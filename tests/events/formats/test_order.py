"""Events come back by time, however many there are."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from footfall.events.formats.chunk import Chunk
from footfall.events.formats.order import sorted_by_time


def chunks_of(times_ms: list[int]) -> Iterator[Chunk]:
    for start in range(0, len(times_ms), 1_000):
        part = times_ms[start : start + 1_000]
        lines = [f"{start + idx}".encode() for idx in range(len(part))]
        yield Chunk(lines, np.array(part, dtype=np.int64), 7 * len(part))


@pytest.mark.parametrize("memory_bytes", [1 << 30, 200_000])
def test_events_are_sorted_stably_in_memory_and_on_disk(tmp_path: Path, memory_bytes: int) -> None:
    times_ms = [(idx * 7_919) % 500 for idx in range(20_300)]
    chunks = list(sorted_by_time(chunks_of(times_ms), tmp_path, memory_bytes))
    order = [int(line) for chunk in chunks for line in chunk.lines]
    assert order == sorted(range(20_300), key=lambda idx: times_ms[idx])
    assert np.concatenate([chunk.times_ms for chunk in chunks]).tolist() == sorted(times_ms)
    assert sum(chunk.n_bytes for chunk in chunks) == 7 * 20_300
    assert max(len(chunk.lines) for chunk in chunks) <= 5_000
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_sorted_into_nothing(tmp_path: Path) -> None:
    assert list(sorted_by_time(iter(()), tmp_path)) == []
