"""Where do sites, users, tokens and the audit log live? In SQL: the file ``definitions.db``, or Postgres by URL.

Every change and its audit row are one transaction. The audit log is a chain: each row's hash covers the row and the
hash before it, and the chain's length and last hash stand in a row of their own.
"""

import hashlib
import os
import re
import secrets as chance
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, IntegrityError

from footfall.adapters import definitions_schema as t
from footfall.base.clock import Clock, SystemClock
from footfall.base.errors import BadInput, FootfallError, Missing, Unavailable
from footfall.base.ids import random_key
from footfall.ports import (
    ROLES,
    AuditCheck,
    AuditRow,
    Created,
    Import,
    NewSession,
    Principal,
    Site,
    Token,
    User,
)

FILE_NAME = "definitions.db"
LINK_LIFE_MS = 24 * 3600 * 1000
"""How long a one-time login link works."""
SESSION_LIFE_MS = 7 * 24 * 3600 * 1000
"""How long a browser stays logged in."""
VISITOR_ID_KEY = "visitor_id_key"
"""Name of the secret that visitor ids are made with."""
FIRST_EMAIL = "admin@localhost"
"""E-mail of the first admin until the login page is told another."""

_GENESIS = "0" * 64
_WRITE = "footfall_write"
_MIGRATION_LOCK = 0x666F6F74
_migrating = threading.Lock()
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


def is_created(data: Path) -> bool:
    """Whether this data folder has definitions with at least one user."""
    path = data / FILE_NAME
    if not path.exists():
        return False
    definitions = SqlDefinitions(_url(path))
    try:
        return bool(definitions.users())
    finally:
        definitions.close()


