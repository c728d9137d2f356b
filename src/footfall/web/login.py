"""How does a person get in? One-time links that set a password, passwords, and out again; guessing is slowed down."""

import hashlib
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta

from footfall.base.clock import Clock
from footfall.base.errors import Missing
from footfall.ports import Definitions, NewSession, Principal, User
from footfall.web.auth import Doorman
from footfall.web.buckets import TokenBuckets
from footfall.web.errors import NotAllowed, NotLoggedIn, TooManyTries
from footfall.web.pages import Pages
from footfall.web.passwords import MAX_LENGTH, MIN_LENGTH, Passwords, check_new
from footfall.web.permissions import ALLOWED, Permission, reaches
from footfall.web.shapes import LinkInfo, LoggedIn, Me, SiteName, UserRow, answers, iso

AnyRequest = Request[Any, Any, Any]
_Password = Annotated[str, Meta(max_length=MAX_LENGTH)]
_Email = Annotated[str, Meta(max_length=254)]
_Token = Annotated[str, Meta(max_length=128)]
LinkToken = Annotated[str, QueryParameter(max_length=128, description="The token of the link.")]


class Login(msgspec.Struct):
    """Body of ``POST /api/login``."""

    email: _Email
    password: _Password


class LoginByLink(msgspec.Struct):
    """Body of ``POST /api/login/link``; ``email`` replaces the one the account was made with."""

    token: _Token
    password: _Password
    email: _Email | None = None


class PasswordChange(msgspec.Struct):
    """Body of ``POST /api/me/password``."""

    current: _Password
    password: _Password


