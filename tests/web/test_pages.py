"""What a browser gets, and what it is told not to do with it."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.web.house import house

from footfall.web.headers import CONTENT_SECURITY_POLICY
from footfall.web.pages import Pages

Browser = TestClient[Litestar]
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = "console.log('footfall');\n" * 50


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dashboard"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>built</title>")
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets" / "main-a1b2.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def browser(tmp_path: Path, built: Path) -> Iterator[Browser]:
    with house(tmp_path / "data", pages=Pages(built)) as home, home.client() as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/login", "/login?token=ll_0", "/visitors/abc", "/failed", "/a/b/c"])
def test_every_address_of_the_dashboard_is_its_one_page(browser: Browser, path: str) -> None:
    answer = browser.get(path, headers=HTML)
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>built</title>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/api/nope", "/v1/nope", "/assets/nope.js", "/favicon.ico", "/sourceConfig/x"])
def test_what_is_no_page_stays_missing_even_for_a_browser(browser: Browser, path: str) -> None:
    answer = browser.get(path, headers=HTML)
    assert (answer.status_code, answer.json()["code"]) == (404, "missing")


def test_files_with_a_hash_in_their_name_are_kept_for_ever(browser: Browser) -> None:
    answer = browser.get("/assets/main-a1b2.js")
    assert (answer.status_code, answer.text) == (200, SCRIPT)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    plain = browser.get("/assets/main-a1b2.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == SCRIPT


def test_a_new_build_is_served_without_a_restart(browser: Browser, built: Path) -> None:
    browser.get("/assets/main-a1b2.js")
    path = built / "assets" / "main-a1b2.js"
    path.write_text("new")
    path.touch()
    assert browser.get("/assets/main-a1b2.js").text == "new"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../index.html",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "/assets/%00",
        "/assets/",
        "/assets/" + "x" * 5000,
    ],
)
def test_nothing_outside_the_folder_is_served(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404, answer.text
    assert "secret" not in answer.text.replace(path, "").replace("secret.txt", "")


def test_a_link_out_of_the_folder_is_not_followed(browser: Browser, built: Path) -> None:
    (built / "assets" / "out.js").symlink_to(built.parent / "secret.txt")
    assert browser.get("/assets/out.js").status_code == 404


@pytest.mark.parametrize("path", ["/", "/login?token=x", "/assets/main-a1b2.js", "/api/me", "/api/nope", "/robots.txt"])
def test_every_answer_tells_the_browser_to_be_careful(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"


def test_the_policy_is_exactly_what_was_promised() -> None:
    assert CONTENT_SECURITY_POLICY.split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ]


def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    with house(tmp_path / "data", pages=Pages(tmp_path / "none")) as home, home.client() as browser:
        answer = browser.get("/", headers=HTML)
        assert answer.status_code == 200 and "make setup" in answer.text
        assert browser.get("/assets/x.js").status_code == 404
        assert browser.get("/icon.svg").status_code == 404


def test_robots_are_asked_to_stay_away(browser: Browser) -> None:
    assert browser.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


def test_the_packed_form_is_the_same_file(built: Path) -> None:
    packed = Pages(built).asset("main-a1b2.js", accepts_gzip=True)
    assert gzip.decompress(packed.content) == SCRIPT.encode()
