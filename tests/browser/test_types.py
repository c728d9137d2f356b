"""The dashboard's TypeScript types are those of the API."""

import subprocess
import sys
from pathlib import Path

DASHBOARD = Path(__file__).resolve().parents[2] / "frontend" / "dashboard"


def test_the_kept_schema_is_the_servers() -> None:
    made = subprocess.run(
        [sys.executable, "schemas.py"], cwd=DASHBOARD, capture_output=True, text=True, check=True, timeout=120
    )
    kept = (DASHBOARD / "openapi.json").read_text()
    assert kept == made.stdout, "the API changed: run `make types`"
