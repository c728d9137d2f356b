"""Who may change sites, users and tokens, and how? The admin's routes; each change is audited where it is stored."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from footfall.base.errors import BadInput, Missing
from footfall.ports import AuditCheck, Definitions, Site, Token
from footfall.web.login import user_row
from footfall.web.permissions import Permission, authorise, reaches
from footfall.web.reading import Cursor, Limit
from footfall.web.shapes import (
    AuditItem,
    AuditPage,
    Key,
    LoginUrl,
    NewSite,
    NewToken,
    NewUser,
    SiteList,
    TokenList,
    TokenRow,
    UserList,
    UserRow,
    answers,
    iso,
)
from footfall.web.threads import on_thread

AnyRequest = Request[Any, Any, Any]
_Name = Annotated[str, Meta(min_length=1, max_length=100)]
_Email = Annotated[str, Meta(max_length=254)]
_Origins = Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(max_length=100)]
_Sites = Annotated[list[int], Meta(max_length=65_535)]
Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


class SiteAdd(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /api/sites``."""

    name: _Name
    origins: _Origins = []


class SiteChange(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``PATCH /api/sites/{number}``; what is absent stays."""

    name: _Name | None = None
    origins: _Origins | None = None
    is_archived: bool | None = None


class KeyRenewal(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /api/sites/{number}/keys``."""

    which: Literal["write", "server"]


class UserAdd(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /api/users``; ``sites`` absent or ``null`` is every site."""

    email: _Email
    role: str
    name: Annotated[str, Meta(max_length=100)] = ""
    sites: _Sites | None = None


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``PATCH /api/users/{id}``; what is absent stays, ``"sites": null`` is every site."""

    email: _Email | None = None
    name: _Name | None = None
    role: str | None = None
    sites: _Sites | msgspec.UnsetType | None = msgspec.UNSET
    is_archived: bool | None = None


class TokenAdd(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /api/tokens``; ``sites`` absent or ``null`` is every site."""

    name: _Name
    role: str
    sites: _Sites | None = None


def token_row(token: Token) -> TokenRow:
    """A token as the API shows it."""
    sites = None if token.sites is None else list(token.sites)
    return TokenRow(token.id, token.name, token.role, sites, iso(token.created_ms), token.is_revoked)


def deciding_routes(definitions: Definitions) -> list[BaseRouteHandler]:
    """Everything that admins do, and the list of sites that everybody sees their part of."""
    admin: dict[str, Any] = {"opt": {"permission": Permission.ADMIN}, "responses": answers()}
    read: dict[str, Any] = {"opt": {"permission": Permission.READ}, "responses": answers()}

    @get("/api/sites", **read)
    async def sites(request: AnyRequest) -> SiteList:
        return SiteList([site for site in definitions.sites() if reaches(request.user, site.number)])

    @get("/api/sites/{number:int}", **read)
    async def site(request: AnyRequest, number: Number) -> Site:
        authorise(request.user, Permission.READ, number)
        found = next((site for site in definitions.sites() if site.number == number), None)
        if found is None:
            raise Missing(f"There is no site {number}.")
        return found

    @post("/api/sites", **admin)
    @on_thread
    def add_site(request: AnyRequest, data: JSONBody[SiteAdd]) -> NewSite:
        return NewSite(*definitions.add_site(data.name, data.origins, by=request.user.actor))

    @patch("/api/sites/{number:int}", **admin)
    @on_thread
    def change_site(request: AnyRequest, number: Number, data: JSONBody[SiteChange]) -> Site:
        by = request.user.actor
        return definitions.change_site(
            number, by=by, name=data.name, origins=data.origins, is_archived=data.is_archived
        )

    @delete("/api/sites/{number:int}", status_code=200, **admin)
    @on_thread
    def archive_site(request: AnyRequest, number: Number) -> Site:
        return definitions.change_site(number, by=request.user.actor, is_archived=True)

    @post("/api/sites/{number:int}/keys", **admin)
    @on_thread
    def renew_key(request: AnyRequest, number: Number, data: JSONBody[KeyRenewal]) -> Key:
        by = request.user.actor
        if data.which == "write":
            return Key(definitions.renew_write_key(number, by=by).write_key)
        return Key(definitions.renew_server_key(number, by=by))

    @get("/api/users", **admin)
    @on_thread
    def users() -> UserList:
        return UserList([user_row(user) for user in definitions.users()])

    @get("/api/users/{number:int}", **admin)
    @on_thread
    def user(number: Number) -> UserRow:
        found = next((user for user in definitions.users() if user.id == number), None)
        if found is None:
            raise Missing(f"There is no user {number}.")
        return user_row(found)

    @post("/api/users", **admin)
    @on_thread
    def add_user(request: AnyRequest, data: JSONBody[UserAdd]) -> NewUser:
        by = request.user.actor
        made = definitions.add_user(data.email, data.name, data.role, data.sites, by=by)
        return NewUser(user_row(made), f"/login?token={definitions.add_login_link(made.id, by=by)}")

    @patch("/api/users/{number:int}", **admin)
    @on_thread
    def change_user(request: AnyRequest, number: Number, data: JSONBody[UserChange]) -> UserRow:
        changes = {
            field: value
            for field, value in msgspec.structs.asdict(data).items()
            if value is not msgspec.UNSET and (value is not None or field == "sites")
        }
        return user_row(definitions.change_user(number, by=request.user.actor, **changes))

    @delete("/api/users/{number:int}", status_code=200, **admin)
    @on_thread
    def archive_user(request: AnyRequest, number: Number) -> UserRow:
        return user_row(definitions.change_user(number, by=request.user.actor, is_archived=True))

    @post("/api/users/{number:int}/login-link", **admin)
    @on_thread
    def add_login_link(request: AnyRequest, number: Number) -> LoginUrl:
        return LoginUrl(f"/login?token={definitions.add_login_link(number, by=request.user.actor)}")

    @get("/api/tokens", **admin)
    @on_thread
    def tokens() -> TokenList:
        return TokenList([token_row(token) for token in definitions.tokens()])

    @post("/api/tokens", **admin)
    @on_thread
    def add_token(request: AnyRequest, data: JSONBody[TokenAdd]) -> NewToken:
        token, secret = definitions.add_token(data.name, data.role, data.sites, by=request.user.actor)
        return NewToken(token_row(token), secret)

    @delete("/api/tokens/{number:int}", status_code=200, **admin)
    @on_thread
    def revoke_token(request: AnyRequest, number: Number) -> TokenRow:
        return token_row(definitions.revoke_token(number, by=request.user.actor))

    @get("/api/audit", **admin)
    @on_thread
    def audit(limit: Limit = 50, cursor: Cursor = None) -> AuditPage:
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
            raise BadInput("This cursor isn't one that this list gave.", code="bad_cursor")
        rows = definitions.audit(limit + 1, None if cursor is None else int(cursor))
        items = [
            AuditItem(r.number, iso(r.time_ms), r.actor, r.action, r.site, r.detail, r.previous, r.hash)
            for r in rows[:limit]
        ]
        return AuditPage(items, str(items[-1].number) if len(rows) > limit else None)

    @get("/api/audit/check", **admin)
    @on_thread
    def check_audit() -> AuditCheck:
        return definitions.verify_audit()

    reading = [sites, site, users, user, tokens, audit, check_audit]
    changing = [add_site, change_site, archive_site, renew_key, add_user, change_user, archive_user, add_login_link]
    return [*reading, *changing, add_token, revoke_token]
