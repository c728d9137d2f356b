import os
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).parent.parent


def test_the_names_of_tests_depend_on_neither_hashes_nor_the_time_of_day() -> None:
    """Test processes share the work by name, so each must find the same names."""
    found = []
    for seed in ("1", "2"):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:cov",
            "tests",
        ]
        env = os.environ | {"PYTHONHASHSEED": seed}
        env.pop("PYTEST_ADDOPTS", None)
        found.append(subprocess.Popen(command, cwd=REPO, env=env, stdout=subprocess.PIPE, text=True))
        time.sleep(1.1)  # what is packed with gzip holds the second it was packed in
    first, second = [{line for line in process.communicate()[0].splitlines() if "::" in line} for process in found]
    assert len(first) > 2_000
    assert first == second