def create(
    data: Path, *, site_name: str = "shop", email: str = FIRST_EMAIL, url: str = "", clock: Clock | None = None
) -> Created:
    """Make a data folder's definitions: one site, one admin with a login link, one admin token, the visitor id key.

    All in one transaction; ``BadInput`` (``already_created``) if there are users already. Only the owner can read the
    folder and the file.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    definitions = SqlDefinitions(url or _url(data / FILE_NAME), clock or SystemClock())
    try:
        return definitions.create(site_name, email)
    finally:
        definitions.close()


def open_definitions(data: Path, *, url: str = "", clock: Clock | None = None) -> "SqlDefinitions":
    """Open what :func:`create` made, and bring its layout up to date; ``Missing`` if there is nothing."""
    path = data / FILE_NAME
    hint = f"Nothing is set up in {data}. Run `footfall init --data {data}`."
    if not url and not path.exists():
        raise Missing(hint, code="not_created")
    definitions = SqlDefinitions(url or _url(path), clock or SystemClock())
    if not definitions.users():
        definitions.close()
        raise Missing(hint, code="not_created")
    return definitions


class SqlDefinitions:
    """:class:`footfall.ports.Definitions` over SQLAlchemy; opening runs the migrations."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._engine = _engine(url)
        self._writer = self._engine.execution_options(**{_WRITE: True})
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._reader = self._engine if is_sqlite else self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._site_lock = threading.Lock()
        self._sites: dict[int, Site] = {}
        self._by_write_key: dict[str, Site] = {}
        try:
            self._migrate()
            self.refresh()
        except FootfallError:
            self._engine.dispose()
            raise

    # --- setting up

    def create(self, site_name: str, email: str) -> Created:
        """The first site, admin, token and secret; see :func:`create`."""
        by = "setup"
        with self._write() as tx:
            if tx.execute(sa.select(sa.func.count()).select_from(t.users)).scalar_one():
                raise BadInput("This data folder is set up already.", code="already_created")
            site, server_key = self._insert_site(tx, site_name, (), by)
            user = self._insert_user(tx, email, "Admin", "admin", None, by)
            link = self._insert_login_link(tx, user.id, by)
            _, token = self._insert_token(tx, "setup", "admin", None, by)
            self._secret(tx, VISITOR_ID_KEY, 16)
        self.refresh()
        return Created(site, site.write_key, server_key, token, f"/login?token={link}")

    def close(self) -> None:
        self._engine.dispose()

    # --- sites

    def site_of_write_key(self, write_key: str) -> Site | None:
        return self._by_write_key.get(write_key)

    def refresh(self) -> None:
        with self._site_lock, self._read() as tx:
            rows = tx.execute(sa.select(t.sites).order_by(t.sites.c.number)).all()
            found = [_site(row) for row in rows]
            self._sites = {site.number: site for site in found}
            self._by_write_key = {site.write_key: site for site in found if not site.is_archived}

    def sites(self) -> list[Site]:
        return list(self._sites.values())

    def add_site(self, name: str, origins: Sequence[str], *, by: str) -> tuple[Site, str]:
        with self._write() as tx:
            made = self._insert_site(tx, name, origins, by)
        self.refresh()
        return made

    def change_site(
        self,
        number: int,
        *,
        by: str,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        is_archived: bool | None = None,
    ) -> Site:
        changes: dict[str, Any] = {}
        with self._write() as tx:
            before = self._site_row(tx, number)
            if name is not None and name != before.name:
                changes["name"] = self._free_site_name(tx, name)
            if origins is not None:
                changes["origins"] = list(_origins(origins))
            if is_archived is not None:
                changes["is_archived"] = is_archived
            if changes:
                tx.execute(sa.update(t.sites).where(t.sites.c.number == number).values(**changes))
                self._audit(tx, by, "site.change", number, changes)
            site = self._site_row(tx, number)
        self.refresh()
        return site

    def renew_write_key(self, number: int, *, by: str) -> Site:
        with self._write() as tx:
            self._site_row(tx, number)
            tx.execute(sa.update(t.sites).where(t.sites.c.number == number).values(write_key=random_key("wk")))
            self._audit(tx, by, "site.renew_write_key", number, {})
            site = self._site_row(tx, number)
        self.refresh()
        return site

    def renew_server_key(self, number: int, *, by: str) -> str:
        server_key = random_key("sk")
        with self._write() as tx:
            self._site_row(tx, number)
            new = {"server_key_hash": _hash(server_key)}
            tx.execute(sa.update(t.sites).where(t.sites.c.number == number).values(**new))
            self._audit(tx, by, "site.renew_server_key", number, {})
        return server_key

    # --- users

    def users(self) -> list[User]:
        with self._read() as tx:
            return [_user(row) for row in tx.execute(sa.select(t.users).order_by(t.users.c.id))]

    def add_user(self, email: str, name: str, role: str, sites: Sequence[int] | None, *, by: str) -> User:
        with self._write() as tx:
            return self._insert_user(tx, email, name, role, sites, by)

    def change_user(
        self,
        user_id: int,
        *,
        by: str,
        email: str | None = None,
        name: str | None = None,
        role: str | None = None,
        sites: Sequence[int] | msgspec.UnsetType | None = msgspec.UNSET,
        is_archived: bool | None = None,
    ) -> User:
        changes: dict[str, Any] = {}
        with self._write() as tx:
            before = self._user_row(tx, user_id)
            if email is not None and _email(email) != before.email:
                changes["email"] = self._free_email(tx, email)
            if name is not None:
                changes["name"] = _name(name)
            if is_archived is not None:
                changes["is_archived"] = is_archived
            if role is not None or sites is not msgspec.UNSET:
                new_role = before.role if role is None else role
                new_sites = before.sites if isinstance(sites, msgspec.UnsetType) else sites
                if new_role == "admin" and isinstance(sites, msgspec.UnsetType):
                    new_sites = None
                changes["role"] = new_role
                changes["sites"] = self._access(tx, new_role, new_sites)
            if before.role == "admin" and not before.is_archived:
                stays = changes.get("role", "admin") == "admin" and not changes.get("is_archived", False)
                if not stays:
                    self._another_admin(tx, user_id)
            if changes:
                tx.execute(sa.update(t.users).where(t.users.c.id == user_id).values(**changes))
                self._audit(tx, by, "user.change", 0, {"user": user_id, **changes})
            if changes.get("is_archived"):
                self._end_sessions(tx, user_id, 0)
                tx.execute(sa.delete(t.login_links).where(t.login_links.c.user_id == user_id))
            return self._user_row(tx, user_id)

    def password_hash(self, email: str) -> tuple[int, str] | None:
        query = sa.select(t.users.c.id, t.users.c.password_hash).where(
            t.users.c.email == email.strip().casefold(), ~t.users.c.is_archived, t.users.c.password_hash.is_not(None)
        )
        with self._read() as tx:
            row = tx.execute(query).one_or_none()
        return None if row is None else (row.id, row.password_hash)

    def set_password_hash(self, user_id: int, password_hash: str, *, by: str, keep_session_id: int = 0) -> None:
        with self._write() as tx:
            self._user_row(tx, user_id)
            tx.execute(sa.update(t.users).where(t.users.c.id == user_id).values(password_hash=password_hash))
            self._end_sessions(tx, user_id, keep_session_id)
            self._audit(tx, by, "user.set_password", 0, {"user": user_id})

    def rehash_password(self, user_id: int, old_hash: str, new_hash: str) -> None:
        same = (t.users.c.id == user_id) & (t.users.c.password_hash == old_hash)
        with self._write() as tx:
            tx.execute(sa.update(t.users).where(same).values(password_hash=new_hash))

    # --- logging in

    def add_login_link(self, user_id: int, *, by: str) -> str:
        with self._write() as tx:
            if self._user_row(tx, user_id).is_archived:
                raise BadInput("This user is archived; bring the user back first.", code="user_archived")
            return self._insert_login_link(tx, user_id, by)

    def login_link(self, token: str) -> User | None:
        links = t.login_links
        query = (
            sa.select(t.users)
            .join(links, links.c.user_id == t.users.c.id)
            .where(links.c.token_hash == _hash(token), links.c.used_ms.is_(None))
            .where(links.c.expires_ms > self._clock.now_ms(), ~t.users.c.is_archived)
        )
        with self._read() as tx:
            row = tx.execute(query).one_or_none()
        return None if row is None else _user(row)

    def use_login_link(self, token: str, password_hash: str, email: str | None) -> User | None:
        links = t.login_links
        now_ms = self._clock.now_ms()
        unused = (links.c.token_hash == _hash(token)) & links.c.used_ms.is_(None) & (links.c.expires_ms > now_ms)
        with self._write() as tx:
            used = sa.update(links).where(unused).values(used_ms=now_ms).returning(links.c.user_id)
            user_id = tx.execute(used).scalar_one_or_none()
            if user_id is None:
                return None
            user = self._user_row(tx, user_id)
            if user.is_archived:
                return None
            changes = {"password_hash": password_hash}
            if email is not None and _email(email) != user.email:
                changes["email"] = self._free_email(tx, email)
            tx.execute(sa.update(t.users).where(t.users.c.id == user_id).values(**changes))
            self._end_sessions(tx, user_id, 0)
            user = self._user_row(tx, user_id)
            self._audit(tx, f"user:{user_id} {user.email}", "user.set_password", 0, {"user": user_id, "by_link": True})
            return user

    def add_session(self, user_id: int) -> NewSession:
        now_ms = self._clock.now_ms()
        secret, csrf = random_key("se"), chance.token_hex(16)
        expires_ms = now_ms + SESSION_LIFE_MS
        values = {"secret_hash": _hash(secret), "user_id": user_id, "csrf": csrf}
        with self._write() as tx:
            user = self._user_row(tx, user_id)
            if user.is_archived:
                raise BadInput("This user is archived.", code="user_archived")
            tx.execute(sa.delete(t.sessions).where(t.sessions.c.expires_ms <= now_ms))
            tx.execute(sa.insert(t.sessions).values(**values, created_ms=now_ms, expires_ms=expires_ms))
            self._audit(tx, f"user:{user_id} {user.email}", "user.log_in", 0, {"user": user_id})
        return NewSession(secret, csrf, expires_ms, user)

    def end_session(self, session_id: int) -> None:
        ended = sa.update(t.sessions).where(t.sessions.c.id == session_id, t.sessions.c.revoked_ms.is_(None))
        with self._write() as tx:
            tx.execute(ended.values(revoked_ms=self._clock.now_ms()))

    def principal_of_session(self, secret: str) -> Principal | None:
        s = t.sessions
        query = (
            sa.select(t.users, s.c.csrf, s.c.id.label("session_id"))
            .join(s, s.c.user_id == t.users.c.id)
            .where(s.c.secret_hash == _hash(secret), s.c.revoked_ms.is_(None))
            .where(s.c.expires_ms > self._clock.now_ms(), ~t.users.c.is_archived)
        )
        with self._read() as tx:
            row = tx.execute(query).one_or_none()
        if row is None:
            return None
        user = _user(row)
        return Principal("user", user.id, user.email, user.role, user.sites, row.csrf, row.session_id)

    def principal_of_bearer(self, secret: str) -> Principal | None:
        hashed = _hash(secret)
        with self._read() as tx:
            query = sa.select(t.tokens).where(t.tokens.c.secret_hash == hashed, t.tokens.c.revoked_ms.is_(None))
            row = tx.execute(query).one_or_none()
            if row is not None:
                token = _token(row)
                return Principal("token", token.id, token.name, token.role, token.sites)
            query = sa.select(t.sites).where(t.sites.c.server_key_hash == hashed, ~t.sites.c.is_archived)
            row = tx.execute(query).one_or_none()
        return None if row is None else Principal("server", row.number, row.name, "server", (row.number,))

    # --- tokens

    def tokens(self) -> list[Token]:
        with self._read() as tx:
            return [_token(row) for row in tx.execute(sa.select(t.tokens).order_by(t.tokens.c.id))]

    def add_token(self, name: str, role: str, sites: Sequence[int] | None, *, by: str) -> tuple[Token, str]:
        with self._write() as tx:
            return self._insert_token(tx, name, role, sites, by)

    def revoke_token(self, token_id: int, *, by: str) -> Token:
        found = t.tokens.c.id == token_id
        with self._write() as tx:
            if tx.execute(sa.select(t.tokens.c.id).where(found)).one_or_none() is None:
                raise Missing(f"There is no token {token_id}.")
            now_ms = self._clock.now_ms()
            unrevoked = found & t.tokens.c.revoked_ms.is_(None)
            if tx.execute(sa.update(t.tokens).where(unrevoked).values(revoked_ms=now_ms)).rowcount:
                self._audit(tx, by, "token.revoke", 0, {"token": token_id})
            return _token(tx.execute(sa.select(t.tokens).where(found)).one())

    # --- audit

    def add_audit(self, by: str, action: str, site: int = 0, detail: dict[str, Any] | None = None) -> None:
        with self._write() as tx:
            self._audit(tx, by, action, site, detail or {})

    def audit(self, limit: int, before: int | None = None) -> list[AuditRow]:
        query = sa.select(t.audit).order_by(t.audit.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(t.audit.c.number < before)
        with self._read() as tx:
            return [_audit_row(row) for row in tx.execute(query)]

    def verify_audit(self) -> AuditCheck:
        with self._read() as tx:
            head = tx.execute(sa.select(t.audit_head)).one()
            previous, number = _GENESIS, 0
            for row in tx.execute(sa.select(t.audit).order_by(t.audit.c.number)).yield_per(1000):
                number += 1
                told = (row.time_ms, row.actor, row.action, row.site, row.detail)
                if row.number != number or row.previous != previous or row.hash != _chain(previous, number, *told):
                    return AuditCheck(head.n_rows, False, number)
                previous = row.hash
        if (number, previous) != (head.n_rows, head.hash):
            return AuditCheck(head.n_rows, False, min(number, head.n_rows) + 1)
        return AuditCheck(number, True)

    # --- imports and secrets

    def imports(self, site: int) -> list[Import]:
        query = sa.select(t.imports).where(t.imports.c.site == site).order_by(t.imports.c.time_ms.desc())
        with self._read() as tx:
            return [_import(row) for row in tx.execute(query.order_by(t.imports.c.content_hash))]

    def import_of(self, site: int, content_hash: str) -> Import | None:
        query = sa.select(t.imports).where(t.imports.c.site == site, t.imports.c.content_hash == content_hash)
        with self._read() as tx:
            row = tx.execute(query).one_or_none()
        return None if row is None else _import(row)

    def add_import(self, content_hash: str, file_name: str, site: int, result: dict[str, Any], *, by: str) -> Import:
        done = Import(content_hash, file_name, site, self._clock.now_ms(), result)
        same = (t.imports.c.site == site) & (t.imports.c.content_hash == content_hash)
        with self._write() as tx:
            self._site_row(tx, site)
            tx.execute(sa.delete(t.imports).where(same))
            tx.execute(sa.insert(t.imports).values(**msgspec.structs.asdict(done)))
            self._audit(tx, by, "import", site, {"file_name": file_name, "content_hash": content_hash})
        return done

    def secret(self, name: str, n_bytes: int = 16) -> bytes:
        if n_bytes < 16:
            raise BadInput("A secret has at least 16 bytes.")
        with self._write() as tx:
            return self._secret(tx, name, n_bytes)

    # --- inside a transaction

    def _insert_site(self, tx: sa.Connection, name: str, origins: Sequence[str], by: str) -> tuple[Site, str]:
        last = tx.execute(sa.select(sa.func.max(t.sites.c.number))).scalar_one()
        number = (last or 0) + 1
        if number > 65_535:
            raise BadInput("65,535 sites is the most there can be.")
        site = Site(number, self._free_site_name(tx, name), random_key("wk"), _origins(origins))
        server_key = random_key("sk")
        values = {**msgspec.structs.asdict(site), "origins": list(site.origins)}
        values |= {"server_key_hash": _hash(server_key), "created_ms": self._clock.now_ms()}
        tx.execute(sa.insert(t.sites).values(**values))
        self._audit(tx, by, "site.add", number, {"name": site.name, "origins": list(site.origins)})
        return site, server_key

    def _insert_user(
        self, tx: sa.Connection, email: str, name: str, role: str, sites: Sequence[int] | None, by: str
    ) -> User:
        access = self._access(tx, role, sites)
        values: dict[str, Any] = {
            "email": self._free_email(tx, email),
            "name": _name(name or email),
            "role": role,
            "sites": access,
        }
        values |= {"is_archived": False, "created_ms": self._clock.now_ms()}
        user_id = tx.execute(sa.insert(t.users).values(**values).returning(t.users.c.id)).scalar_one()
        detail = {"user": user_id, "email": values["email"], "role": role, "sites": access}
        self._audit(tx, by, "user.add", 0, detail)
        return self._user_row(tx, user_id)

    def _insert_login_link(self, tx: sa.Connection, user_id: int, by: str) -> str:
        token = random_key("ll")
        tx.execute(sa.delete(t.login_links).where(t.login_links.c.user_id == user_id))
        expires_ms = self._clock.now_ms() + LINK_LIFE_MS
        tx.execute(sa.insert(t.login_links).values(token_hash=_hash(token), user_id=user_id, expires_ms=expires_ms))
        self._audit(tx, by, "user.add_login_link", 0, {"user": user_id})
        return token

    def _insert_token(
        self, tx: sa.Connection, name: str, role: str, sites: Sequence[int] | None, by: str
    ) -> tuple[Token, str]:
        secret = random_key("at")
        values: dict[str, Any] = {"name": _name(name), "role": role, "sites": self._access(tx, role, sites)}
        values |= {"secret_hash": _hash(secret), "created_ms": self._clock.now_ms()}
        row = tx.execute(sa.insert(t.tokens).values(**values).returning(t.tokens)).one()
        detail = {"token": row.id, "name": row.name, "role": role, "sites": row.sites}
        self._audit(tx, by, "token.add", 0, detail)
        return _token(row), secret

    def _secret(self, tx: sa.Connection, name: str, n_bytes: int) -> bytes:
        query = sa.select(t.secrets.c.value).where(t.secrets.c.name == name)
        value = tx.execute(query).scalar_one_or_none()
        if value is None:
            value = chance.token_bytes(n_bytes)
            tx.execute(sa.insert(t.secrets).values(name=name, value=value))
        return bytes(value)

    def _site_row(self, tx: sa.Connection, number: int) -> Site:
        row = tx.execute(sa.select(t.sites).where(t.sites.c.number == number)).one_or_none()
        if row is None:
            raise Missing(f"There is no site {number}.")
        return _site(row)

    def _user_row(self, tx: sa.Connection, user_id: int) -> User:
        row = tx.execute(sa.select(t.users).where(t.users.c.id == user_id)).one_or_none()
        if row is None:
            raise Missing(f"There is no user {user_id}.")
        return _user(row)

    def _free_site_name(self, tx: sa.Connection, name: str) -> str:
        name = _name(name)
        if name.isdigit():
            raise BadInput("A site's name can't be a number: sites are also addressed by number.", code="bad_name")
        if tx.execute(sa.select(t.sites.c.number).where(t.sites.c.name == name)).one_or_none() is not None:
            raise BadInput(f"There is a site named {name!r} already.", code="name_taken")
        return name

    def _free_email(self, tx: sa.Connection, email: str) -> str:
        email = _email(email)
        if tx.execute(sa.select(t.users.c.id).where(t.users.c.email == email)).one_or_none() is not None:
            raise BadInput(f"There is a user with the e-mail address {email} already.", code="email_taken")
        return email

    def _access(self, tx: sa.Connection, role: str, sites: Sequence[int] | None) -> list[int] | None:
        if role not in ROLES:
            raise BadInput(f"`role` is one of {', '.join(ROLES)}.", code="bad_role")
        if role == "admin" and sites is not None:
            raise BadInput("An admin reaches every site: leave `sites` out.", code="bad_sites")
        if sites is None:
            return None
        known = set(tx.execute(sa.select(t.sites.c.number)).scalars())
        if not set(sites) <= known:
            raise BadInput(f"There is no site {min(set(sites) - known)}.", code="bad_sites")
        return sorted(set(sites))

    def _another_admin(self, tx: sa.Connection, user_id: int) -> None:
        others = (t.users.c.role == "admin") & ~t.users.c.is_archived & (t.users.c.id != user_id)
        if not tx.execute(sa.select(sa.func.count()).select_from(t.users).where(others)).scalar_one():
            raise BadInput("This is the last admin: make another user admin first.", code="last_admin")

    def _end_sessions(self, tx: sa.Connection, user_id: int, keep_session_id: int) -> None:
        s = t.sessions
        ended = sa.update(s).where(s.c.user_id == user_id, s.c.id != keep_session_id, s.c.revoked_ms.is_(None))
        tx.execute(ended.values(revoked_ms=self._clock.now_ms()))

    def _audit(self, tx: sa.Connection, by: str, action: str, site: int, detail: dict[str, Any]) -> None:
        head = tx.execute(sa.select(t.audit_head)).one()
        number = head.n_rows + 1
        told = (self._clock.now_ms(), by[:300], action, site, msgspec.json.encode(detail, order="sorted").decode())
        hashed = _chain(head.hash, number, *told)
        names = ("time_ms", "actor", "action", "site", "detail")
        values = dict(zip(names, told, strict=True)) | {"number": number, "previous": head.hash, "hash": hashed}
        tx.execute(sa.insert(t.audit).values(**values))
        tx.execute(sa.update(t.audit_head).values(n_rows=number, hash=hashed))

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        """A transaction that no other writer overlaps: the audit chain's head is everybody's lock."""
        with _told(), self._writer.begin() as tx:
            tx.execute(sa.select(t.audit_head).with_for_update()).one()
            yield tx

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with _told(), self._reader.begin() as tx:
            yield tx

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", "footfall.adapters:migrations")
        with _migrating, _told(), self._writer.begin() as tx:
            if tx.dialect.name == "postgresql":
                tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = tx
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise Unavailable(
                    f"A newer Footfall wrote these definitions ({error}). Install that version or a later one.",
                    code="newer_definitions",
                ) from error
            if tx.execute(sa.select(t.audit_head)).one_or_none() is None:
                tx.execute(sa.insert(t.audit_head).values(id=1, n_rows=0, hash=_GENESIS))


@contextmanager
def _told() -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except IntegrityError as error:
        raise BadInput("Somebody else just made the same one.", code="taken") from error
    except DBAPIError as error:
        raise Unavailable(f"The definitions database doesn't work: {error.orig}", code="definitions_down") from error


def _url(path: Path) -> str:
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True)
    if parsed.database and not Path(parsed.database).exists():
        os.close(os.open(parsed.database, os.O_CREAT | os.O_RDWR, 0o600))
    # The driver begins no transactions by itself; SQLAlchemy's begin does, and says at once whether it will write.
    engine = sa.create_engine(parsed, connect_args={"timeout": 10, "isolation_level": None})

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: Any, record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        is_write = connection.get_execution_options().get(_WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _chain(previous: str, number: int, time_ms: int, actor: str, action: str, site: int, detail: str) -> str:
    told = msgspec.json.encode([previous, number, time_ms, actor, action, site, detail])
    return hashlib.sha256(told).hexdigest()


def _name(text: str) -> str:
    text = text.strip()
    if not text or len(text) > 100 or not text.isprintable():
        raise BadInput("A name has 1 to 100 printable characters.", code="bad_name")
    return text


def _email(text: str) -> str:
    text = text.strip().casefold()
    if len(text) > 254 or not _EMAIL.fullmatch(text) or not text.isprintable():
        raise BadInput("This isn't an e-mail address.", code="bad_email")
    return text


def _origins(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_origin(text) for text in texts))