class Throttle:
    """Slows guessing down by account and address, by account, and by address; known and unknown accounts alike."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pairs = TokenBuckets(rate_per_s=1 / 15, burst=20)
        self._accounts = TokenBuckets(rate_per_s=1 / 5, burst=100)
        self._addresses = TokenBuckets(rate_per_s=1 / 2, burst=60)

    def take(self, address: str, account: str = "") -> None:
        """Count a try, or raise ``TooManyTries``."""
        now_ms = self._clock.now_ms()
        wait_s = self._addresses.take(address, 1, now_ms)
        if account and not wait_s:
            key = hashlib.sha256(account.strip().casefold().encode()).digest()
            wait_s = self._pairs.take((key, address), 1, now_ms) or self._accounts.take(key, 1, now_ms)
        if wait_s:
            raise TooManyTries(f"Too many tries. Try again in {wait_s} s.", wait_s)


def user_row(user: User) -> UserRow:
    """A user as the API shows it."""
    sites = None if user.sites is None else list(user.sites)
    created = iso(user.created_ms)
    return UserRow(user.id, user.email, user.name, user.role, sites, user.has_password, user.is_archived, created)


def login_routes(definitions: Definitions, doorman: Doorman, clock: Clock, pages: Pages) -> list[BaseRouteHandler]:
    """Everything about getting in and out, and about oneself."""
    passwords, throttle = Passwords(), Throttle(clock)

    async def let_in(request: AnyRequest, user_id: int) -> Response[LoggedIn]:
        session: NewSession = await anyio.to_thread.run_sync(definitions.add_session, user_id)
        max_age_s = (session.expires_ms - clock.now_ms()) // 1000
        answer = LoggedIn(session.csrf, iso(session.expires_ms), user_row(session.user))
        return Response(answer, cookies=[doorman.cookie(request, session.secret, max_age_s)])

    async def whom(request: AnyRequest, token: str) -> LinkInfo:
        throttle.take(doorman.address(request))
        user = await anyio.to_thread.run_sync(definitions.login_link, token)
        if user is None:
            raise Missing("This link was used or has expired. Ask for a new one.", code="link_expired")
        return LinkInfo(user.email, user.name, MIN_LENGTH)

    @get("/login", opt={"permission": Permission.PUBLIC}, include_in_schema=False)
    async def login_page(request: AnyRequest, token: LinkToken = "") -> Response[Any]:
        accept = request.headers.get("accept", "")
        if token and "text/html" not in accept and "application/json" in accept:
            return Response(await whom(request, token))
        return await anyio.to_thread.run_sync(pages.index)

    @get(
        "/api/login/link",
        opt={"permission": Permission.PUBLIC},
        summary="Whom a login link lets in",
        responses=answers(),
    )
    async def link_info(request: AnyRequest, token: LinkToken) -> LinkInfo:
        return await whom(request, token)

    @post(
        "/api/login/link",
        status_code=200,
        opt={"permission": Permission.PUBLIC},
        summary="Set a password by link",
        responses=answers(),
    )
    async def by_link(request: AnyRequest, data: JSONBody[LoginByLink]) -> Response[LoggedIn]:
        throttle.take(doorman.address(request))
        user = await anyio.to_thread.run_sync(definitions.login_link, data.token)
        if user is not None:
            check_new(data.password, user.email, user.name, data.email or "")
            password_hash = await passwords.hash(data.password)
            user = await anyio.to_thread.run_sync(definitions.use_login_link, data.token, password_hash, data.email)
        if user is None:
            raise Missing("This link was used or has expired. Ask for a new one.", code="link_expired")
        return await let_in(request, user.id)

    @post("/api/login", status_code=200, opt={"permission": Permission.PUBLIC}, summary="Log in", responses=answers())
    async def by_password(request: AnyRequest, data: JSONBody[Login]) -> Response[LoggedIn]:
        throttle.take(doorman.address(request), data.email)
        known = await anyio.to_thread.run_sync(definitions.password_hash, data.email)
        if not await passwords.is_right(known[1] if known else None, data.password) or known is None:
            raise NotLoggedIn("E-mail or password is wrong.", code="wrong_login")
        user_id, old_hash = known
        if passwords.is_outdated(old_hash):
            new_hash = await passwords.hash(data.password)
            await anyio.to_thread.run_sync(definitions.rehash_password, user_id, old_hash, new_hash)
        return await let_in(request, user_id)

    @post("/api/logout", status_code=200, opt={"permission": Permission.SELF}, summary="Log out", responses=answers())
    async def log_out(request: AnyRequest) -> Response[dict[str, bool]]:
        principal: Principal = request.user
        if principal.session_id:
            await anyio.to_thread.run_sync(definitions.end_session, principal.session_id)
        return Response({"logged_out": True}, cookies=[doorman.cookie(request, "", 0)])

    @get("/api/me", opt={"permission": Permission.SELF}, summary="Who am I?", responses=answers())
    async def me(request: AnyRequest) -> Me:
        asker: Principal = request.user
        mine = [site for site in definitions.sites() if reaches(asker, site.number) and not site.is_archived]
        sites = [SiteName(site.number, site.name) for site in mine]
        may = [str(permission) for permission in sorted(ALLOWED[asker.role])]
        return Me(asker.kind, asker.id, asker.name, asker.role, may, sites, asker.csrf)

    @post(
        "/api/me/password",
        status_code=200,
        opt={"permission": Permission.SELF},
        summary="Change my password",
        responses=answers(),
    )
    async def change_password(request: AnyRequest, data: JSONBody[PasswordChange]) -> dict[str, bool]:
        asker: Principal = request.user
        if asker.kind != "user":
            raise NotAllowed("Only a person has a password.")
        throttle.take(doorman.address(request), asker.name)
        known = await anyio.to_thread.run_sync(definitions.password_hash, asker.name)
        if not await passwords.is_right(known[1] if known else None, data.current):
            raise NotAllowed("The current password is wrong.", code="wrong_login")
        check_new(data.password, asker.name)
        password_hash = await passwords.hash(data.password)

        def store() -> None:
            definitions.set_password_hash(asker.id, password_hash, by=asker.actor, keep_session_id=asker.session_id)

        await anyio.to_thread.run_sync(store)
        return {"changed": True}

    return [login_page, link_info, by_link, by_password, log_out, me, change_password]
