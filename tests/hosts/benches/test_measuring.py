"""Medians, ratios and stages are what they say."""

import time

import pytest

from footfall.hosts.benches.measuring import Sample, Stopwatch, at_least, at_most, machine, ratio, summary


def test_a_summary_is_the_median_of_the_rounds() -> None:
    told = summary([Sample(100, 1.0, 1.0), Sample(100, 2.0, 1.0), Sample(100, 10.0, 1.0)])

    assert (told["per_s"], told["per_s_least"], told["per_s_most"], told["rounds"]) == (50, 10, 100, 3)
    assert told["core_share"] == pytest.approx(3 / 13, abs=0.001)


def test_a_ratio_compares_rounds_not_medians() -> None:
    ours = [Sample(100, 1.0, 1.0), Sample(100, 10.0, 1.0), Sample(100, 2.0, 1.0)]
    peers = [Sample(100, 2.0, 1.0), Sample(100, 20.0, 1.0), Sample(100, 4.0, 1.0)]

    assert ratio(ours, peers) == pytest.approx(2.0)


def test_budgets_say_whether_they_are_kept() -> None:
    assert at_least("speed", 400_000, 400_000).is_kept
    assert not at_least("speed", 399_999, 400_000).is_kept
    assert at_most("latency", 2.9, 3.0).is_kept
    assert not at_most("latency", 3.1, 3.0).is_kept


def test_a_stopwatch_takes_inner_stages_out_of_outer_ones_and_puts_functions_back() -> None:
    class Work:
        def outer(self) -> int:
            return self.inner() + 1

        def inner(self) -> int:
            until_s = time.perf_counter() + 0.01
            while time.perf_counter() < until_s:
                pass
            return 1

    before = Work.outer
    watch = Stopwatch()
    with watch.watching((Work, "outer", "outer"), (Work, "inner", "inner"), (Work, "absent", "absent")):
        assert Work().outer() == 2

    assert watch.calls == {"outer": 1, "inner": 1}
    assert watch.spent_s["inner"] >= 0.01 > watch.spent_s["outer"]
    assert Work.outer is before


def test_the_machine_is_described() -> None:
    assert machine().keys() >= {"cpu", "cores", "memory_gib", "python", "numpy", "numba"}
