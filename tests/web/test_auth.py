"""Logging in, staying in, getting out; and what a foreign page, a proxy or a guesser can't do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.web.house import PASSWORD, House, house
from tests.web.memory_profiles import NOW_MS

from footfall.settings import Settings

Browser = TestClient[Litestar]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


@pytest.fixture
def browser(home: House) -> Iterator[Browser]:
    with home.client() as client:
        yield client


def log_in_by_link(browser: Browser, home: House, **extra: Any) -> dict[str, Any]:
    answer = browser.post("/api/login/link", json={"token": home.link, "password": PASSWORD, **extra})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_link_sets_the_password_and_logs_in_once(home: House, browser: Browser) -> None:
    shown = browser.get("/login", params={"token": home.link}, headers={"Accept": "application/json"})
    assert shown.json() == {"email": "admin@localhost", "name": "Admin", "password_min_length": 12}
    answer = log_in_by_link(browser, home, email="ada@shop.example")
    assert answer["user"]["email"] == "ada@shop.example"
    assert answer["expires"] == "2025-10-16T08:53:20.000Z"
    me = browser.get("/api/me").json()
    assert (me["kind"], me["name"], me["role"], me["csrf"]) == ("user", "ada@shop.example", "admin", answer["csrf"])
    again = browser.post("/api/login/link", json={"token": home.link, "password": "another " + PASSWORD},
                         headers={"X-CSRF-Token": answer["csrf"]})  # fmt: skip
    assert (again.status_code, again.json()["code"]) == (404, "link_expired")
    shown = browser.get("/login", params={"token": home.link}, headers={"Accept": "application/json"})
    assert shown.status_code == 404


def test_looking_at_the_link_does_not_use_it_up(home: House, browser: Browser) -> None:
    for _ in range(3):
        assert browser.get(f"/login?token={home.link}", headers={"Accept": "text/html"}).status_code == 200
    log_in_by_link(browser, home)


@pytest.mark.parametrize(
    "password", ["", "short", "elevenchars", "aaaaaaaaaaaaaaaa", "PasswordPassword", "admin@localhost", "x" * 1025]
)
def test_a_weak_password_is_refused_and_leaves_the_link_usable(home: House, browser: Browser, password: str) -> None:
    answer = browser.post("/api/login/link", json={"token": home.link, "password": password})
    assert answer.status_code == 400
    assert password == "" or password not in answer.text
    log_in_by_link(browser, home)


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(home: House, browser: Browser) -> None:
    answer = browser.post("/api/login/link", json={"token": home.link, "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("footfall_session=se_")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=604800"):
        assert part in cookie
    assert "Secure" not in cookie and "Domain" not in cookie


@pytest.mark.parametrize("by", ["scheme", "public_url"])
def test_over_https_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path, by: str) -> None:
    settings = Settings(public_url="https://shop.test" if by == "public_url" else "")
    base_url = "https://shop.test" if by == "scheme" else "http://shop.test"
    with house(tmp_path / "data", settings) as home, home.client(base_url) as browser:
        answer = browser.post("/api/login/link", json={"token": home.link, "password": PASSWORD})
        assert answer.headers["set-cookie"].startswith("__Host-footfall_session=se_")
        assert "Secure" in answer.headers["set-cookie"]
        if by == "scheme":
            assert browser.get("/api/me").status_code == 200
            secret = browser.cookies["__Host-footfall_session"]
            browser.cookies.clear()
            assert browser.get("/api/me", headers={"Cookie": f"footfall_session={secret}"}).status_code == 401


def test_a_password_lets_in_and_logging_out_ends_the_session(home: House, browser: Browser) -> None:
    log_in_by_link(browser, home)
    browser.cookies.clear()
    answer = browser.post("/api/login", json={"email": " Admin@LOCALHOST", "password": PASSWORD})
    assert answer.status_code == 200
    secret = browser.cookies["footfall_session"]
    out = browser.post("/api/logout", headers={"X-CSRF-Token": answer.json()["csrf"]})
    assert out.status_code == 200
    browser.cookies.clear()
    assert browser.get("/api/me", headers={"Cookie": f"footfall_session={secret}"}).status_code == 401


def test_wrong_password_unknown_and_archived_user_look_the_same(home: House, browser: Browser) -> None:
    log_in_by_link(browser, home)
    browser.cookies.clear()
    home.definitions.add_user("new@shop.example", "New", "viewer", None, by="test")
    gone = home.definitions.add_user("gone@shop.example", "Gone", "viewer", None, by="test")
    home.definitions.set_password_hash(gone.id, home.definitions.password_hash("admin@localhost")[1], by="test")  # type: ignore[index]
    home.definitions.change_user(gone.id, by="test", is_archived=True)
    answers = [
        browser.post("/api/login", json={"email": email, "password": password})
        for email, password in (
            ("admin@localhost", "wrong wrong wrong"),
            ("nobody@shop.example", PASSWORD),
            ("new@shop.example", PASSWORD),
            ("gone@shop.example", PASSWORD),
            ("", ""),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_an_unknown_user_costs_the_same_argon2_work(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import argon2

    verified: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, password_hash: str, password: str) -> bool:
        verified.append(password_hash[:9])
        return verify(self, password_hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    with home.client() as browser:
        browser.post("/api/login", json={"email": "nobody@shop.example", "password": PASSWORD})
    assert verified == ["$argon2id"]


def test_guessing_one_account_is_slowed_down_whether_or_not_it_exists(home: House, browser: Browser) -> None:
    told = {}
    for email in ("admin@localhost", "nobody@shop.example"):
        home.clock.set_ms(home.clock.now_ms() + 3_600_000)
        statuses = [
            browser.post("/api/login", json={"email": email, "password": f"guess {n} guess"}).status_code
            for n in range(22)
        ]
        told[email] = statuses
    assert told["admin@localhost"] == [401] * 20 + [429] * 2
    assert told["admin@localhost"] == told["nobody@shop.example"]


def test_a_guesser_waits_and_others_do_not(home: House) -> None:
    with home.client(address="203.0.113.1") as guesser:
        log_in_by_link(guesser, home)
        guesser.cookies.clear()
        answers = [guesser.post("/api/login", json={"email": "x@y", "password": "z" * 12}) for _ in range(21)]
        assert answers[-1].status_code == 429 and answers[-1].json()["code"] == "too_many_tries"
        assert int(answers[-1].headers["retry-after"]) >= 1
        answer = guesser.post("/api/login", json={"email": "admin@localhost", "password": PASSWORD})
        assert answer.status_code == 200
        guesser.cookies.clear()
        home.clock.set_ms(NOW_MS + 60_000)
        answer = guesser.post("/api/login", json={"email": "x@y", "password": "z" * 12})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.test.evil.example",
        "http://shop.test:81",
        "null",
        "http://",
        "ftp://shop.test",
    ],
)
def test_a_page_of_another_origin_gets_403_with_any_credential(home: House, browser: Browser, origin: str) -> None:
    answer = log_in_by_link(browser, home)
    for method, path, headers in (
        ("GET", "/api/me", {}),
        ("GET", "/api/visitors", home.admin),
        ("POST", "/api/sites", {"X-CSRF-Token": answer["csrf"]}),
        ("POST", "/api/login", {}),
    ):
        refused = browser.request(method, path, headers={**headers, "Origin": origin}, json={"name": "evil"})
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_origin"), (method, path)
        assert "access-control-allow-origin" not in refused.headers
    assert len(home.definitions.sites()) == 2


def test_our_own_pages_may(tmp_path: Path) -> None:
    with house(tmp_path / "data", Settings(public_url="https://Public.Example/")) as home, home.client() as browser:
        for origin in ("http://shop.test", "https://public.example"):
            assert browser.get("/api/me", headers={**home.admin, "Origin": origin}).status_code == 200


def test_a_cross_site_write_without_an_origin_is_foreign(home: House, browser: Browser) -> None:
    headers = {**home.admin, "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/api/sites", json={"name": "evil"}, headers=headers).status_code == 403
    assert browser.get("/api/me", headers=headers).status_code == 200


def test_a_write_by_cookie_needs_the_csrf_token_of_the_same_session(home: House, browser: Browser) -> None:
    log_in_by_link(browser, home)
    other = home.definitions.add_session(1)
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": other.csrf}):
        answer = browser.post("/api/sites", json={"name": "evil"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    csrf = browser.get("/api/me").json()["csrf"]
    assert browser.post("/api/sites", json={"name": "good"}, headers={"X-CSRF-Token": csrf}).status_code == 201


def test_a_form_that_poses_as_json_is_refused(home: House, browser: Browser) -> None:
    body = f'{{"token": "{home.link}", "password": "{PASSWORD}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = browser.post("/api/login/link", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "not_json")


def test_changing_the_password_needs_the_current_one_and_ends_other_sessions(home: House, browser: Browser) -> None:
    headers = {"X-CSRF-Token": log_in_by_link(browser, home)["csrf"]}
    other = home.definitions.add_session(1)
    wrong = browser.post("/api/me/password", json={"current": "wrong", "password": "b " + PASSWORD}, headers=headers)
    assert wrong.status_code == 403
    assert home.definitions.principal_of_session(other.secret) is not None
    right = browser.post("/api/me/password", json={"current": PASSWORD, "password": "b " + PASSWORD}, headers=headers)
    assert right.status_code == 200
    assert home.definitions.principal_of_session(other.secret) is None
    assert browser.get("/api/me").status_code == 200
    browser.cookies.clear()
    assert browser.post("/api/login", json={"email": "admin@localhost", "password": PASSWORD}).status_code == 401
    answer = browser.post("/api/login", json={"email": "admin@localhost", "password": "b " + PASSWORD})
    assert answer.status_code == 200


def test_no_answer_shows_what_is_kept_secret(home: House, browser: Browser) -> None:
    log_in_by_link(browser, home)
    for path in ("/api/users", "/api/tokens", "/api/sites", "/api/audit", "/api/me"):
        text = browser.get(path).text
        for secret in ("argon2", "password_hash", home.created.token, home.created.server_key, home.link):
            assert secret not in text, (path, secret)
