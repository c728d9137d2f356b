"""``GET /api/visitors/{any id}/similar`` as a client sees it."""

from pathlib import Path

import pytest
from tests.web.house import house
from tests.web.memory_profiles import NOW_MS, live_row


def test_similar_visitors_come_with_what_they_share(tmp_path: Path) -> None:
    with house(tmp_path) as made, made.client() as client:
        made.profiles.add(1, live_row("v9", "eve", NOW_MS), NOW_MS)
        answer = client.get("/api/visitors/ada/similar?n=5&radius=0.5", headers=made.admin)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["visitor_id"], body["n"], body["radius"], body["is_learned"]) == ("ada", 5, 0.5, True)
        assert body["propensity_by_neighbours"] == 0.125
        assert [row["label"] for row in body["similar"]] == ["eve"]
        assert body["similar"][0]["shared"][0]["words"] == "viewed the same product 3 times"


def test_without_numbers_fifty_are_looked_for_everywhere(tmp_path: Path) -> None:
    with house(tmp_path) as made, made.client() as client:
        body = client.get("/api/visitors/v1/similar", headers=made.admin).json()
        assert (body["n"], body["radius"], body["similar"]) == (50, None, [])


def test_an_unknown_visitor_is_not_found(tmp_path: Path) -> None:
    with house(tmp_path) as made, made.client() as client:
        answer = client.get("/api/visitors/nobody/similar", headers=made.admin)
        assert (answer.status_code, answer.json()["code"]) == (404, "missing")


@pytest.mark.parametrize("query", ["n=0", "n=501", "radius=1.5", "radius=-1", "radius=nan", "among=friends", "n=x"])
def test_wrong_questions_are_refused(tmp_path: Path, query: str) -> None:
    with house(tmp_path) as made, made.client() as client:
        answer = client.get(f"/api/visitors/v1/similar?{query}", headers=made.admin)
        assert answer.status_code == 400, answer.text
