"""Which program measures what? Benchmarks live beside the source tree, as their peers don't come with Footfall."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from footfall.base.errors import Missing

REPOSITORY = Path(__file__).resolve().parents[3]


def run_bench(name: str, arguments: Sequence[str]) -> int:
    """Run ``benchmarks/<name>.py`` and return its exit code; raises ``Missing`` outside of a checkout."""
    if not (REPOSITORY / "benchmarks" / f"{name}.py").is_file():
        raise Missing(
            f"The benchmark {name} isn't here: benchmarks are run from a checkout of the project, after `make setup`."
        )
    return subprocess.call([sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=REPOSITORY)
