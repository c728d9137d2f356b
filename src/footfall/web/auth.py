"""Who is asking, and is it their own doing? Cookies, tokens, origins; decisions are left to :mod:`.permissions`."""

import hmac
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, Headers
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from footfall.ports import Definitions, Principal
from footfall.settings import Settings
from footfall.web.envelope import Proxies
from footfall.web.errors import NotAllowed, NotJson
from footfall.web.permissions import Permission, authorise

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE = "footfall_session"
_MACHINE = Principal("machine", 0, "this machine", "machine", None)

Connection = ASGIConnection[Any, Any, Any, Any]


class Doorman:
    """Reads from a request where it comes from and who sends it."""

    def __init__(self, definitions: Definitions, settings: Settings) -> None:
        self._definitions = definitions
        self._proxies = Proxies(settings.trusted_proxies, _by_network)
        public = urlsplit(settings.public_url.strip().lower())
        self._public_origin = f"{public.scheme}://{public.netloc}" if public.netloc else ""

    def address(self, connection: Connection) -> str:
        """Network address of the client behind trusted proxies: IPv4 whole, IPv6 by its /64; empty if unknown."""
        peer = connection.client.host if connection.client else ""
        return self._proxies.client(peer, connection.headers.get("x-forwarded-for", "").encode("latin-1", "replace"))

    def is_https(self, connection: Connection) -> bool:
        """Whether the browser speaks https, to us or to a trusted proxy before us."""
        if connection.scope["scheme"] == "https" or self._public_origin.startswith("https:"):
            return True
        peer = connection.client.host if connection.client else ""
        return self._proxies.is_trusted(peer) and connection.headers.get("x-forwarded-proto", "").strip() == "https"

    def is_foreign(self, connection: Connection) -> bool:
        """Whether a page of another origin is behind this request."""
        origin = connection.headers.get("origin")
        if origin is None:
            is_elsewhere = connection.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
            return is_elsewhere and connection.scope.get("method") not in _SAFE
        if self._public_origin and origin.lower() == self._public_origin:
            return False
        parts = urlsplit(origin.lower())
        return parts.scheme not in {"http", "https"} or parts.netloc != connection.headers.get("host", "").lower()

    def cookie(self, connection: Connection, secret: str, max_age_s: int) -> Cookie:
        """The session cookie; an empty secret with age 0 takes it away."""
        is_https = self.is_https(connection)
        name = f"__Host-{_COOKIE}" if is_https else _COOKIE
        return Cookie(name, value=secret, path="/", max_age=max_age_s, httponly=True, samesite="lax", secure=is_https)

    def principal(self, connection: Connection) -> Principal | None:
        """Whoever holds the credential that was sent; a bearer goes before a cookie. Reads the database."""
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._definitions.principal_of_bearer(bearer.strip())
        secret = connection.cookies.get(f"__Host-{_COOKIE}" if self.is_https(connection) else _COOKIE)
        return self._definitions.principal_of_session(secret) if secret else None

    def is_this_machine(self, connection: Connection) -> bool:
        """Whether the request comes straight from this machine, by a name of this machine, through no proxy."""
        headers = connection.headers
        if headers.get("x-forwarded-for") or headers.get("forwarded") or headers.get("authorization"):
            return False
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        return _is_loopback(connection.client.host if connection.client else "") and (
            host == "localhost" or _is_loopback(host)
        )


class Authenticate(ASGIMiddleware):
    """Puts the principal into ``scope["user"]`` where a route needs one, and turns away what a foreign page sends."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, doorman: Doorman) -> None:
        self._doorman = doorman

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: Connection = ASGIConnection(scope, receive, send)
        permission = permission_of(connection.route_handler)
        scope["user"], scope["auth"] = None, None
        if scope["path"].startswith("/api/") and self._doorman.is_foreign(connection):
            raise NotAllowed("This request comes from a page of another origin.", code="foreign_origin")
        if permission is not Permission.PUBLIC:
            principal = await anyio.to_thread.run_sync(self._doorman.principal, connection)
            if principal is None and permission is Permission.METRICS and self._doorman.is_this_machine(connection):
                principal = _MACHINE
            scope["user"] = principal
        _check_form(connection, scope["user"])
        await next_app(scope, receive, send)


def guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Litestar's guard of every route: ask :func:`authorise` for the permission that the route names."""
    authorise(connection.scope["user"], permission_of(handler))


def permission_of(handler: BaseRouteHandler) -> Permission:
    """What a route needs; a route that names nothing can't be reached by anybody."""
    permission = handler.opt.get("permission")
    if not isinstance(permission, Permission):
        raise NotAllowed("This route names no permission.")
    return permission


def _check_form(connection: Connection, principal: Principal | None) -> None:
    """A browser's write must prove that our page made it, and must be JSON, which no HTML form can send."""
    headers = connection.headers
    if connection.scope.get("method") in _SAFE or headers.get("authorization"):
        return
    if principal is not None and principal.kind == "user":
        sent = headers.get("x-csrf-token", "")
        if not hmac.compare_digest(sent.encode(), principal.csrf.encode()):
            raise NotAllowed("Send `X-CSRF-Token` with the value of `csrf` from `GET /api/me`.", code="csrf")
    if _has_body(headers) and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise NotJson("Send JSON with `Content-Type: application/json`.")


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _by_network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
