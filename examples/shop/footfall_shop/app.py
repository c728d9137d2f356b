"""How is the demo shop served? A plain ASGI app without state: the cart lives in the shopper's own cookie."""

import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from footfall_shop import catalogue, pages
from footfall_shop.pages import Line, Setting
from footfall_shop.pictures import draw

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_HERE = Path(__file__).parent
_FILES = {
    "/shop.css": ("shop.css", "text/css; charset=utf-8"),
    "/shop.js": ("shop.js", "text/javascript; charset=utf-8"),
    "/stub.js": ("stub.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_BODY_MAX_BYTES = 10_000
_LINES_MAX = 20


class _Answer:
    """A response under way: status, headers, body."""

    def __init__(
        self, body: str | bytes = "", status: int = 200, content_type: str = "text/html; charset=utf-8"
    ) -> None:
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = [("content-type", content_type)]

    def cookie(self, name: str, value: str) -> "_Answer":
        """Set a cookie of the shop's own, or with ``""`` remove it."""
        age = "" if value else "; Max-Age=0"
        self.headers.append(("set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}"))
        return self


def _to(path: str) -> _Answer:
    answer = _Answer(status=303)
    answer.headers.append(("location", path))
    return answer


def build(tracker_url: str, write_key: str, *, is_consent_required: bool = False) -> Asgi:
    """The shop as an ASGI app.

    ``tracker_url`` is the address of ``footfall.js``, or of the server it comes from; with ``is_consent_required`` the
    shop asks its visitors first.
    """
    if not urlsplit(tracker_url).path.endswith(".js"):
        tracker_url = tracker_url.rstrip("/") + "/footfall.js"
    parts = urlsplit(tracker_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    policy = [
        "default-src 'none'",
        f"script-src 'self' {origin}",
        f"connect-src {origin}",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    headers = [
        ("content-security-policy", "; ".join(policy)),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        cookies = _cookies(scope)
        setting = Setting(
            tracker_url, write_key, is_consent_required, _read_lines(cookies.get("cart", "")), cookies.get("user", "")
        )
        if scope["method"] == "POST":
            answer = _change(scope["path"], await _form(receive), setting)
        elif scope["method"] in ("GET", "HEAD"):
            answer = _show(scope["path"], _query(scope["query_string"]), setting, cookies)
        else:
            answer = _Answer("Only GET and POST here.", 405, "text/plain; charset=utf-8")
        await _respond(send, answer, headers, has_body=scope["method"] != "HEAD")

    return app


def _show(path: str, query: dict[str, str], setting: Setting, cookies: dict[str, str]) -> _Answer:
    if path == "/":
        return _Answer(pages.home(setting))
    if path in _FILES:
        name, content_type = _FILES[path]
        answer = _Answer((_HERE / name).read_bytes(), 200, content_type)
        answer.headers.append(("cache-control", "max-age=60"))
        return answer
    if path.startswith("/pictures/"):
        drawn = catalogue.BY_SLUG.get(path.removeprefix("/pictures/").removesuffix(".svg"))
        if drawn is None:
            return _Answer("No such picture.", 404, "text/plain; charset=utf-8")
        answer = _Answer(draw(drawn), 200, "image/svg+xml")
        answer.headers.append(("cache-control", "max-age=86400"))
        return answer
    if path == "/search":
        words = query.get("q", "")[:200]
        return _Answer(pages.found(setting, words, catalogue.search(words)))
    if path == "/cart":
        return _Answer(pages.cart(setting))
    if path == "/checkout":
        return _Answer(pages.checkout(setting)) if setting.cart else _to("/cart")
    if path == "/account":
        answer = _Answer(pages.account(setting, has_just_signed_in=cookies.get("signed-in") == "1"))
        return answer.cookie("signed-in", "") if "signed-in" in cookies else answer
    order_id, _, ordered = cookies.get("order", "").partition("~")
    if order_id and path == pages.order_path(order_id):
        return _Answer(pages.confirmed(setting, order_id, _read_lines(ordered)))
    category = path.strip("/")
    if catalogue.in_category(category):
        return _Answer(pages.listing(setting, category, query.get("sort", "")))
    shown = catalogue.BY_SLUG.get(category.rpartition("/")[2])
    if shown and path == shown.path:
        return _Answer(pages.product(setting, shown))
    return _Answer(pages.missing(setting), 404)


def _change(path: str, form: dict[str, str], setting: Setting) -> _Answer:
    product = catalogue.BY_SLUG.get(form.get("product", ""))
    if path == "/cart/add" and product:
        n_added = int(form["quantity"]) if re.fullmatch(r"[1-9]\d?", form.get("quantity", "")) else 1
        n_before = next((line.quantity for line in setting.cart if line.product is product), 0)
        kept = [line for line in setting.cart if line.product is not product]
        return _to("/cart").cookie("cart", _write_lines([*kept, Line(product, min(n_before + n_added, 99))]))
    if path == "/cart/remove":
        return _to("/cart").cookie("cart", _write_lines([line for line in setting.cart if line.product is not product]))
    if path == "/checkout" and setting.cart:
        order_id = f"AF-{secrets.token_hex(4).upper()}"
        answer = (
            _to(pages.order_path(order_id))
            .cookie("order", f"{order_id}~{_write_lines(setting.cart)}")
            .cookie("cart", "")
        )
        email = _email(form)
        return answer.cookie("user", email) if email and not setting.user else answer
    if path == "/sign-in" and _email(form):
        return _to("/account").cookie("user", _email(form)).cookie("signed-in", "1")
    if path == "/sign-out":
        return _to("/").cookie("user", "")
    return _to("/")


def _email(form: dict[str, str]) -> str:
    email = form.get("email", "").strip()
    return email if re.fullmatch(r"[\w.+-]{1,64}@[\w.-]{1,120}", email, re.ASCII) else ""


def _write_lines(lines: list[Line] | Any) -> str:
    return "|".join(f"{line.product.slug}:{line.quantity}" for line in lines[-_LINES_MAX:])


def _read_lines(text: str) -> list[Line]:
    lines = []
    for part in text.split("|")[:_LINES_MAX]:
        slug, _, quantity = part.partition(":")
        if slug in catalogue.BY_SLUG and re.fullmatch(r"[1-9]\d?", quantity, re.ASCII):
            lines.append(Line(catalogue.BY_SLUG[slug], int(quantity)))
    return lines


def _cookies(scope: Scope) -> dict[str, str]:
    found: SimpleCookie = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found.load(value.decode("latin-1"))
            except CookieError:
                continue
    return {name: morsel.value for name, morsel in found.items()}


def _query(raw: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(raw.decode("latin-1"), max_num_fields=20).items()}


async def _form(receive: Receive) -> dict[str, str]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _BODY_MAX_BYTES:
            return {}
        if not message.get("more_body"):
            try:
                return _query(body)
            except ValueError:
                return {}


async def _respond(send: Send, answer: _Answer, headers: list[tuple[str, str]], has_body: bool) -> None:
    every = [*headers, *answer.headers, ("content-length", str(len(answer.body)))]
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in every]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body if has_body else b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