def _origin(text: str) -> str:
    told = BadInput(f"{text!r} isn't an origin like https://shop.example.", code="bad_origin")
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        raise told from None
    rest = parts.path.rstrip("/") + parts.query + parts.fragment + (parts.username or "") + (parts.password or "")
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[a-z0-9.:-]+", parts.hostname or "") or rest:
        raise told
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    is_default = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if is_default else f":{port}")


def _site(row: Any) -> Site:
    return Site(row.number, row.name, row.write_key, tuple(row.origins), row.is_archived)


def _sites_of(value: list[int] | None) -> tuple[int, ...] | None:
    return None if value is None else tuple(value)


def _user(row: Any) -> User:
    has_password = row.password_hash is not None
    return User(
        row.id, row.email, row.name, row.role, _sites_of(row.sites), has_password, row.is_archived, row.created_ms
    )


def _token(row: Any) -> Token:
    is_revoked = row.revoked_ms is not None
    return Token(row.id, row.name, row.role, _sites_of(row.sites), row.created_ms, is_revoked)


def _audit_row(row: Any) -> AuditRow:
    detail = msgspec.json.decode(row.detail)
    return AuditRow(row.number, row.time_ms, row.actor, row.action, row.site, detail, row.previous, row.hash)


def _import(row: Any) -> Import:
    return Import(row.content_hash, row.file_name, row.site, row.time_ms, row.result)
