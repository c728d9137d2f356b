"""What the API answers, in its shapes; what it refuses, in one shape."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.web.house import House, house
from tests.web.memory_profiles import NOW_MS, failed_event, live_row

from footfall.adapters.definitions import open_definitions
from footfall.base.errors import Unavailable
from footfall.web import shapes

Browser = TestClient[Litestar]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


@pytest.fixture
def browser(home: House) -> Iterator[Browser]:
    with home.client() as client:
        client.headers.update(home.admin)
        yield client


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/ledger", shapes.Ledger),
        ("/api/visitors?live=1&limit=10", shapes.VisitorPage),
        ("/api/visitors/v1", shapes.Visitor),
        ("/api/visitors/ada", shapes.Visitor),
        ("/api/visitors/v1/timeline", shapes.Timeline),
        ("/api/visitors/v1/merges", shapes.MergeList),
        ("/api/failed", shapes.FailedPage),
        ("/api/features", shapes.FeatureList),
        ("/api/imports", shapes.ImportList),
        ("/api/sites", shapes.SiteList),
        ("/api/users", shapes.UserList),
        ("/api/users/1", shapes.UserRow),
        ("/api/tokens", shapes.TokenList),
        ("/api/audit", shapes.AuditPage),
        ("/api/me", shapes.Me),
    ],
)
def test_an_answer_has_the_shape_that_openapi_shows(browser: Browser, path: str, shape: type[Any]) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    msgspec.convert(answer.json(), shape)


def test_openapi_describes_every_route_without_a_login(home: House) -> None:
    with home.client() as nobody:
        answer = nobody.get("/api/openapi.json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert set(paths["/api/visitors/{any_id}"]) == {"get"}
    assert set(paths["/api/sites/{number}"]) == {"get", "patch", "delete"}
    reference = paths["/api/failed"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith("/FailedPage")
    assert not any(path.startswith(("/metrics", "/assets")) for path in paths)


def test_visitors_are_of_the_site_asked_for_by_number_or_name(browser: Browser) -> None:
    for query, expected in (("", "v1"), ("?site=1", "v1"), ("?site=2", "v2"), ("?site=other", "v2")):
        answer = browser.get(f"/api/visitors{query}").json()
        assert [row["visitor_id"] for row in answer["visitors"]] == [expected], query
    assert browser.get("/api/visitors?site=3").status_code == 404


def test_the_ledger_is_of_all_sites_or_of_one_that_the_asker_reaches(home: House, browser: Browser) -> None:
    assert browser.get("/api/ledger").json()["received"] == 4
    assert browser.get("/api/ledger?site=other").json()["received"] == 2
    assert browser.get("/api/ledger?site=3").status_code == 404
    browser.headers.update(home.token("viewer", [1]))
    assert browser.get("/api/ledger?site=1").json()["received"] == 2
    assert browser.get("/api/ledger?site=2").status_code == 403


def test_a_list_is_read_page_by_page(home: House, browser: Browser) -> None:
    for n in range(5):
        home.profiles.add(1, live_row(f"w{n}", f"w{n}", NOW_MS - 1000 * n - 1), NOW_MS)
    seen, cursor = [], None
    for _ in range(3):
        answer = browser.get("/api/visitors", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert answer["total"] == 6
        seen += [row["visitor_id"] for row in answer["visitors"]]
        cursor = answer["cursor"]
    assert seen == ["v1", "w0", "w1", "w2", "w3", "w4"]
    assert cursor is None


def test_only_open_sessions_are_live(home: House, browser: Browser) -> None:
    home.profiles.add(1, live_row("gone", "gone", NOW_MS, is_ended=True), NOW_MS)
    assert browser.get("/api/visitors?live=1").json()["total"] == 1
    assert browser.get("/api/visitors?live=0").json()["total"] == 2
    assert browser.get("/api/visitors").json()["total"] == 2


def test_an_unknown_feature_value_is_null_and_not_broken_json(browser: Browser) -> None:
    assert browser.get("/api/visitors/v1").json()["features"]["since_last_order_d"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/nothing", None, 404, "missing"),
        ("PUT", "/api/nothing", None, 404, "missing"),
        ("GET", "/nothing", None, 404, "missing"),
        ("POST", "/api/ledger", None, 405, "method_not_allowed"),
        ("GET", "/api/logout", None, 405, "method_not_allowed"),
        ("GET", "/api/visitors/nobody", None, 404, "missing"),
        ("GET", "/api/visitors/nobody/timeline", None, 404, "missing"),
        ("GET", "/api/visitors/nobody/merges", None, 404, "missing"),
        ("GET", "/api/visitors?limit=0", None, 400, "bad_input"),
        ("GET", "/api/visitors?limit=501", None, 400, "bad_input"),
        ("GET", "/api/visitors?limit=x", None, 400, "bad_input"),
        ("GET", "/api/visitors?live=maybe", None, 400, "bad_input"),
        ("GET", "/api/visitors?sort=luck", None, 400, "bad_sort"),
        ("GET", "/api/visitors?state=rich", None, 400, "bad_state"),
        ("GET", "/api/visitors?cursor=x", None, 400, "bad_cursor"),
        ("GET", "/api/audit?cursor=x", None, 400, "bad_cursor"),
        ("GET", "/api/users/99", None, 404, "missing"),
        ("GET", "/api/users/0", None, 400, "bad_input"),
        ("GET", "/api/users/x", None, 404, "missing"),
        ("POST", "/api/merges/9/undo", None, 404, "missing"),
        ("POST", "/api/merges/99999999999999999999/undo", None, 400, "bad_input"),
        ("POST", "/api/failed/replay", {}, 400, "bad_input"),
        ("POST", "/api/failed/replay", {"all": True, "offsets": [1]}, 400, "bad_input"),
        ("POST", "/api/failed/replay", {"offsets": [1], "reason": "bad_json"}, 400, "bad_input"),
        ("POST", "/api/failed/replay", {"offsets": [-1]}, 400, "bad_input"),
        ("POST", "/api/failed/replay", {"offsets": [2**70]}, 400, "bad_input"),
        ("POST", "/api/failed/replay", {"offsets": list(range(10_001))}, 400, "bad_input"),
        ("POST", "/api/failed/replay", {"everything": True}, 400, "bad_input"),
        ("POST", "/api/sites", {"name": ""}, 400, "bad_input"),
        ("POST", "/api/sites", {"name": "shop"}, 400, "name_taken"),
        ("POST", "/api/sites", {"name": "x", "origins": ["javascript:alert(1)"]}, 400, "bad_origin"),
        ("POST", "/api/users", {"email": "x@y", "role": "emperor"}, 400, "bad_role"),
        ("POST", "/api/users", {"email": "admin@localhost", "role": "viewer"}, 400, "email_taken"),
        ("POST", "/api/users", [], 400, "bad_input"),
        ("PATCH", "/api/users/1", {"role": "viewer"}, 400, "last_admin"),
        ("DELETE", "/api/users/1", None, 400, "last_admin"),
        ("POST", "/api/sites/1/keys", {"which": "house"}, 400, "bad_input"),
        ("DELETE", "/api/tokens/99", None, 404, "missing"),
    ],
)
def test_every_error_has_one_shape(browser: Browser, method: str, path: str, body: Any, status: int, code: str) -> None:
    answer = browser.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) <= {"code", "message", "detail"} and answer.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 5000, b'{"name": "\\ud800"}', b"nan", b""])
def test_a_broken_body_is_bad_input(browser: Browser, body: bytes) -> None:
    answer = browser.post("/api/sites", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_input"), answer.text


def test_a_huge_body_is_refused(browser: Browser) -> None:
    answer = browser.post("/api/sites", json={"name": "x" * 300_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_what_nobody_expected_gets_an_id_and_shows_no_trace(
    home: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(site: int) -> dict[str, int]:
        secret_local = "hunter2hunter2"
        raise RuntimeError(f"inner {len(secret_local)} cause")

    monkeypatch.setattr(home.profiles, "ledger", break_down)
    with TestClient(home.app, raise_server_exceptions=False) as browser:
        answer = browser.get("/api/ledger", headers=home.admin)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "inner" not in answer.text and "Traceback" not in answer.text
    logged = "".join(capsys.readouterr())
    assert answer.json()["detail"]["id"] in logged and "inner 14 cause" in logged
    assert "hunter2hunter2" not in logged.replace('secret_local = "hunter2hunter2"', "")


def test_a_part_that_is_down_says_when_to_come_back(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(site: int) -> dict[str, int]:
        raise Unavailable("The engine is starting.", retry_after_s=7)

    monkeypatch.setattr(home.profiles, "ledger", down)
    with home.client() as browser:
        answer = browser.get("/api/ledger", headers=home.admin)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "7")


def test_failed_events_are_counted_by_reason_and_tried_again(home: House, browser: Browser) -> None:
    home.profiles.open_failed[1] = [failed_event(n, "bad_json" if n % 2 else "no_rate") for n in range(6)]
    assert browser.get("/api/failed?reason=no_rate").json()["total"] == 3
    assert browser.get("/api/failed").json()["by_reason"] == {"bad_json": 3, "no_rate": 3}
    assert browser.post("/api/failed/replay", json={"offsets": [0, 1, 77]}).json() == {"replayed": 2}
    assert browser.post("/api/failed/replay", json={"all": True, "reason": "bad_json"}).json() == {"replayed": 2}
    assert browser.post("/api/failed/replay", json={"all": True}).json() == {"replayed": 2}
    assert browser.get("/api/failed").json()["total"] == 0
    assert len(home.profiles.open_failed[2]) == 1
    row = browser.get("/api/audit?limit=1").json()["items"][0]
    assert (row["actor"], row["action"], row["site"]) == ("token:1 setup", "failed.replay", 1)


def test_a_merge_is_undone_once_and_only_at_its_own_site(home: House, browser: Browser) -> None:
    assert browser.post("/api/merges/2/undo").status_code == 404
    assert browser.post("/api/merges/1/undo").json()["is_undone"] is True
    again = browser.post("/api/merges/1/undo")
    assert (again.status_code, again.json()["code"]) == (400, "undone_before")
    assert browser.get("/api/audit?limit=1").json()["items"][0]["action"] == "merge.undo"


def test_a_site_is_made_changed_archived_and_brought_back(home: House, browser: Browser) -> None:
    made = browser.post("/api/sites", json={"name": "third", "origins": ["https://Third.Example"]})
    assert made.status_code == 201
    site, server_key = made.json()["site"], made.json()["server_key"]
    assert (site["number"], site["origins"]) == (3, ["https://third.example"])
    me = browser.get("/api/me", headers={"Authorization": f"Bearer {server_key}"}).json()
    assert (me["kind"], me["role"], [s["number"] for s in me["sites"]]) == ("server", "server", [3])
    assert browser.patch("/api/sites/3", json={"name": "3rd"}).json()["origins"] == ["https://third.example"]
    key = browser.post("/api/sites/3/keys", json={"which": "write"}).json()["key"]
    assert home.definitions.site_of_write_key(key) is not None
    assert home.definitions.site_of_write_key(site["write_key"]) is None
    assert browser.delete("/api/sites/3").json()["is_archived"] is True
    assert home.definitions.site_of_write_key(key) is None
    assert browser.patch("/api/sites/3", json={"is_archived": False}).json()["is_archived"] is False


def test_a_user_is_made_with_a_link_changed_and_archived(browser: Browser) -> None:
    made = browser.post("/api/users", json={"email": "Bob@Shop.Example", "role": "agent", "sites": [2]}).json()
    assert made["login_url"].startswith("/login?token=ll_")
    assert (made["user"]["email"], made["user"]["name"]) == ("bob@shop.example", "Bob@Shop.Example")
    number = made["user"]["id"]
    changed = browser.patch(f"/api/users/{number}", json={"name": "Bob", "role": "analyst"}).json()
    assert (changed["name"], changed["role"], changed["sites"]) == ("Bob", "analyst", [2])
    assert browser.patch(f"/api/users/{number}", json={"sites": None}).json()["sites"] is None
    assert browser.post(f"/api/users/{number}/login-link").json()["login_url"] != made["login_url"]
    assert browser.delete(f"/api/users/{number}").json()["is_archived"] is True
    assert browser.post(f"/api/users/{number}/login-link").json()["code"] == "user_archived"


def test_an_api_token_is_shown_once(browser: Browser) -> None:
    made = browser.post("/api/tokens", json={"name": "ci", "role": "viewer", "sites": [1]}).json()
    assert made["secret"].startswith("at_")
    listed = browser.get("/api/tokens")
    assert made["secret"] not in listed.text
    assert [t["name"] for t in listed.json()["tokens"]] == ["setup", "ci"]
    assert browser.delete(f"/api/tokens/{made['token']['id']}").json()["is_revoked"] is True


def test_every_admin_change_is_in_the_audit_log_under_its_author(browser: Browser) -> None:
    browser.post("/api/sites", json={"name": "third"})
    browser.patch("/api/sites/3", json={"name": "3rd"})
    browser.post("/api/sites/3/keys", json={"which": "server"})
    browser.post("/api/users", json={"email": "x@y", "role": "viewer"})
    browser.patch("/api/users/2", json={"role": "agent"})
    browser.post("/api/tokens", json={"name": "t", "role": "viewer"})
    browser.delete("/api/tokens/2")
    page = browser.get("/api/audit?limit=4").json()
    rows = page["items"] + browser.get(f"/api/audit?limit=4&cursor={page['cursor']}").json()["items"]
    assert {row["actor"] for row in rows} == {"token:1 setup"}
    assert [row["action"] for row in reversed(rows)] == [
        "site.add",
        "site.change",
        "site.renew_server_key",
        "user.add",
        "user.add_login_link",
        "user.change",
        "token.add",
        "token.revoke",
    ]
    assert browser.get("/api/audit/check").json() == {"n_rows": 13, "is_whole": True, "broken_at": None}


def test_a_site_that_another_process_made_is_seen_while_serving(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footfall.web.api.REFRESH_S", 0.01)
    other = open_definitions(tmp_path / "data")
    with home.client() as browser:
        site, _ = other.add_site("from elsewhere", [], by="cli")
        other.close()
        deadline_s = time.monotonic() + 10
        while home.definitions.site_of_write_key(site.write_key) is None:
            assert time.monotonic() < deadline_s
            time.sleep(0.005)
        assert browser.get("/api/visitors?site=from+elsewhere", headers=home.admin).status_code == 200
