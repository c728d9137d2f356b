import pytest

from footfall.web.cookies import Reached, Wish, set_cookie, wish_of

ID = "0123456789abcdef0123456789abcdef"
WISH = Wish("shop.test", 395, ID)
PAGE = Reached("data.shop.test", True, "https://www.shop.test", "same-site")


def test_a_page_of_the_shop_gets_a_cookie_for_the_whole_shop_for_13_months() -> None:
    assert set_cookie(WISH, PAGE) == (
        f"ff_anonymous_id={ID}; Path=/; Max-Age=34128000; SameSite=Lax; Secure; Domain=shop.test"
    )


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("shop.test", "http://shop.test"),
        ("shop.test:8700", "http://shop.test:8701"),
        ("127.0.0.1:8700", "http://127.0.0.1:8701"),
        ("localhost:8700", "http://localhost"),
        ("[::1]:8700", "http://[::1]:9000"),
        ("SHOP.test.", "http://shop.TEST"),
    ],
)
def test_without_a_domain_the_cookie_is_for_the_pages_own_host_alone(host: str, origin: str) -> None:
    found = set_cookie(Wish("", 395, ID), Reached(host, False, origin))
    assert found == f"ff_anonymous_id={ID}; Path=/; Max-Age=34128000; SameSite=Lax"
    assert set_cookie(Wish("", 395, ID), Reached("other.test", False, origin)) is None


@pytest.mark.parametrize(
    "reached",
    [
        PAGE._replace(origin="https://evil.example"),
        PAGE._replace(origin="https://evilshop.test"),
        PAGE._replace(origin="https://shop.test.evil.example"),
        PAGE._replace(origin="https://shop.test@evil.example"),
        PAGE._replace(origin="null"),
        PAGE._replace(origin=""),
        PAGE._replace(origin="file://"),
        PAGE._replace(origin="chrome-extension://shop.test"),
        PAGE._replace(origin="https://"),
        PAGE._replace(origin="https://127.0.0.1"),
        PAGE._replace(host="data.other.test"),
        PAGE._replace(host=""),
        PAGE._replace(host="data.shop.test\r\nX: y"),
        PAGE._replace(fetch_site="cross-site"),
        PAGE._replace(fetch_site="none"),
        PAGE._replace(origin="http://www.shop.test"),
    ],
    ids=str,
)
def test_a_foreign_page_can_plant_no_id(reached: Reached) -> None:
    assert set_cookie(WISH, reached) is None
    assert set_cookie(WISH._replace(domain=""), reached) is None


@pytest.mark.parametrize(
    "domain",
    ["test", ".test", "localhost", "hop.test", "www.shop.test", "data.shop.test", "shop.test; Secure", "shop.test\n",
     "shop..test", "-shop.test", "xn--shop", "shop.test:80", "shop.test,other.test", "a" * 300 + ".test"],
)  # fmt: skip
def test_no_cookie_for_a_domain_that_page_and_server_do_not_share(domain: str) -> None:
    assert set_cookie(WISH._replace(domain=domain), PAGE) is None


@pytest.mark.parametrize("address", ["10.0.0.1", "[::1]", "0x7f.1", "1.1"])
def test_an_address_has_no_wider_domain(address: str) -> None:
    reached = Reached(address, False, f"http://{address}")
    for domain in (address, "0.1", "1"):
        assert set_cookie(WISH._replace(domain=domain), reached) is None


@pytest.mark.parametrize(
    "anonymous_id", ["", "short", "x" * 65, "0123456789abcdef;Domain=x", "0123456789abcdef\r\nx", "ÿ" * 20]
)
def test_what_does_not_look_like_an_id_is_not_kept(anonymous_id: str) -> None:
    assert set_cookie(WISH._replace(anonymous_id=anonymous_id), PAGE) is None


@pytest.mark.parametrize(
    ("days", "age_s"), [(395, 34_128_000), (4_000, 34_128_000), (float("inf"), 34_128_000), (30, 2_592_000)]
)
def test_no_cookie_lives_longer_than_395_days(days: float, age_s: int) -> None:
    assert f"Max-Age={age_s};" in (set_cookie(WISH._replace(days=days), PAGE) or "")


@pytest.mark.parametrize("days", [0, -1, float("-inf"), float("nan")])
def test_a_cookie_without_a_future_is_none(days: float) -> None:
    assert set_cookie(WISH._replace(days=days), PAGE) is None


def test_a_cookie_is_renewed_but_never_gets_another_value() -> None:
    newer = "f" * 32
    assert set_cookie(WISH, PAGE._replace(cookies=f"a=1; ff_anonymous_id={ID}; b=2")) is not None
    assert set_cookie(WISH, PAGE._replace(cookies=f"ff_anonymous_id={newer}")) is None
    assert set_cookie(WISH, PAGE._replace(cookies=f"ff_anonymous_id={newer}; ff_anonymous_id={ID}")) is not None
    assert set_cookie(WISH, PAGE._replace(cookies=f"xff_anonymous_id={newer}")) is not None


def test_the_wish_stands_beside_the_batch_and_the_id_in_its_newest_event() -> None:
    body = b'{"batch":[{"anonymousId":"old"},{"anonymousId":"new"}],"cookie":{"domain":".Shop.test","days":30}}'
    assert wish_of(body) == Wish("shop.test", 30, "new")
    assert wish_of(b'{"cookie":{},"batch":[{"anonymousId":"a"}]}') == Wish("", 395, "a")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"batch":[{"anonymousId":"a"}]}',
        b'{"batch":[],"cookie":{}}',
        b'{"cookie":{}}',
        b'{"batch":[{"anonymousId":7}],"cookie":{}}',
        b'{"batch":[{"anonymousId":"a"}],"cookie":"shop.test"}',
        b'{"batch":[{"anonymousId":"a"}],"cookie":{"domain":7}}',
        b'{"batch":[{"anonymousId":"a"}],"cookie":null}',
        b'{"batch":[{"properties":{"cookie":{"domain":"shop.test"}}}]}',
        b'{"batch":[{"anonymousId":"\xff"}],"cookie":{}}',
        b'{"cookie":' + b"[" * 100_000,
    ],
)
def test_anything_else_is_no_wish(body: bytes) -> None:
    assert wish_of(body) is None
