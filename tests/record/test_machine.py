"""Compiled, each instruction gives what it gives in plain Python."""

import numpy as np
import pytest

from footfall.record import machine
from footfall.record.compiled import kernel
from footfall.record.layout import RECORD

RANDOM = np.random.default_rng(1)
BYTES = RANDOM.integers(0, 256, 400, dtype=np.uint8)
NUMBERS = [
    np.uint64(n) for n in (1, 2, 3, 1 << 32, 1 << 63, (1 << 64) - 1, *RANDOM.integers(1, 1 << 64, 50, np.uint64))
]


@kernel
def _of_bytes(b, at):
    return machine.odd_64(b, at), machine.newlines_64(b, at)


@kernel
def _of_numbers(x, y):
    return machine.fold(x, y), machine.first_bit(x)


@kernel
def _ask(records, row):
    machine.prefetch(records, row)
    return records[row]["site"]


def test_bytes_that_end_or_spoil_a_text_are_found() -> None:
    text = np.frombuffer(b'plain text, "quoted" \\ \t~\x7f\xc3\xa4\n'.ljust(64, b"."), np.uint8)
    odd, newlines = _of_bytes(text, np.uint64(0))
    assert [k for k in range(64) if int(odd) >> k & 1] == [12, 19, 21, 23, 25, 26, 27, 28]
    assert int(newlines) == 1 << 28


@pytest.mark.parametrize("at", [0, 1, 63, 64, 200, 336])
def test_masks_of_any_bytes_are_those_of_plain_python(at: int) -> None:
    got = _of_bytes(BYTES, np.uint64(at))
    assert got == (machine.odd_64(BYTES, at), machine.newlines_64(BYTES, at))


def test_products_and_bits_are_those_of_plain_python() -> None:
    for x in NUMBERS:
        for y in NUMBERS[:10]:
            assert _of_numbers(x, y) == (machine.fold(x, y), machine.first_bit(x))


def test_asking_for_memory_changes_nothing() -> None:
    records = np.zeros(3, RECORD)
    records["site"] = (5, 6, 7)
    assert [int(_ask(records, row)) for row in range(3)] == [5, 6, 7]
