"""How is the shop served? One ASGI application: its pages, its forms, and the tracker on its own domain."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from litestar import Litestar, Response
from litestar.exceptions import HTTPException

from footfall_shop import changes, pages
from footfall_shop.proxy import PREFIX, Proxy
from footfall_shop.rendering import Asked, Install, Renderer
from footfall_shop.store import Store

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_FORM_MAX_BYTES = 32_000


def build(
    tracker_url: str,
    write_key: str,
    *,
    install: Literal["tag", "data-layer"] = "tag",
    is_consent_required: bool = False,
    database: Path | None = None,
    upstream_url: str = "",
    legacy_order: bool = False,
) -> Asgi:
    """The shop as an ASGI application.

    ``tracker_url`` is where browsers get ``footfall.js``: the address of the script, or of the server it comes from,
    or ``/ff`` for the shop's own domain; then ``upstream_url`` is the Footfall server behind it. With
    ``install="tag"`` the pages call the tracker, with ``"data-layer"`` they fill Google Tag Manager's ``dataLayer``,
    and with ``legacy_order`` the order page writes the older Enhanced E-commerce shape there too. With
    ``is_consent_required`` the shop asks its visitors first. Without ``database`` it forgets all when it ends.
    """
    if install not in ("tag", "data-layer"):
        raise ValueError(f"install must be 'tag' or 'data-layer', not {install!r}")
    parts = urlsplit(tracker_url)
    if not parts.netloc and not upstream_url:
        raise ValueError(f"upstream_url must name the Footfall server that the shop fetches {tracker_url}/ from")
    script = tracker_url if parts.path.endswith(".js") else f"{tracker_url.rstrip('/')}/footfall.js"
    upstream = upstream_url or f"{parts.scheme}://{parts.netloc}"
    kept = Install(script, write_key, install, is_consent_required, legacy_order)
    return Shop(kept, Store(database), Proxy(upstream))


class Shop:
    """The application."""

    def __init__(self, install: Install, store: Store, proxy: Proxy) -> None:
        self._renderer = Renderer(install, store)
        self._store, self._proxy = store, proxy
        self._headers = [
            (b"content-security-policy", install.policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"geolocation=(), camera=(), microphone=()"),
        ]
        self._litestar = Litestar(
            [*pages.routes(self._renderer), *changes.routes(self._renderer)],
            openapi_config=None,
            logging_config=None,
            request_max_body_size=_FORM_MAX_BYTES,
            exception_handlers={HTTPException: self._failure, Exception: self._crash},
            on_shutdown=[self._close],
        )

    async def _close(self) -> None:
        await self._proxy.close()
        self._store.close()

    def _failure(self, request: Asked, problem: HTTPException) -> Response[bytes]:
        """A page that says what went wrong and where to go on."""
        status = problem.status_code
        if status == HTTPStatus.NOT_FOUND:
            title, text = "Nothing here", "The page may have moved, or the thing is sold and gone."
        else:
            title, text = (
                "That didn't work",
                "The shop couldn't read what the browser sent. Please go back and try again.",
            )
        return self._renderer.page(
            request, self._renderer.visit(request), "missing.html", title=title, text=text, status=status,
            page=("not-found", title),
        )  # fmt: skip

    def _crash(self, request: Asked, problem: Exception) -> Response[bytes]:
        """An error of the shop's own: written to the log, and nothing of it on the page."""
        logger.error("%s %s failed", request.method, request.scope["path"], exc_info=problem)
        body = b"<!doctype html><title>Sorry</title><h1>Sorry</h1><p>Something broke on our side. Please try again."
        return Response(body, status_code=500, media_type="text/html")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._litestar(scope, receive, send)  # type: ignore[arg-type]
            return
        if scope["path"].startswith(f"{PREFIX}/"):
            await self._proxy(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "is_head": True}  # the server keeps the body back
        elif scope["method"] == "POST" and not _is_own(scope):
            await _refuse(send, 403, b"This form must be sent from a page of the shop itself.")
            return
        elif b"prefetch" in dict(scope["headers"]).get(b"sec-purpose", b""):
            await _refuse(send, 503, b"Not before it is looked at.")  # the page would tell what nobody has seen
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self._headers]}
            await send(message)

        await self._litestar(scope, receive, send_with_headers)  # type: ignore[arg-type]


def _is_own(scope: Scope) -> bool:
    """Whether a form comes from a page of this very host: browsers say so in ``Origin``."""
    headers = dict(scope["headers"])
    scheme, _, origin = headers.get(b"origin", b"").partition(b"://")
    return scheme in (b"http", b"https") and bool(origin) and origin == headers.get(b"host", b"")


async def _refuse(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
