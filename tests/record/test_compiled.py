"""A kernel on disk is used again, unless anything that it is made of has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.record.traces import IS_COMPILED

import footfall
from footfall.record import compiled

CALLEE = "from footfall.record.compiled import kernel\n\n\n@kernel\ndef answer(x):\n    return x + {}\n"
CALLER = (
    "from footfall.record.callee import answer\nfrom footfall.record.compiled import kernel\n\n\n"
    "@kernel\ndef ask(x):\n    return answer(x) * 10\n"
)
PROGRAM = "from footfall.record.caller import ask\nprint(ask(1), sum(ask.stats.cache_hits.values()))\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package with two small kernels, one of which calls the other."""
    source = Path(footfall.__file__).parent
    target = tmp_path / "src" / "footfall"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "static"))
    (target / "record" / "callee.py").write_text(CALLEE.format(1))
    (target / "record" / "caller.py").write_text(CALLER)
    return target


def run(copy: Path) -> tuple[int, int]:
    """What the program says: the answer, and how many kernels it found on disk."""
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    result, hits = done.stdout.split()
    return int(result), int(hits)


@pytest.mark.skipif(not IS_COMPILED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
def test_a_caller_is_compiled_anew_when_what_it_calls_has_changed(copy: Path) -> None:
    assert run(copy) == (20, 0)
    assert run(copy) == (20, 1)
    (copy / "record" / "callee.py").write_text(CALLEE.format(2))
    assert run(copy) == (30, 0)


def test_the_stamp_covers_every_room_that_kernels_are_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = compiled.sources_stamp()
    assert stamp == compiled.sources_stamp()
    monkeypatch.setattr(compiled, "_ROOMS", ("footfall.record",))
    assert compiled.sources_stamp() != stamp


def test_a_kernel_that_calls_others_is_never_cached_without_the_stamp() -> None:
    """Plain ``njit(cache=True)`` would go on with yesterday's callees."""
    for path in (Path(footfall.__file__).parent / "record").glob("*.py"):
        if path.name != "compiled.py":
            assert "cache=True" not in path.read_text(encoding="utf-8"), path.name
