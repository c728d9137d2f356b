"""Every route × every role, as one table; a route that isn't in it fails the test."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.web.house import House, house

from footfall.ports import ROLES, Principal
from footfall.web.errors import NotAllowed, NotLoggedIn
from footfall.web.permissions import ALLOWED, Permission, authorise

NONE, SERVER = "none", "server"
EVERYBODY = frozenset({NONE, SERVER, *ROLES})
SOMEBODY = EVERYBODY - {NONE}
READERS = frozenset(ROLES)
MODELLERS = frozenset({"analyst", "admin"})
UNDOERS = frozenset({"agent", "admin"})
REPLAYERS = frozenset({"marketer", "analyst", "admin"})
ADMINS = frozenset({"admin"})

# (method, route, example, body, who gets past the door)
TABLE: list[tuple[str, str, str, Any, frozenset[str]]] = [
    ("GET", "/", "/", None, EVERYBODY),
    ("GET", "/login", "/login", None, EVERYBODY),
    ("GET", "/assets/{name:path}", "/assets/none.js", None, EVERYBODY),
    ("GET", "/icon.svg", "/icon.svg", None, EVERYBODY),
    ("GET", "/robots.txt", "/robots.txt", None, EVERYBODY),
    ("GET", "/api/openapi.json", "/api/openapi.json", None, EVERYBODY),
    ("POST", "/api/login", "/api/login", {}, EVERYBODY),
    ("GET", "/api/login/link", "/api/login/link?token=none", None, EVERYBODY),
    ("POST", "/api/login/link", "/api/login/link", {}, EVERYBODY),
    ("POST", "/api/logout", "/api/logout", None, SOMEBODY),
    ("GET", "/api/me", "/api/me", None, SOMEBODY),
    ("POST", "/api/me/password", "/api/me/password", {}, SOMEBODY),
    ("GET", "/metrics", "/metrics", None, READERS),
    ("GET", "/api/ledger", "/api/ledger", None, READERS),
    ("GET", "/api/visitors", "/api/visitors", None, READERS),
    ("GET", "/api/visitors/{any_id:str}", "/api/visitors/v1", None, READERS),
    ("GET", "/api/visitors/{any_id:str}/timeline", "/api/visitors/v1/timeline", None, READERS),
    ("GET", "/api/visitors/{any_id:str}/merges", "/api/visitors/v1/merges", None, READERS),
    ("GET", "/api/visitors/{any_id:str}/similar", "/api/visitors/v1/similar", None, READERS),
    ("POST", "/api/merges/{merge_id:int}/undo", "/api/merges/99/undo", None, UNDOERS),
    ("GET", "/api/failed", "/api/failed", None, READERS),
    ("POST", "/api/failed/replay", "/api/failed/replay", {"offsets": []}, REPLAYERS),
    ("GET", "/api/features", "/api/features", None, READERS),
    ("GET", "/api/imports", "/api/imports", None, READERS),
    ("GET", "/api/live", "/api/live?site=0", None, READERS),
    ("GET", "/api/models", "/api/models", None, READERS),
    ("GET", "/api/models/{version:int}", "/api/models/1", None, READERS),
    ("GET", "/api/models/drift", "/api/models/drift", None, READERS),
    ("POST", "/api/models/{version:int}/promote", "/api/models/99/promote", None, MODELLERS),
    ("POST", "/api/models/rollback", "/api/models/rollback", None, MODELLERS),
    ("POST", "/api/models/train", "/api/models/train", None, MODELLERS),
    ("GET", "/api/sites", "/api/sites", None, READERS),
    ("GET", "/api/sites/{number:int}", "/api/sites/1", None, READERS),
    ("POST", "/api/sites", "/api/sites", {}, ADMINS),
    ("PATCH", "/api/sites/{number:int}", "/api/sites/1", {}, ADMINS),
    ("DELETE", "/api/sites/{number:int}", "/api/sites/99", None, ADMINS),
    ("POST", "/api/sites/{number:int}/keys", "/api/sites/1/keys", {}, ADMINS),
    ("GET", "/api/users", "/api/users", None, ADMINS),
    ("POST", "/api/users", "/api/users", {}, ADMINS),
    ("GET", "/api/users/{number:int}", "/api/users/1", None, ADMINS),
    ("PATCH", "/api/users/{number:int}", "/api/users/1", {}, ADMINS),
    ("DELETE", "/api/users/{number:int}", "/api/users/99", None, ADMINS),
    ("POST", "/api/users/{number:int}/login-link", "/api/users/99/login-link", None, ADMINS),
    ("GET", "/api/tokens", "/api/tokens", None, ADMINS),
    ("POST", "/api/tokens", "/api/tokens", {}, ADMINS),
    ("DELETE", "/api/tokens/{number:int}", "/api/tokens/99", None, ADMINS),
    ("GET", "/api/audit", "/api/audit", None, ADMINS),
    ("GET", "/api/audit/check", "/api/audit/check", None, ADMINS),
]
# Routes about one site; the same roles with access to site 1 only must get nothing of site 2.
OF_A_SITE = [
    ("GET", "/api/visitors", None),
    ("GET", "/api/visitors/v2", None),
    ("GET", "/api/visitors/v2/timeline", None),
    ("GET", "/api/visitors/v2/merges", None),
    ("GET", "/api/visitors/v2/similar", None),
    ("POST", "/api/merges/2/undo", None),
    ("GET", "/api/failed", None),
    ("POST", "/api/failed/replay", {"all": True}),
    ("GET", "/api/imports", None),
    ("GET", "/api/live", None),
    ("GET", "/api/models", None),
    ("GET", "/api/models/1", None),
    ("GET", "/api/models/drift", None),
    ("POST", "/api/models/1/promote", None),
    ("POST", "/api/models/rollback", None),
    ("POST", "/api/models/train", None),
]


class Door:
    """A house and the headers of every role, with and without access to all sites."""

    def __init__(self, of: House) -> None:
        self.house = of
        self.headers: dict[str, dict[str, str]] = {role: of.token(role) for role in ROLES}
        self.headers[NONE] = {}
        self.headers[SERVER] = {"Authorization": f"Bearer {of.created.server_key}"}
        self.only_site_1 = {role: of.token(role, [1]) for role in ROLES if role != "admin"}
        self.client: TestClient[Litestar] = of.client()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with house(tmp_path_factory.mktemp("data")) as made:
        made_door = Door(made)
        with made_door.client:
            yield made_door


def test_the_table_holds_every_route(door: Door) -> None:
    routes = {
        (method, route.path)
        for route in door.house.app.routes
        for method in route.methods  # type: ignore[union-attr]
        if method != "OPTIONS" and not route.path.startswith("/api/openapi.json/")
    }
    assert {(method, route) for method, route, *_ in TABLE} == routes


@pytest.mark.parametrize(
    ("method", "route", "example", "body", "allowed"), TABLE, ids=[f"{row[0]} {row[2]}" for row in TABLE]
)
def test_each_role_gets_past_the_door_where_the_table_says_so(
    door: Door, method: str, route: str, example: str, body: Any, allowed: frozenset[str]
) -> None:
    for role in sorted(EVERYBODY):
        answer = door.client.request(method, example, json=body, headers=door.headers[role])
        if role in allowed:
            assert answer.status_code not in {401, 405} and answer.status_code < 500, (role, answer.text)
            is_refused = answer.status_code == 403 and answer.json()["code"] == "not_allowed"
            assert not is_refused or answer.json()["message"] == "Only a person has a password.", role
        else:
            assert answer.status_code == (401 if role == NONE else 403), (role, answer.text)
            assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(("method", "path", "body"), OF_A_SITE)
def test_nobody_reaches_a_site_that_is_not_theirs(door: Door, method: str, path: str, body: Any) -> None:
    for role, headers in door.only_site_1.items():
        for site in ("2", "other", "3", "nonsense"):
            answer = door.client.request(method, f"{path}?site={site}", json=body, headers=headers)
            assert answer.status_code == 403, (role, site, answer.text)
            assert "bob" not in answer.text
        if method == "GET" and "v2" in path:
            assert door.client.get(path, headers=headers).status_code == 404
    assert door.house.profiles.open_merges[2][2]["is_undone"] is False
    assert len(door.house.profiles.open_failed[2]) == 1


def test_a_credential_without_any_site_sees_nothing(door: Door) -> None:
    headers = door.house.token("viewer", [])
    assert door.client.get("/api/visitors", headers=headers).status_code == 403
    assert door.client.get("/api/sites", headers=headers).json() == {"sites": []}
    assert door.client.get("/api/me", headers=headers).json()["sites"] == []


def test_a_credential_sees_only_its_own_sites_and_is_at_home_at_the_first(door: Door) -> None:
    headers = door.house.token("viewer", [2])
    assert [s["name"] for s in door.client.get("/api/sites", headers=headers).json()["sites"]] == ["other"]
    assert door.client.get("/api/sites/1", headers=headers).status_code == 403
    assert [v["visitor_id"] for v in door.client.get("/api/visitors", headers=headers).json()["visitors"]] == ["v2"]


def test_a_revoked_token_is_nobody(door: Door) -> None:
    token, secret = door.house.definitions.add_token("gone", "admin", None, by="test")
    headers = {"Authorization": f"Bearer {secret}"}
    assert door.client.get("/api/me", headers=headers).status_code == 200
    door.house.definitions.revoke_token(token.id, by="test")
    assert door.client.get("/api/me", headers=headers).status_code == 401


def test_a_write_key_opens_nothing_behind_the_login(door: Door) -> None:
    headers = {"Authorization": f"Bearer {door.house.created.write_key}"}
    assert door.client.get("/api/me", headers=headers).status_code == 401


def test_the_rule_itself() -> None:
    viewer = Principal("token", 1, "x", "viewer", (1,))
    authorise(None, Permission.PUBLIC)
    authorise(viewer, Permission.READ)
    authorise(viewer, Permission.READ, 1)
    for principal, permission, site, kind in (
        (None, Permission.SELF, None, NotLoggedIn),
        (viewer, Permission.READ, 2, NotAllowed),
        (viewer, Permission.REPLAY, 1, NotAllowed),
        (Principal("token", 1, "x", "emperor", None), Permission.READ, None, NotAllowed),
        (Principal("server", 1, "x", "server", (1,)), Permission.READ, 1, NotAllowed),
    ):
        with pytest.raises(kind):
            authorise(principal, permission, site)
    assert set(ROLES) < set(ALLOWED)
