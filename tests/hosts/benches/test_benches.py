"""Each benchmark runs in a small form and says what it measured, with its peer beside it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from footfall.hosts.benches import engine, http, memory, replay


def told(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(capfd.readouterr().out)
    return found


def test_engine_is_measured_beside_msgspec_bytewax_and_the_step(capfd: pytest.CaptureFixture[str]) -> None:
    size = ["--visitors", "2000", "--events", "4000", "--rounds", "2", "--peer-events", "300"]
    assert engine.main(["--json", *size]) == 0

    result = told(capfd)
    expected = {"engine", "msgspec", "step"} | ({"bytewax"} if find_spec("bytewax") else set())
    assert result["rates"].keys() == expected
    assert all(rate["per_s"] > 0 and rate["rounds"] == 2 for rate in result["rates"].values())
    assert {budget["what"] for budget in result["budgets"]} >= {"events/s on one core", "share of msgspec alone"}
    stages = result["stages"]
    assert stages["events"] == 4000
    assert {"step", "admit", "features"} <= stages["stages_ns"].keys()
    assert sum(stages["stages_ns"].values()) <= stages["total_ns"] * 1.01
    assert result["machine"]["cores"] >= 1


def test_memory_is_measured_in_a_process_for_each_size(capfd: pytest.CaptureFixture[str]) -> None:
    assert memory.run([1_000, 4_000], 4_000, as_json=True, n_rounds=1) == 0

    result = told(capfd)
    assert [size["visitors"] for size in result["sizes"]] == [1_000, 4_000]
    assert all(size["bytes_a_visitor"] > 0 and size["rate"]["per_s"] > 0 for size in result["sizes"])


def test_http_is_measured_beside_the_empty_reply_and_its_ledger_is_exact(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    size = ["--requests", "640", "--rounds", "1", "--steady-s", "0.2", "--processes", "1"]
    assert http.main(["--json", *size, "--folder", str(tmp_path)]) == 0

    result = told(capfd)
    assert result["is_ledger_exact"]
    assert result["acked"] == result["ledger"]["applied"] == 2 * 640 + 200 + 64 * 20
    assert result["rates"].keys() == {"empty", "track", "batch"}
    assert 0 < result["steady_ms"]["p50"] <= result["steady_ms"]["p99"]
    assert result["refused"] == ""
    assert list(tmp_path.iterdir()) == []


def test_http_fails_when_the_ledger_is_not_what_was_acknowledged(capfd: pytest.CaptureFixture[str]) -> None:
    sample = http.Sample(10, 1.0, 1.0)
    ledger = {"received": 31, "applied": 31, "duplicate": 0, "failed": 0, "lag_events": 0}
    measured = http.Measured([sample], [sample], [sample], {"steady": [1.0], "full": [1.0]}, 30, ledger, "")
    size = http.parser().parse_args(["--json"])

    assert http.report(measured, [0.1], size) == 1
    assert "30 events were acknowledged" in capfd.readouterr().err


def test_replay_is_measured_beside_duckdb(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    size = ["--events", "3000", "--visitors", "200"]
    assert replay.main(["--json", *size, "--folder", str(tmp_path)]) == 0

    result = told(capfd)
    assert result["rates"].keys() == {"import", "replay", "duckdb", "duckdb_one_core"}
    assert all(rate["per_s"] > 0 for rate in result["rates"].values())
    assert result["matrix_rows"] > 100
    assert list(tmp_path.iterdir()) == []
