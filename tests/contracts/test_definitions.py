"""The law every store of definitions keeps. Postgres runs it too when ``FOOTFALL_TEST_POSTGRES`` names a database."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from footfall.adapters.definitions import SqlDefinitions
from footfall.base.clock import ManualClock
from footfall.base.errors import BadInput, Missing
from footfall.ports import Created, Definitions

NOW_MS = 1_760_000_000_000
DAY_MS = 86_400_000


class World:
    """Definitions just created, what creating them printed, and the clock they look at."""

    def __init__(self, definitions: SqlDefinitions, created: Created, clock: ManualClock) -> None:
        self.definitions: Definitions = definitions
        self.created = created
        self.clock = clock
        self.link = created.login_url.removeprefix("/login?token=")


def _sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'definitions.db'}"


def _postgres(tmp_path: Path) -> str:
    url = os.environ["FOOTFALL_TEST_POSTGRES"]
    engine = sa.create_engine(url)
    with engine.begin() as tx:
        tx.execute(sa.text("DROP SCHEMA public CASCADE"))
        tx.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


MAKE_URL = [_sqlite, *([_postgres] if os.environ.get("FOOTFALL_TEST_POSTGRES") else [])]


@pytest.fixture(params=MAKE_URL, ids=lambda make_url: make_url.__name__.strip("_"))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    make_url: Callable[[Path], str] = request.param
    clock = ManualClock(NOW_MS)
    definitions = SqlDefinitions(make_url(tmp_path), clock)
    yield World(definitions, definitions.create("shop", "admin@localhost"), clock)
    definitions.close()


def test_creating_makes_one_site_one_admin_and_keys_that_work(world: World) -> None:
    site = world.created.site
    assert (site.number, site.name, site.write_key) == (1, "shop", world.created.write_key)
    assert world.definitions.sites() == [site]
    assert world.definitions.site_of_write_key(world.created.write_key) == site
    token = world.definitions.principal_of_bearer(world.created.token)
    assert token is not None and (token.kind, token.role, token.sites) == ("token", "admin", None)
    server = world.definitions.principal_of_bearer(world.created.server_key)
    assert server is not None and (server.kind, server.role, server.sites) == ("server", "server", (1,))
    admin = world.definitions.login_link(world.link)
    assert admin is not None and (admin.email, admin.role, admin.has_password) == ("admin@localhost", "admin", False)


def test_unknown_keys_belong_to_nobody(world: World) -> None:
    assert world.definitions.site_of_write_key("wk_0") is None
    assert world.definitions.principal_of_bearer("") is None
    assert world.definitions.principal_of_bearer(world.created.write_key) is None
    assert world.definitions.principal_of_session(world.created.token) is None
    assert world.definitions.login_link(world.created.token) is None


def test_a_write_key_stops_when_renewed_and_while_its_site_is_archived(world: World) -> None:
    old = world.created.write_key
    new = world.definitions.renew_write_key(1, by="test").write_key
    assert world.definitions.site_of_write_key(old) is None
    assert world.definitions.site_of_write_key(new) is not None
    world.definitions.change_site(1, by="test", is_archived=True)
    assert world.definitions.site_of_write_key(new) is None
    assert world.definitions.principal_of_bearer(world.created.server_key) is None
    world.definitions.change_site(1, by="test", is_archived=False)
    assert world.definitions.site_of_write_key(new) is not None


def test_a_renewed_server_key_replaces_the_old_one(world: World) -> None:
    new = world.definitions.renew_server_key(1, by="test")
    assert world.definitions.principal_of_bearer(world.created.server_key) is None
    assert world.definitions.principal_of_bearer(new) is not None


def test_sites_are_numbered_upwards_and_keep_their_origins_in_one_form(world: World) -> None:
    site, _ = world.definitions.add_site("other", ["HTTPS://Shop.Example:443/", "http://localhost:3000"], by="test")
    assert (site.number, site.origins) == (2, ("https://shop.example", "http://localhost:3000"))
    changed = world.definitions.change_site(2, by="test", name="renamed", origins=[])
    assert (changed.name, changed.origins) == ("renamed", ())
    assert [s.name for s in world.definitions.sites()] == ["shop", "renamed"]


@pytest.mark.parametrize("name", ["", "   ", "shop", "12", "a\x00b", "x" * 101])
def test_a_site_needs_a_free_readable_name(world: World, name: str) -> None:
    with pytest.raises(BadInput):
        world.definitions.add_site(name, [], by="test")
    assert len(world.definitions.sites()) == 1


@pytest.mark.parametrize(
    "origin", ["shop.example", "ftp://x", "https://a/b", "https://u@a", "null", "https://", "https://a:x"]
)
def test_what_is_no_origin_is_refused(world: World, origin: str) -> None:
    with pytest.raises(BadInput):
        world.definitions.add_site("other", [origin], by="test")


def test_what_is_not_there_is_missing(world: World) -> None:
    for call in (
        lambda: world.definitions.change_site(9, by="t", name="x"),
        lambda: world.definitions.renew_write_key(9, by="t"),
        lambda: world.definitions.change_user(9, by="t", name="x"),
        lambda: world.definitions.add_login_link(9, by="t"),
        lambda: world.definitions.revoke_token(9, by="t"),
        lambda: world.definitions.add_import("h", "f.csv", 9, {}, by="t"),
    ):
        with pytest.raises(Missing):
            call()


def test_a_login_link_works_once_and_sets_the_password(world: World) -> None:
    user = world.definitions.use_login_link(world.link, "argon2-hash", "Ada@Shop.Example")
    assert user is not None and (user.email, user.has_password) == ("ada@shop.example", True)
    assert world.definitions.password_hash(" ADA@shop.example") == (user.id, "argon2-hash")
    assert world.definitions.login_link(world.link) is None
    assert world.definitions.use_login_link(world.link, "another-hash", None) is None
    assert world.definitions.password_hash("ada@shop.example") == (user.id, "argon2-hash")


def test_a_login_link_ends_after_a_day_and_when_a_newer_one_is_made(world: World) -> None:
    newer = world.definitions.add_login_link(1, by="test")
    assert world.definitions.login_link(world.link) is None
    world.clock.set_ms(NOW_MS + DAY_MS - 1)
    assert world.definitions.login_link(newer) is not None
    world.clock.set_ms(NOW_MS + DAY_MS)
    assert world.definitions.login_link(newer) is None
    assert world.definitions.use_login_link(newer, "hash", None) is None


def test_a_taken_email_leaves_the_login_link_unused(world: World) -> None:
    world.definitions.add_user("bob@shop.example", "Bob", "viewer", None, by="test")
    with pytest.raises(BadInput):
        world.definitions.use_login_link(world.link, "hash", "bob@shop.example")
    assert world.definitions.login_link(world.link) is not None


def test_many_tries_of_one_link_at_once_let_exactly_one_in(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        users = list(pool.map(lambda n: world.definitions.use_login_link(world.link, f"hash{n}", None), range(8)))
    assert sum(user is not None for user in users) == 1


def test_a_session_lives_until_it_is_ended_or_a_week_has_passed(world: World) -> None:
    first = world.definitions.add_session(1)
    second = world.definitions.add_session(1)
    principal = world.definitions.principal_of_session(first.secret)
    assert principal is not None and (principal.kind, principal.id, principal.csrf) == ("user", 1, first.csrf)
    world.definitions.end_session(principal.session_id)
    assert world.definitions.principal_of_session(first.secret) is None
    assert world.definitions.principal_of_session(second.secret) is not None
    world.clock.set_ms(NOW_MS + 7 * DAY_MS)
    assert world.definitions.principal_of_session(second.secret) is None


def test_a_new_password_ends_all_sessions_but_the_one_that_set_it(world: World) -> None:
    kept, other = world.definitions.add_session(1), world.definitions.add_session(1)
    principal = world.definitions.principal_of_session(kept.secret)
    assert principal is not None
    world.definitions.set_password_hash(1, "hash", by="test", keep_session_id=principal.session_id)
    assert world.definitions.principal_of_session(kept.secret) is not None
    assert world.definitions.principal_of_session(other.secret) is None


def test_rehashing_does_not_overwrite_a_password_changed_meanwhile(world: World) -> None:
    world.definitions.set_password_hash(1, "new", by="test")
    world.definitions.rehash_password(1, "old", "old-but-stronger")
    assert world.definitions.password_hash("admin@localhost") == (1, "new")
    world.definitions.rehash_password(1, "new", "new-but-stronger")
    assert world.definitions.password_hash("admin@localhost") == (1, "new-but-stronger")


def test_archiving_a_user_ends_sessions_links_and_password(world: World) -> None:
    user = world.definitions.add_user("bob@shop.example", "Bob", "agent", [1], by="test")
    world.definitions.set_password_hash(user.id, "hash", by="test")
    session, link = world.definitions.add_session(user.id), world.definitions.add_login_link(user.id, by="test")
    world.definitions.change_user(user.id, by="test", is_archived=True)
    assert world.definitions.principal_of_session(session.secret) is None
    assert world.definitions.login_link(link) is None
    assert world.definitions.password_hash("bob@shop.example") is None
    with pytest.raises(BadInput):
        world.definitions.add_login_link(user.id, by="test")
    with pytest.raises(BadInput):
        world.definitions.add_session(user.id)


def test_a_changed_role_holds_for_sessions_that_are_open(world: World) -> None:
    user = world.definitions.add_user("bob@shop.example", "Bob", "viewer", [1], by="test")
    session = world.definitions.add_session(user.id)
    world.definitions.change_user(user.id, by="test", role="analyst")
    principal = world.definitions.principal_of_session(session.secret)
    assert principal is not None and (principal.role, principal.sites) == ("analyst", (1,))
    world.definitions.change_user(user.id, by="test", role="admin")
    principal = world.definitions.principal_of_session(session.secret)
    assert principal is not None and (principal.role, principal.sites) == ("admin", None)


def test_the_last_admin_stays(world: World) -> None:
    with pytest.raises(BadInput):
        world.definitions.change_user(1, by="test", role="viewer")
    with pytest.raises(BadInput):
        world.definitions.change_user(1, by="test", is_archived=True)
    world.definitions.add_user("bob@shop.example", "Bob", "admin", None, by="test")
    assert world.definitions.change_user(1, by="test", role="viewer").role == "viewer"


@pytest.mark.parametrize(
    ("email", "role", "sites"),
    [
        ("nobody", "viewer", None),
        ("a b@c", "viewer", None),
        ("ADMIN@localhost", "viewer", None),
        ("x@y", "root", None),
        ("x@y", "server", None),
        ("x@y", "admin", [1]),
        ("x@y", "viewer", [2]),
    ],
)
def test_a_user_that_cannot_be_is_refused(world: World, email: str, role: str, sites: list[int] | None) -> None:
    with pytest.raises(BadInput):
        world.definitions.add_user(email, "X", role, sites, by="test")
    assert len(world.definitions.users()) == 1


def test_access_to_no_site_is_not_access_to_all(world: World) -> None:
    user = world.definitions.add_user("bob@shop.example", "Bob", "viewer", [], by="test")
    assert user.sites == ()
    assert world.definitions.change_user(user.id, by="test", name="Robert").sites == ()
    assert world.definitions.change_user(user.id, by="test", sites=None).sites is None
    assert world.definitions.change_user(user.id, by="test", sites=msgspec.UNSET).sites is None


def test_a_token_works_until_it_is_revoked(world: World) -> None:
    token, secret = world.definitions.add_token("ci", "analyst", [1], by="test")
    principal = world.definitions.principal_of_bearer(secret)
    assert principal is not None and (principal.id, principal.role, principal.sites) == (token.id, "analyst", (1,))
    assert world.definitions.revoke_token(token.id, by="test").is_revoked
    assert world.definitions.revoke_token(token.id, by="test").is_revoked
    assert world.definitions.principal_of_bearer(secret) is None
    assert [(t.name, t.is_revoked) for t in world.definitions.tokens()] == [("setup", False), ("ci", True)]


def test_the_audit_log_tells_who_did_what_newest_first(world: World) -> None:
    world.definitions.add_site("other", [], by="user:1 admin@localhost")
    world.definitions.add_audit("cli", "export", 2, {"table": "visitors"})
    rows = world.definitions.audit(2)
    assert [(r.actor, r.action, r.site) for r in rows] == [
        ("cli", "export", 2),
        ("user:1 admin@localhost", "site.add", 2),
    ]
    assert rows[0].detail == {"table": "visitors"}
    assert rows[0].previous == rows[1].hash
    assert [r.number for r in world.definitions.audit(3, before=rows[1].number)] == [4, 3, 2]


def test_a_change_that_is_refused_leaves_no_audit_row(world: World) -> None:
    n_rows = world.definitions.verify_audit().n_rows
    with pytest.raises(BadInput):
        world.definitions.add_site("shop", [], by="test")
    assert world.definitions.verify_audit().n_rows == n_rows


def test_the_audit_log_stays_one_chain_when_many_write_at_once(world: World) -> None:
    before = world.definitions.verify_audit().n_rows
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: world.definitions.add_audit(f"actor{n}", "thing"), range(40)))
    check = world.definitions.verify_audit()
    assert check.is_whole and check.n_rows == before + 40


def test_a_secret_is_made_once_and_never_changes(world: World) -> None:
    first = world.definitions.secret("visitor_id_key")
    assert len(first) == 16
    assert world.definitions.secret("visitor_id_key") == first
    assert world.definitions.secret("page_key", 32) != first
    assert len(world.definitions.secret("page_key", 32)) == 32


def test_an_import_is_remembered_by_site_and_content(world: World) -> None:
    world.definitions.add_site("other", [], by="test")
    assert world.definitions.import_of(1, "abc") is None
    world.definitions.add_import("abc", "old.csv", 1, {"events": 3}, by="cli")
    found = world.definitions.import_of(1, "abc")
    assert found is not None and (found.file_name, found.result, found.time_ms) == ("old.csv", {"events": 3}, NOW_MS)
    assert world.definitions.import_of(2, "abc") is None
    world.clock.set_ms(NOW_MS + 1)
    world.definitions.add_import("def", "new.csv", 1, {}, by="cli")
    world.definitions.add_import("abc", "again.csv", 1, {"events": 4}, by="cli")
    assert {i.file_name for i in world.definitions.imports(1)} == {"again.csv", "new.csv"}
    assert world.definitions.imports(2) == []


def test_creating_twice_is_refused(world: World) -> None:
    assert isinstance(world.definitions, SqlDefinitions)
    with pytest.raises(BadInput):
        world.definitions.create("again", "x@y")
    assert len(world.definitions.sites()) == 1
