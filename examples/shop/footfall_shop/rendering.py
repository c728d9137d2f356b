"""How does a page leave the shop? Templates with what every page needs, files that browsers may keep, and headers."""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie

from footfall_shop import catalogue, pictures, till
from footfall_shop.assortment import CAMPAIGNS, COLOURS, CURRENCY
from footfall_shop.store import SESSION_DAYS, Store, Visit
from footfall_shop.telling import Event

Asked = Request[Any, Any, Any]
SESSION_COOKIE = "shop_session"
FOR_EVER = "public, max-age=31536000, immutable"
_HERE = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir()) if path.suffix in _TYPES}
_FILES_VERSION = hashlib.sha256(b"".join(_FILES.values())).hexdigest()[:10]
_GZIP_MIN_BYTES = 600


@dataclass(frozen=True)
class Install:
    """How the tracker is on the pages: where it comes from, and what it listens to."""

    script: str
    write_key: str
    kind: str
    """``tag`` (the pages call ``footfall.track``) or ``data-layer`` (they fill ``dataLayer``)."""
    is_consent_required: bool
    legacy_order: bool

    @property
    def image(self) -> str:
        """What browsers without scripts ask for: a page view, told by the address of the page."""
        return f"{self.script.rpartition('/')[0]}/v1/pixel.gif?{urlencode({'write_key': self.write_key})}"

    @property
    def policy(self) -> str:
        """Content-Security-Policy of every page."""
        parts = urlsplit(self.script)
        origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
        return (
            f"default-src 'none'; script-src 'self'{origin}; connect-src 'self'{origin}; style-src 'self'; "
            f"img-src 'self'{origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )


def money(amount: float) -> str:
    """``1234.5`` as the shop prints it."""
    return f"${amount:,.2f}"


def file_path(name: str) -> str:
    """Address of a file of the shop's that never changes."""
    return f"/static/{_FILES_VERSION}/{name}"


class Renderer:
    """Makes responses."""

    def __init__(self, install: Install, store: Store) -> None:
        self.install, self.store = install, store
        self._env = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.filters["money"] = money
        self._env.globals.update(
            install=install, file=file_path, picture=pictures.picture_path, scene=pictures.scene_path,
            title_of=catalogue.title_of, children=catalogue.children, colours=COLOURS, free_from=till.FREE_FROM,
            campaigns=CAMPAIGNS, products_by_slug=catalogue.BY_SLUG,
        )  # fmt: skip

    def visit(self, request: Asked) -> Visit:
        """Who is asking."""
        return self.store.visit(request.cookies.get(SESSION_COOKIE, ""))

    def page(
        self,
        request: Asked,
        visit: Visit,
        template: str,
        *,
        title: str,
        page: tuple[str, str],
        events: Sequence[Event] = (),
        status: int = 200,
        products: Mapping[str, Any] | None = None,
        promotions: Mapping[str, Any] | None = None,
        about: str = "",
        is_told_once: bool = False,
        **context: Any,
    ) -> Response[bytes]:
        """A page; ``page`` is its category and name for the tracker, and what waited to be told is told first.

        A page with something to tell that must not be told again (``is_told_once``, or what waited) is kept by no
        browser: the back button asks for it anew. ``products`` and ``promotions`` say what a click on one of them
        tells, by slug and name.
        """
        pending = [] if request.scope.get("is_head") else self.store.take_pending(visit)
        data = {
            "page": page,
            "events": [*pending, *events],
            "products": products or {},
            "promotions": promotions or {},
            "currency": CURRENCY,
            "legacyOrder": self.install.legacy_order,
        }
        context |= {"visit": visit, "title": title, "about": about, "data": data, "path": request.scope["path"]}
        text = self._env.get_template(template).render(context | {"query": context.get("query", "")})
        cache = "no-store" if pending or is_told_once else "private, no-cache"
        return self.answer(request, text.encode(), "text/html", status, visit=visit, cache=cache)

    def answer(
        self,
        request: Asked,
        body: bytes,
        media_type: str,
        status: int = 200,
        *,
        visit: Visit | None = None,
        cache: str = "private, no-cache",
    ) -> Response[bytes]:
        """Bytes with the headers they need, compressed if the browser takes that."""
        headers = {"cache-control": cache}
        if len(body) >= _GZIP_MIN_BYTES:
            headers["vary"] = "accept-encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                body = _packed(body) if cache == FOR_EVER else gzip.compress(body, 4, mtime=0)
                headers["content-encoding"] = "gzip"
        return Response(
            body, status_code=status, media_type=media_type, headers=headers, cookies=_cookies(request, visit)
        )

    def file(self, request: Asked, name: str) -> Response[bytes] | None:
        """A file of the shop's own, or ``None``."""
        body = _FILES.get(name)
        return self.answer(request, body, _TYPES[Path(name).suffix], cache=FOR_EVER) if body is not None else None

    def picture(self, request: Asked, name: str) -> Response[bytes] | None:
        """A picture, or ``None``."""
        drawn = pictures.named(name)
        return self.answer(request, drawn.encode(), "image/svg+xml", cache=FOR_EVER) if drawn else None

    def to(self, request: Asked, path: str, visit: Visit | None = None) -> Response[bytes]:
        """Go to another page of the shop (after a change: so that a reload doesn't do it again)."""
        headers = {"location": path, "cache-control": "no-store"}
        return Response(
            b"", status_code=303, media_type="text/plain", headers=headers, cookies=_cookies(request, visit)
        )


@lru_cache(maxsize=1024)
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


def _cookies(request: Asked, visit: Visit | None) -> list[Cookie]:
    if visit is None or visit.new_secret is None:
        return []
    age_s = SESSION_DAYS * 86_400 if visit.new_secret else 0
    is_https = request.scope["scheme"] == "https"
    secret, visit.new_secret = visit.new_secret, None
    return [
        Cookie(SESSION_COOKIE, value=secret, max_age=age_s, path="/", httponly=True, samesite="lax", secure=is_https)
    ]
