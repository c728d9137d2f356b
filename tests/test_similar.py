"""Who is like whom in a running folder: with and without a model, live and past, merged and gone."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.stories import DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, Shop, call, track

from footfall.base.errors import BadInput
from footfall.events.facts import no_facts
from footfall.models.neighbours import VISIT, Past
from footfall.models.similarity import Space, SpaceOptions, learn
from footfall.ports import Similar
from footfall.record.features import FEATURE_IDX, N_FEATURES, features_into
from footfall.similar import SimilarVisitors
from footfall.web import shapes


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data")
    yield shop
    shop.close()


def visit(who: str, start_ms: int, n_views: int, *then: str) -> list[dict[str, Any]]:
    """Views of products a minute apart, then some actions."""
    names = ["Product Viewed"] * n_views + list(then)
    return [
        track(name, start_ms + k * MINUTE_MS, who, product_id=f"p{k}", price=10, order_id=f"{who}-{start_ms}-{k}")
        for k, name in enumerate(names)
    ]


def people(shop: Shop) -> None:
    """Two who look, two who have carts, one who ordered, all live at noon."""
    start_ms = NOON_MS - 10 * MINUTE_MS
    shop.send(*visit("looker", start_ms, 4), *visit("other-looker", start_ms, 4))
    shop.send(*visit("adder", start_ms, 4, "Product Added"), *visit("other-adder", start_ms, 4, "Product Added"))
    shop.send(*visit("buyer", start_ms, 2, "Product Added", "Checkout Started", "Order Completed"))


def asked(shop: Shop, any_id: str, **given: Any) -> dict[str, Any]:
    similar: Similar = shop.running.similar
    answer = similar.similar(1, any_id, **{"n": 10, "radius": None, "among": "all", **given})
    assert answer is not None
    msgspec.convert(answer, shapes.SimilarPage)
    return answer


def labels(shop: Shop, answer: dict[str, Any]) -> list[str]:
    """Anonymous ids of who was found."""
    found = []
    for row in answer["similar"]:
        visitor = shop.profiles.visitor(1, row["visitor_id"])
        assert visitor is not None
        found.append(visitor["identities"][0]["id"])
    return found


def features_of(shop: Shop) -> np.ndarray:
    n = len(shop.records)
    out = np.empty((n, N_FEATURES), np.float32)
    features_into(shop.records, np.arange(n, dtype=np.int32), shop.records["last_seen"], no_facts().rates, out)
    return out


@cache
def space_of_carts() -> Space:
    """Learned from visitors of whom those with more product views and a cart order more often."""
    rng = np.random.default_rng(0)
    features = np.zeros((1_500, N_FEATURES), np.float32)
    features[:, FEATURE_IDX["cart_items_n"]] = rng.integers(0, 2, 1_500)
    features[:, FEATURE_IDX["session_product_view_n"]] = rng.integers(0, 8, 1_500)
    margin = 3.0 * features[:, FEATURE_IDX["cart_items_n"]] - 3.0
    margin += 0.2 * features[:, FEATURE_IDX["session_product_view_n"]]
    labels = (rng.random(1_500) < 1 / (1 + np.exp(-margin))).astype(np.int8)
    options = SpaceOptions(n_trees=25, most_past=600, most_asked=300)
    return learn(features, labels, np.ones(1_500, np.float32), np.arange(1_500), options)


def past_of(shop: Shop, space: Space, *ordered: int) -> Past:
    """One past visit of every row, a day ago, each where its visitor is now."""
    visits = np.zeros(len(shop.records), VISIT)
    visits["row"] = np.arange(len(visits))
    visits["number"], visits["at_ms"], visits["weight"] = 1, NOON_MS - DAY_MS, 1.0
    visits["later"] = visits["ordered"] = np.isin(visits["row"], ordered)
    return Past.built(space.embed(features_of(shop)), visits)


def test_before_there_is_a_model_the_live_ones_are_compared_by_the_prior(shop: Shop) -> None:
    people(shop)
    answer = asked(shop, "adder", among="live")
    assert (answer["version"], answer["is_learned"], answer["propensity_by_neighbours"]) == (0, False, None)
    assert labels(shop, answer)[0] == "other-adder"
    assert len(answer["similar"]) == 4
    first = answer["similar"][0]
    assert (first["similarity"], first["is_live"], first["ordered"], first["session_number"]) == (1.0, True, None, 1)
    assert 0 < first["propensity"] < 1
    assert "cart" in " ".join(shared["words"] for shared in first["shared"])
    similarities = [row["similarity"] for row in answer["similar"]]
    assert similarities == sorted(similarities, reverse=True)


def test_before_there_is_a_model_those_seen_last_are_the_past(shop: Shop) -> None:
    people(shop)
    shop.clock.set_ms(NOON_MS + 2 * HOUR_MS)
    shop.folder.tick(shop.clock.now_ms())
    shop.send(*visit("newcomer", NOON_MS + 2 * HOUR_MS, 3, "Product Added"))
    answer = asked(shop, "newcomer", among="past")
    found = dict(zip(labels(shop, answer), answer["similar"], strict=True))
    assert set(found) == {"looker", "other-looker", "adder", "other-adder", "buyer"}
    assert (found["buyer"]["ordered"], found["adder"]["ordered"]) == (True, False)
    assert {row["is_live"] for row in answer["similar"]} == {False}
    assert asked(shop, "newcomer", among="live")["similar"] == []


def test_before_there_is_a_model_a_visit_is_compared_with_past_ones_as_they_were_before_they_ended(shop: Shop) -> None:
    people(shop)
    shop.clock.set_ms(NOON_MS + 2 * HOUR_MS)
    shop.folder.tick(shop.clock.now_ms())
    shop.send(*visit("newcomer", NOON_MS + 110 * MINUTE_MS, 4, "Product Added"))
    past = asked(shop, "newcomer", among="past")["similar"]
    assert [row["similarity"] for row in past[:2]] == [1.0, 1.0]
    shop.send(*visit("other-newcomer", NOON_MS + 110 * MINUTE_MS, 4))
    by_label: dict[str, float] = {}
    for among in ("past", "live"):
        answer = asked(shop, "newcomer", among=among)
        by_label.update(zip(labels(shop, answer), [row["similarity"] for row in answer["similar"]], strict=True))
    assert by_label["looker"] == by_label["other-newcomer"]  # who did the same is as far, whether live or past


def test_who_is_live_stays_placed_when_only_past_visits_are_asked_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(shop)
    space = space_of_carts()
    shop.running.similar.use(1, 3, space, past_of(shop, space))
    asked(shop, "adder")
    n_placed: list[int] = []
    contributions = Space.contributions

    def counted(self: Space, features: np.ndarray, visitors: np.ndarray | None = None) -> np.ndarray:
        n_placed.append(len(features))
        return contributions(self, features, visitors)

    monkeypatch.setattr(Space, "contributions", counted)
    asked(shop, "adder", among="past")
    asked(shop, "looker")
    assert n_placed == [1, 1]  # those asked about, and nobody else


def test_a_model_finds_past_visits_and_live_ones_each_visitor_once(shop: Shop) -> None:
    people(shop)
    shop.running.similar.use(1, 3, space_of_carts(), past_of(shop, space_of_carts(), 0, 1))
    answer = asked(shop, "adder")
    assert (answer["version"], answer["is_learned"]) == (3, True)
    assert labels(shop, answer)[0] == "other-adder"
    assert len({row["visitor_id"] for row in answer["similar"]}) == len(answer["similar"]) == 4
    assert answer["similar"][0]["is_live"] is True  # of two visits at one distance it is the one under way
    past = asked(shop, "adder", among="past")
    assert [row["is_live"] for row in past["similar"]] == [False] * 4
    assert past["similar"][0]["at"] == "2026-10-23T12:00:00.000Z"
    assert past["similar"][0]["propensity"] is None
    assert 0 < answer["propensity_by_neighbours"] < 1
    shared = answer["similar"][0]["shared"]
    assert (shared[0]["feature"], shared[0]["words"]) == ("cart_items_n", "1 item in the cart")
    assert shared[0]["effect"] > 0


def test_the_slider_takes_fewer_the_smaller_the_radius(shop: Shop) -> None:
    people(shop)
    shop.running.similar.use(1, 3, space_of_carts(), past_of(shop, space_of_carts()))
    numbers = [len(asked(shop, "looker", radius=radius)["similar"]) for radius in (0.0, 0.3, 1.0)]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 4
    for radius in (0.0, 0.2, 0.5):
        rows = asked(shop, "looker", radius=radius)["similar"]
        assert all(row["similarity"] >= 1 - radius - 1e-6 for row in rows)
    assert len(asked(shop, "looker", n=2, radius=1.0)["similar"]) == 2


def test_what_a_visitor_does_moves_them_at_once(shop: Shop) -> None:
    people(shop)
    shop.running.similar.use(1, 3, space_of_carts(), None)
    before = {row["visitor_id"]: row["similarity"] for row in asked(shop, "adder", among="live")["similar"]}
    looker = shop.profiles.visitor(1, "looker")
    assert looker is not None
    shop.send(track("Product Added", NOON_MS, "looker", product_id="p1", price=10))
    after = {row["visitor_id"]: row["similarity"] for row in asked(shop, "adder", among="live")["similar"]}
    assert after[looker["visitor_id"]] > before[looker["visitor_id"]]


def test_merged_visitors_are_one_and_found_by_any_id(shop: Shop) -> None:
    people(shop)
    past = past_of(shop, space_of_carts())
    shop.send(call("identify", NOON_MS, "adder", "ada"), call("identify", NOON_MS, "other-adder", "ada"))
    shop.running.similar.use(1, 3, space_of_carts(), past)
    by_each = [asked(shop, any_id) for any_id in ("ada", "adder", "other-adder")]
    assert by_each[0] == by_each[1] == by_each[2]
    assert len(by_each[0]["similar"]) == 3
    assert by_each[0]["visitor_id"] not in {row["visitor_id"] for row in by_each[0]["similar"]}
    of_buyer = asked(shop, "buyer", among="past")
    assert len(of_buyer["similar"]) == 3
    assert "ada" in {row["label"] for row in of_buyer["similar"]}


def test_nobody_of_another_site_and_no_bot_is_found(shop: Shop) -> None:
    people(shop)
    other = shop.folder.definitions.add_site("other", [], by="test")[0].number
    shop.send(*visit("stranger", NOON_MS - MINUTE_MS, 1), site=other)
    crawler = [event | {"context": {"userAgent": "Googlebot/2.1"}} for event in visit("bot", NOON_MS - MINUTE_MS, 1)]
    shop.send(*crawler)
    shop.running.similar.use(1, 3, space_of_carts(), past_of(shop, space_of_carts()))
    assert set(labels(shop, asked(shop, "adder", among="live"))) == {"looker", "other-looker", "other-adder", "buyer"}
    assert shop.running.similar.similar(other, "adder", n=5, radius=None, among="all") is None
    alone = shop.running.similar.similar(other, "stranger", n=5, radius=None, among="all")
    assert alone is not None
    assert alone["similar"] == []


def test_past_visits_of_rows_that_are_no_more_are_left_out(shop: Shop) -> None:
    people(shop)
    visits = np.zeros(3, VISIT)
    visits["row"] = [0, 500, 1 << 30]
    past = Past.built(space_of_carts().embed(features_of(shop)[:3]), visits)
    shop.running.similar.use(1, 3, space_of_carts(), past)
    assert len(asked(shop, "buyer", among="past")["similar"]) == 1


def test_an_unknown_visitor_is_nobody_and_a_wrong_question_is_refused(shop: Shop) -> None:
    similar = shop.running.similar
    assert similar.similar(1, "nobody", n=5, radius=None, among="all") is None
    with pytest.raises(BadInput, match="past, live, all"):
        similar.similar(1, "nobody", n=5, radius=None, among="friends")


def test_without_its_model_a_site_is_compared_by_the_prior_again(shop: Shop) -> None:
    people(shop)
    shop.running.similar.use(1, 3, space_of_carts(), None)
    shop.running.similar.take_over(1, None, b"")
    assert asked(shop, "adder")["is_learned"] is False


def test_it_is_the_port(shop: Shop) -> None:
    port: Similar = SimilarVisitors(shop.folder, shop.profiles)
    assert port.similar(1, "nobody", n=1, radius=None, among="past") is None
