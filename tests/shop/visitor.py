"""Who visits the shop in tests? A browser without scripts, straight at the application, and a reader of its pages."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx

from footfall_shop.app import build

HOST = "http://shop.example"
_VOID = {"area", "br", "circle", "ellipse", "hr", "img", "input", "link", "meta", "path"}


class Visitor:
    """A browser that keeps cookies and sends forms as browsers do; ``app`` is the shop."""

    def __init__(self, app: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST)
        self.cookies: dict[str, str] = {}
        """What the shop has set; a test may change it."""

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Look at a page."""
        return self.ask("GET", path, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send anything."""
        headers = more.pop("headers", {}) | {"cookie": "; ".join(f"{name}={v}" for name, v in self.cookies.items())}
        answer = self._loop.run_until_complete(self._client.request(method, path, headers=headers, **more))
        self.cookies |= dict(answer.cookies)
        self._client.cookies.clear()
        for name in [name for name, value in self.cookies.items() if value in ("", '""')]:
            del self.cookies[name]
        return answer

    def send(self, path: str, origin: str | None = HOST, **fields: str) -> httpx.Response:
        """Send a form; returns the answer, not the page it leads to."""
        headers = {"origin": origin} if origin else {}
        return self.ask("POST", path, data=fields, headers=headers)

    def follow(self, answer: httpx.Response) -> httpx.Response:
        """Look at the page that a form leads to."""
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])

    def add(self, product: str, quantity: int = 1, size: str = "", colour: str = "") -> httpx.Response:
        """Put something in the cart and look at the cart."""
        return self.follow(self.send("/cart/add", product=product, quantity=str(quantity), size=size, colour=colour))

    def order(self, **fields: str) -> httpx.Response:
        """Send the checkout with an address that holds, but for these fields."""
        whole = {
            "email": "ada@example.org", "name": "Ada Lindqvist", "address": "Quay 1", "city": "Lund",
            "postcode": "22100", "country": "SE", "delivery": "standard", "card": "4242 4242 4242 4242",
        }  # fmt: skip
        return self.send("/checkout", **(whole | fields))

    def close(self) -> None:
        """Leave."""
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()


@contextmanager
def shopping(**options: Any) -> Iterator[Visitor]:
    """A visitor of a shop of their own."""
    visitor = Visitor(build("https://footfall.example", "wk_test", **options))
    yield visitor
    visitor.close()


def told(page: httpx.Response) -> list[str]:
    """Names of what the page tells of itself, in order; ``identify`` where it says who it is."""
    return [event.get("event", "identify") for event in data_of(page)["events"]]


def event_of(page: httpx.Response, name: str) -> dict[str, Any]:
    """Properties of the event of this name."""
    return next(event["properties"] for event in data_of(page)["events"] if event.get("event") == name)


def data_of(page: httpx.Response) -> dict[str, Any]:
    """What the page hands to its scripts."""
    found: dict[str, Any] = json.loads(Reader(page.text).scripts["shop-data"])
    return found


class Reader(HTMLParser):
    """Reads a page and complains of what a validator would complain of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: dict[str, str] = {}
        self.problems: list[str] = []
        self.feed(text)
        self.close()
        self.problems += [f"<{tag}> isn't closed" for tag in self.open]
        self.problems += [f"id {name} is used twice" for name in sorted(set(self.ids)) if self.ids.count(name) > 1]
        self._check()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.problems += [f"{name} stands twice in <{tag}>" for name in set(names) if names.count(name) > 1]
        self.tags.append((tag, dict(attrs)))
        self.ids += [str(value) for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        tag, attributes = self.tags[-1] if self.tags else ("", {})
        if tag == "script" and self.open[-1:] == ["script"]:
            self.scripts[str(attributes.get("id") or attributes.get("type"))] = data
        elif data.strip():
            self.text.append(data.strip())

    def _check(self) -> None:
        labelled = {attributes.get("for") for tag, attributes in self.tags if tag == "label"}
        for tag, attributes in self.tags:
            if tag == "img" and not {"alt", "width", "height"} <= set(attributes):
                self.problems.append(f"an image lacks alt, width or height: {attributes}")
            if "style" in attributes or any(name.startswith("on") for name in attributes):
                self.problems.append(f"<{tag}> has style or script in it")
            if tag == "script" and "src" not in attributes and "json" not in str(attributes.get("type")):
                self.problems.append("a script stands in the page")
            if tag in ("input", "select") and attributes.get("id") and attributes["id"] not in labelled:
                self.problems.append(f"{attributes['id']} has no label")
            if tag == "form" and attributes.get("method") and attributes["method"] != "post":
                self.problems.append(f"a form is sent by {attributes['method']}")
        for tag in ("h1", "main", "title"):
            n = sum(found == tag for found, _ in self.tags)
            if n != 1:
                self.problems.append(f"{n} <{tag}>")
        main = next((position for position, (tag, _) in enumerate(self.tags) if tag == "main"), 0)
        if not any(tag == "header" for tag, _ in self.tags[:main]):
            self.problems.append("no header before main")
