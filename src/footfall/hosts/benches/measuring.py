"""How is a speed told so that it can be believed? Rounds in turn, medians, and the machine beside them.

Peer and product are measured alternately in one process on one core, so that a noisy neighbour troubles both alike.
Rates are by the wall clock; the share of the core that a round had is told beside them.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numba
import numpy as np
from rich.console import Console
from rich.table import Table


class Sample(NamedTuple):
    """One measured round."""

    n: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Things a second by the wall clock."""
        return self.n / self.wall_s


class Budget(msgspec.Struct, frozen=True):
    """What was promised, what was measured, and whether that is kept."""

    what: str
    measured: float
    budget: float
    is_kept: bool


def at_least(what: str, measured: float, budget: float) -> Budget:
    """A budget that more is better for."""
    return Budget(what, _rounded(measured), budget, measured >= budget)


def at_most(what: str, measured: float, budget: float) -> Budget:
    """A budget that less is better for."""
    return Budget(what, _rounded(measured), budget, measured <= budget)


class Timed:
    """A block's time: ``with Timed() as t: ...; t.sample(n)``."""

    def __enter__(self) -> "Timed":
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._wall_s, self._cpu_s = time.perf_counter() - self._wall_s, time.process_time() - self._cpu_s

    def sample(self, n: int) -> Sample:
        """The block as a sample of ``n`` things."""
        return Sample(n, self._wall_s, self._cpu_s)


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Median, least and most rate, and the share of a core that the process had."""
    rates = [sample.per_s for sample in samples]
    return {
        "per_s": round(statistics.median(rates)),
        "per_s_least": round(min(rates)),
        "per_s_most": round(max(rates)),
        "rounds": len(rates),
        "core_share": round(sum(s.cpu_s for s in samples) / sum(s.wall_s for s in samples), 3),
    }


def ratio(samples: Sequence[Sample], others: Sequence[Sample]) -> float:
    """Median over the rounds of the rate against that of the other in the same round."""
    return statistics.median(a.per_s / b.per_s for a, b in zip(samples, others, strict=True))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "msgspec": msgspec.__version__,
        "load_1min": round(os.getloadavg()[0], 2),
    }


@contextmanager
def one_core() -> Iterator[int]:
    """Keep this process on one core, the last it may use; yields its number, or -1 where that can't be done."""
    if not hasattr(os, "sched_setaffinity"):
        yield -1
        return
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        os.sched_setaffinity(0, before)


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_resident_bytes() -> int:
    """The most there ever was of it."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Stopwatch:
    """Time spent in some functions, each without what it called of the others; see :meth:`watching`."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._inner_s: list[float] = []

    @contextmanager
    def watching(self, *places: tuple[Any, str, str]) -> Iterator[None]:
        """While (owner, attribute, stage) are watched; an attribute that isn't there is left out."""
        originals = [(owner, name, getattr(owner, name)) for owner, name, _ in places if hasattr(owner, name)]
        for owner, name, stage in places:
            if hasattr(owner, name):
                setattr(owner, name, self._watched(getattr(owner, name), stage))
        try:
            yield
        finally:
            for owner, name, original in originals:
                setattr(owner, name, original)

    def _watched(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        self.spent_s.setdefault(stage, 0.0)
        self.calls.setdefault(stage, 0)

        def watched(*arguments: Any, **named: Any) -> Any:
            self._inner_s.append(0.0)
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took = time.perf_counter() - start
                self.spent_s[stage] += took - self._inner_s.pop()
                self.calls[stage] += 1
                if self._inner_s:
                    self._inner_s[-1] += took

        return watched


def told(title: str, result: dict[str, Any], tables: Sequence[Table], budgets: Sequence[Budget], as_json: bool) -> None:
    """Print a result, as one JSON object or as tables for people."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    console = Console(highlight=False)
    about = result["machine"]
    console.print(f"[bold]{title}[/]")
    console.print(
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}; "
        f"Python {about['python']}, NumPy {about['numpy']}, Numba {about['numba']}; load {about['load_1min']}"
    )
    for table in tables:
        console.print(table)
    if budgets:
        verdicts = Table("budget", "measured", "promised", "", box=None, header_style="dim")
        for budget in budgets:
            mark = "[green]kept[/]" if budget.is_kept else "[red]missed[/]"
            verdicts.add_row(budget.what, f"{budget.measured:,}", f"{budget.budget:,}", mark)
        console.print(verdicts)


def rates_table(rows: dict[str, dict[str, Any]], unit: str = "events/s") -> Table:
    """A table of summaries."""
    table = Table("", unit, "least", "most", "rounds", "share of a core", box=None, header_style="dim")
    for name, row in rows.items():
        table.add_row(
            name, f"{row['per_s']:,}", f"{row['per_s_least']:,}", f"{row['per_s_most']:,}", str(row["rounds"]),
            f"{row['core_share']:.0%}",
        )  # fmt: skip
    return table


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 1000 else round(value, 3)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    mhz = found.get("cpu MHz", "").partition(".")[0]
    return found.get("model name", platform.processor()) + (f" at {mhz} MHz" if mhz else "")
