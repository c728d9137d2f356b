"""Models behind the login: who may do what, and that it is written down."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.house import House, house


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


def test_a_viewer_reads_models_and_drift(home: House) -> None:
    viewer = home.token("viewer")
    with home.client() as client:
        models = client.get("/api/models?site=1", headers=viewer).json()
        assert (models["champion"], [row["version"] for row in models["versions"]]) == (1, [2, 1])
        assert client.get("/api/models/2", headers=viewer).json()["card"] == {"n_trees": 100}
        assert client.get("/api/models/drift", headers=viewer).json()["alarms"] == []
        assert client.get("/api/models/3", headers=viewer).status_code == 404
        assert client.get("/api/models?site=2", headers=viewer).json()["scored_by"] == "prior"


def test_an_analyst_promotes_rolls_back_and_trains_and_it_is_audited(home: House) -> None:
    analyst = home.token("analyst")
    with home.client() as client:
        assert client.post("/api/models/2/promote", headers=analyst).json()["champion"] == 2
        assert client.post("/api/models/rollback", headers=analyst).json()["champion"] == 1
        assert client.post("/api/models/rollback", headers=analyst).json()["code"] == "no_champion_before"
        assert client.post("/api/models/train", headers=analyst).json()["is_training"] is True
        again = client.post("/api/models/train", headers=analyst)
        assert (again.status_code, again.json()["code"]) == (400, "is_training")
    audited = [(row.action, row.site, row.detail) for row in reversed(home.definitions.audit(10))]
    assert audited[-3:] == [
        ("models.promote", 1, {"version": 2}),
        ("models.rollback", 1, {"to": 1}),
        ("models.train", 1, {}),
    ]


def test_what_was_done_is_audited_even_if_the_list_can_not_be_shown(home: House) -> None:
    analyst = home.token("analyst")
    home.models.is_listed = False
    with home.client() as client:
        for route in ("/api/models/2/promote", "/api/models/rollback", "/api/models/train"):
            assert client.post(route, headers=analyst).status_code == 503
    audited = [(row.action, row.detail) for row in reversed(home.definitions.audit(3))]
    assert audited == [("models.promote", {"version": 2}), ("models.rollback", {"to": 1}), ("models.train", {})]


@pytest.mark.parametrize("role", ["viewer", "agent", "marketer"])
def test_others_change_no_model(home: House, role: str) -> None:
    headers = home.token(role)
    with home.client() as client:
        for route in ("/api/models/2/promote", "/api/models/rollback", "/api/models/train"):
            assert client.post(route, headers=headers).status_code == 403
        assert client.get("/api/models", headers=headers).json()["champion"] == 1


def test_another_shops_models_are_out_of_reach(home: House) -> None:
    headers = home.token("analyst", [2])
    with home.client() as client:
        assert client.get("/api/models?site=1", headers=headers).status_code == 403
        assert client.post("/api/models/2/promote?site=1", headers=headers).status_code == 403
