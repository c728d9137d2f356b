"""The doctor finds what is missing, names what mends it, and never falls over what it finds."""

import http.server
import socket
import threading
from pathlib import Path

import pytest

from footfall.hosts import doctor as ward
from footfall.hosts.doctor import Check, State, doctor


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_PORT", "0")
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)


def test_a_folder_on_a_disk_is_fit_and_left_as_it_was(tmp_path: Path) -> None:
    checks = doctor(tmp_path)
    assert named(checks, "Python").state is State.OK
    assert named(checks, "packages").state is State.OK
    assert named(checks, "SQLite").state is State.OK
    assert named(checks, "sync").state in {State.OK, State.WARNING}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    check = named(doctor(tmp_path / "shop" / "data"), "data folder")
    assert check.detail.endswith("shop/data will be made") or check.state is State.WARNING
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_fails(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    check = named(doctor(tmp_path / "data"), "data folder")
    assert (check.state, check.is_failed) == (State.FAILED, True)


def test_every_check_that_is_not_ok_says_what_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("FOOTFALL_PROT", "1")
    monkeypatch.setenv("FOOTFALL_GEO_DATABASE", str(tmp_path / "none.mmdb"))
    monkeypatch.setattr(ward, "STATIC", tmp_path / "static")
    checks = doctor(tmp_path)
    states = {check.name: check.state for check in checks}
    assert states["compiler"] is State.WARNING
    assert states["environment"] is State.WARNING
    assert states["geo database"] is State.FAILED
    assert states["pages"] is State.FAILED
    assert states["Chromium"] is State.OPTIONAL
    assert states["Node"] is State.OPTIONAL
    assert all(check.mend for check in checks if check.state is not State.OK)


def test_settings_that_cannot_be_read_fail_alone(tmp_path: Path) -> None:
    (tmp_path / "footfall.toml").write_text("late_h = 0\n")
    checks = doctor(tmp_path)
    assert named(checks, "settings").state is State.FAILED
    assert "late_h" in named(checks, "settings").detail
    assert named(checks, "disk space").state in {State.OK, State.WARNING}


def test_a_port_in_use_fails_and_footfalls_own_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        # Not listening: whoever asks is turned away at once.
        monkeypatch.setenv("FOOTFALL_PORT", str(other.getsockname()[1]))
        assert named(doctor(tmp_path), "port").state is State.FAILED

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("FOOTFALL_PORT", str(server.server_address[1]))
        assert named(doctor(tmp_path), "port") == Check(
            "port", State.OK, f"Footfall answers on 127.0.0.1:{server.server_address[1]}"
        )
        server.shutdown()


def test_a_geo_database_is_named_with_its_date(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_GEO_DATABASE", str(shared_data / "geoip_maxmind_test" / "GeoIP2-City-Test.mmdb"))
    check = named(doctor(tmp_path), "geo database")
    assert check.state is State.OK
    assert check.detail.startswith("GeoIP2-City of 20")


def test_a_file_that_is_no_geo_database_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.mmdb").write_bytes(b"nothing of the sort")
    monkeypatch.setenv("FOOTFALL_GEO_DATABASE", str(tmp_path / "bad.mmdb"))
    assert named(doctor(tmp_path), "geo database").state is State.FAILED


@pytest.mark.parametrize(("free", "state"), [(1024, State.FAILED), (1024**3, State.WARNING), (1024**4, State.OK)])
def test_little_room_on_the_disk_is_said(
    free: int, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(ward.shutil, "disk_usage", lambda folder: usage)
    assert named(doctor(tmp_path), "disk space").state is state
