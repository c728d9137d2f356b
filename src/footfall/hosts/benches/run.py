"""Which program measures what? Each benchmark runs in a process of its own, so that it has its memory to itself."""

import subprocess
import sys
from collections.abc import Sequence


def run_bench(name: str, arguments: Sequence[str]) -> int:
    """Run the benchmark of this name, and return its exit code."""
    return subprocess.call([sys.executable, "-m", f"footfall.hosts.benches.{name}", *arguments])
