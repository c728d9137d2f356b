"""What goes to the lake, once, whatever crashes in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.stories import DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, Shop, call, entry, trace, track

from footfall.base.codes import Flag
from footfall.base.errors import Unavailable
from footfall.base.ids import USER
from footfall.events.columns import name_key
from footfall.events.facts import is_news
from footfall.events.wire import Entry, Source
from footfall.history import entry_of, facts_of
from footfall.record.features import FEATURE_IDX, N_FEATURES, features_into
from footfall.record.rates import rate_slot


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data", now_ms=NOON_MS + DAY_MS)
    yield shop
    shop.close()


def rows_of(shop: Shop, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.folder.lake.query(sql).to_pylist()
    return found


def test_the_lake_has_every_applied_event_once_with_its_visitor(shop: Shop) -> None:
    shop.send(*trace(2, 150))
    shop.store()
    shop.send(*trace(3, 50))
    shop.store()
    counters = shop.folder.engine.counters
    [found] = rows_of(shop, 'SELECT count(*) AS n, count(DISTINCT "offset") AS distinct FROM events')
    assert found == {"n": counters["applied"], "distinct": counters["applied"]}
    assert shop.folder.lake.position() == shop.folder.log.next_offset()
    by_row = {row["row"]: row["n"] for row in rows_of(shop, "SELECT row, count(*) AS n FROM events GROUP BY row")}
    alone = [row for row in by_row if shop.records[row]["merged_into"] == 0 and not shop.profiles._merges_of(row)]
    assert len(alone) > 3
    assert {row: int(shop.records[row]["n_events"]) for row in alone} == {row: by_row[row] for row in alone}


def test_an_event_in_the_lake_says_what_the_columns_said(shop: Shop) -> None:
    sent = track(
        "Order Completed", NOON_MS, "a1", "u1", order_id="o1", total="30.50", currency="usd",
        products=[{"item_id": "sku-1", "item_category": "Shoes", "price": 15.25, "quantity": 2}],
    )  # fmt: skip
    sent["context"] = {"page": {"url": "https://shop.example/women/shoes?q=1"}, "location": {"country": "Germany"}}
    shop.send({**sent, "properties": {**sent["properties"], "currency": "USD"}}, ip="10.1.2.0", user_agent="curl/8")
    shop.store()
    [row] = rows_of(shop, "SELECT * FROM events")
    names = ("site", "kind", "name", "url", "section", "product_id", "category", "revenue", "order_id", "anonymous_id",
             "user_id", "time_ms", "country", "offset", "row")  # fmt: skip
    assert {k: row[k] for k in names} == {
        "site": 1, "kind": 12, "name": "Order Completed", "url": "https://shop.example/women/shoes",
        "section": "women/shoes", "product_id": "sku-1", "category": "Shoes", "revenue": 30.5, "order_id": "o1",
        "anonymous_id": "a1", "user_id": "u1", "time_ms": NOON_MS, "country": "DE", "offset": 0, "row": 0,
    }  # fmt: skip
    again = entry_of(row["entry"], row["payload"])
    assert (again.ip, again.user_agent, again.received_ms, again.n) == ("10.1.2.0", "curl/8", NOON_MS + DAY_MS, 1)
    assert msgspec.json.decode(again.body)["messageId"] == sent["messageId"]


def test_refused_and_repeated_events_stay_out(shop: Shop) -> None:
    shop.send(track("A"), track("A"), track(""), b"{")
    shop.store()
    assert [row["name"] for row in rows_of(shop, "SELECT name FROM events")] == ["A"]


def test_a_range_of_nothing_but_control_entries_moves_the_lake_on(shop: Shop) -> None:
    shop.folder.log.append([Entry(0, NOON_MS, int(Source.ENGINE), 1, b"")] * 3)
    shop.apply()
    shop.store()
    assert shop.folder.lake.position() == 3
    shop.send(track("A"))
    shop.folder.log.append([Entry(0, NOON_MS, int(Source.ENGINE), 1, b""), entry(track("B"))])
    shop.apply()
    shop.store()
    assert [(r["offset"], r["name"]) for r in rows_of(shop, 'SELECT "offset", name FROM events ORDER BY 1')] == [
        (3, "A"), (5, "B"),
    ]  # fmt: skip


def test_the_lake_knows_the_price_outliers_of_its_time_also_after_a_restart(shop: Shop) -> None:
    def view(i: int, price: float) -> dict[str, Any]:
        return track("Product Viewed", NOON_MS + i, product_id="p", category="c", price=price)

    shop.send(*[view(i, 10 + i / 10) for i in range(30)], view(31, 5_000))
    shop.store()
    shop.folder.publish_facts(NOON_MS + DAY_MS)
    shop.apply()
    shop.send(view(40, 5_000))
    shop.folder.commit()
    shop.crash()
    shop = Shop(shop.folder.path, now_ms=NOON_MS + DAY_MS)
    shop.store()
    outliers = rows_of(shop, f"SELECT time_ms FROM events WHERE flags & {int(Flag.OUTLIER_PRICE)} <> 0")
    assert outliers == [{"time_ms": NOON_MS + 40}]
    shop.close()


def test_after_a_crash_between_commit_and_lake_the_lake_is_written_from_the_store(shop: Shop) -> None:
    shop.send(*trace(4, 80))
    shop.folder.commit()
    shop.crash()
    shop = Shop(shop.folder.path, now_ms=NOON_MS + DAY_MS)
    shop.store()
    [found] = rows_of(shop, "SELECT count(*) AS n FROM events")
    assert found["n"] == shop.folder.engine.counters["applied"] == int(shop.records["n_events"].sum())
    shop.close()


def test_outcomes_beyond_what_memory_keeps_come_from_the_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footfall.history.BATCHES_MAX_BYTES", 300)
    for i in range(5):
        shop.send(track("A", NOON_MS + i))
        shop.folder.commit()
    shop.folder.write_lake()
    assert [r["n"] for r in rows_of(shop, "SELECT count(*) AS n FROM events")] == [5]


# -- sessions ------------------------------------------------------------------------------------------------------


def sessions_of(shop: Shop) -> list[tuple[int, int, int]]:
    rows = rows_of(shop, "SELECT row, number, n_events FROM sessions ORDER BY row, number")
    return [(row["row"], row["number"], row["n_events"]) for row in rows]


def test_an_ended_session_is_in_the_lake_once_even_if_it_was_written_twice(shop: Shop) -> None:
    # 0:00 a  0:10 b | 2:00 c       ended by the next one and by the timer; the crash makes the timer run again
    shop.send(*[track("A", NOON_MS + m * MINUTE_MS) for m in (0, 10, 120)])
    shop.folder.commit()
    shop.folder.tick(NOON_MS + 5 * HOUR_MS)
    kept = shop.folder.store.ended()
    shop.folder.commit()
    assert len(shop.folder.store.ended()) == len(kept) + 1
    dropped = shop.folder.store.drop_ended
    shop.folder.store.drop_ended = _fails  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        shop.folder.write_lake()
    shop.folder.store.drop_ended = dropped  # type: ignore[method-assign]
    assert sessions_of(shop) == [(0, 1, 2), (0, 2, 1)]
    shop.crash()
    shop = Shop(shop.folder.path, now_ms=NOON_MS + DAY_MS)
    shop.send(track("A", NOON_MS + 9 * HOUR_MS))
    shop.end_all()
    shop.store()
    assert sessions_of(shop) == [(0, 1, 2), (0, 2, 1), (0, 3, 1)]
    assert shop.folder.store.ended() == []
    shop.close()


def _fails(up_to: int) -> None:
    raise Unavailable("The disk is gone.")


def test_a_session_that_a_late_event_reopens_is_written_again_and_the_last_one_counts(shop: Shop) -> None:
    shop.send(track("A", NOON_MS))
    shop.folder.tick(NOON_MS + HOUR_MS)
    shop.store()
    shop.send(track("Late", NOON_MS + 20 * MINUTE_MS))
    shop.folder.tick(NOON_MS + 2 * HOUR_MS)
    shop.store()
    assert sessions_of(shop) == [(0, 1, 2)]


def test_every_session_of_the_records_is_in_the_lake(shop: Shop) -> None:
    for seed in range(3):
        shop.send(*[e for e in trace(seed, 100, n_people=40) if e["type"] != "alias" and "userId" not in e])
    shop.end_all()
    shop.store()
    numbers = shop.records["session_number"]
    assert sorted((row, number) for row, number, _ in sessions_of(shop)) == [
        (row, number) for row in range(len(numbers)) for number in range(1, int(numbers[row]) + 1)
    ]


# -- facts ---------------------------------------------------------------------------------------------------------


def test_facts_come_from_the_views_of_the_window_by_site(shop: Shop) -> None:
    views = [
        track("Product Viewed", NOON_MS + i * MINUTE_MS, product_id="p" if i % 2 else "q", category="c", price=i + 1)
        for i in range(40)
    ]
    shop.send(*views, call("page"), track("Product Viewed", product_id="x", category="c"))
    shop.send(*[{**v, "messageId": f"2{i}"} for i, v in enumerate(views)], site=2)
    shop.store()
    facts = facts_of(shop.folder.lake, 9, NOON_MS, NOON_MS + DAY_MS)
    assert (facts.version, len(facts.categories), len(facts.products)) == (9, 2, 4)
    assert np.allclose(facts.quantiles[0], np.quantile(np.arange(1, 41), np.linspace(0, 1, 21)))
    assert (np.diff(facts.categories.astype(object)) > 0).all()
    assert len(facts_of(shop.folder.lake, 9, NOON_MS + 25 * MINUTE_MS, NOON_MS + DAY_MS).categories) == 0


def rate(shop: Shop, table: str, name: str, site: int = 1) -> dict[str, float]:
    """What is known of a product or category after all that was sent."""
    shop.store()
    rates = getattr(facts_of(shop.folder.lake, 9, NOON_MS, NOON_MS + DAY_MS).rates, table)
    at = rate_slot(rates, np.uint64(name_key(site, name)))
    return {} if at < 0 else {field: float(rates[at][field]) for field in ("view_lift", "cart_lift", "order_lift")}


def acts(name: str, n: int, **properties: Any) -> list[dict[str, Any]]:
    return [track(name, NOON_MS + i, **properties) for i in range(n)]


def test_rates_count_views_cart_adds_and_bought_lines_of_products_and_categories(shop: Shop) -> None:
    # of 6 products 3 sell and 3 don't: they differ by more than chance, so each rate stays near its own count
    for k in range(6):
        shop.send(*acts("Product Viewed", 80, product_id=f"p{k}", category="a" if k < 3 else "b"))
        shop.send(*acts("Product Added", 40 if k < 3 else 4, product_id=f"p{k}", category="a" if k < 3 else "b"))
    lines = [{"sku": "p0", "quantity": 3}, {"item_id": "p1"}, {"product_id": "never viewed"}]
    shop.send(*[{**e, "messageId": f"o{i}"} for i, e in enumerate(acts("Order Completed", 20, products=lines))])
    # 500 chances: 480 views, and 20 bought lines of what was never viewed; 132 cart adds, 60 bought lines
    carts, orders = 132 / 500, 60 / 500
    known = rate(shop, "products", "p0")
    assert known["view_lift"] == pytest.approx(80 / (480 / 7), rel=0.1)
    assert known["cart_lift"] == pytest.approx(0.5 / carts, rel=0.1)
    assert known["order_lift"] == pytest.approx(20 / 80 / orders, rel=0.2)
    assert rate(shop, "products", "p4")["cart_lift"] == pytest.approx(0.05 / carts, abs=0.1)
    assert rate(shop, "products", "p4")["order_lift"] < 0.3
    # by what viewers were told, 40 of 240 views of a led to an order and none of b
    assert rate(shop, "categories", "a")["order_lift"] == pytest.approx(40 / 240 / (40 / 480), rel=0.15)
    assert rate(shop, "categories", "b")["order_lift"] < 0.2
    assert rate(shop, "products", "p0", site=2) == rate(shop, "products", "p9") == {}


def test_rates_of_a_history_without_lists_of_lines_come_from_its_orders_own_product(shop: Shop) -> None:
    for k in range(4):
        shop.send(*acts("Product Viewed", 60, product_id=k, category=7))
    shop.send(*acts("Order Completed", 30, product_id=2, category=7))
    assert rate(shop, "products", "2")["order_lift"] == pytest.approx(0.5 / (30 / 240), rel=0.1)
    assert rate(shop, "products", "1")["order_lift"] < 0.4
    assert rate(shop, "categories", "7")["order_lift"] == 1.0  # there is no other


def test_crawlers_and_what_was_hardly_seen_have_no_rates(shop: Shop) -> None:
    shop.send(*acts("Product Viewed", 4, product_id="seldom"), *acts("Product Viewed", 5, product_id="seen"))
    shop.send(*acts("Product Viewed", 50, product_id="crawled"), user_agent="Googlebot/2.1")
    assert rate(shop, "products", "seldom") == rate(shop, "products", "crawled") == {}
    assert rate(shop, "products", "seen") == {"view_lift": 1.0, "cart_lift": 1.0, "order_lift": 1.0}


def test_a_shop_without_prices_publishes_what_it_knows(shop: Shop) -> None:
    shop.send(*acts("Product Viewed", 20, product_id="p", category="c"))
    shop.store()
    version = shop.folder.publish_facts(NOON_MS + HOUR_MS)
    shop.apply()
    assert shop.folder.engine.facts.version == version > 0
    assert not shop.folder.engine.facts.is_empty()


def test_what_was_published_reaches_the_features_of_those_who_look_at_the_same_product(shop: Shop) -> None:
    long = "p" * 300  # cut as the columns cut it
    for k in range(3):
        shop.send(*acts("Product Viewed", 40, product_id=f"{long}{k}", category="shoes"))
        shop.send(*acts("Product Viewed", 40, product_id=k, category="hats"))
    shop.send(*acts("Product Added", 30, product_id=2, category="hats"))
    shop.send(track("Product Viewed", user="late", anonymous=None, product_id=2.0, category=" hats "))

    def features() -> dict[str, float]:
        engine = shop.folder.engine
        out = np.zeros((1, N_FEATURES), np.float32)
        rows = np.array([engine.row_of(1, USER, "late")], np.int32)
        features_into(engine.records, rows, engine.records["last_seen"][rows], engine.facts.rates, out)
        return {
            name: float(out[0, FEATURE_IDX[f"last_{name}"]]) for name in ("product_cart_lift", "category_cart_lift")
        }

    assert list(features().values()) == [1.0, 1.0]  # as nothing is known yet
    shop.store()
    shop.folder.publish_facts(NOON_MS + HOUR_MS)
    shop.apply()
    known = rate(shop, "products", "2")["cart_lift"], rate(shop, "categories", "hats")["cart_lift"]
    assert tuple(features().values()) == pytest.approx(known)
    assert known[0] > 3
    assert rate(shop, "products", long[:256])  # what is alike in 256 characters is one product


def test_facts_are_published_once_and_never_written_over(shop: Shop) -> None:
    folder = shop.folder
    assert folder.publish_facts(NOON_MS) == 0  # there are no prices
    prices = [track("Product Viewed", NOON_MS + i, product_id="p", category="c", price=i + 1) for i in range(20)]
    shop.send(*prices)
    shop.store()
    first = folder.publish_facts(NOON_MS + HOUR_MS)
    shop.apply()
    assert first == NOON_MS + HOUR_MS == folder.engine.counters["facts"]
    assert folder.publish_facts(NOON_MS + 2 * HOUR_MS) == first  # nothing new
    shop.send(track("Product Viewed", NOON_MS + 100, product_id="p", category="c", price=900))
    shop.store()
    second = folder.publish_facts(NOON_MS + HOUR_MS)  # an import may come by the same midnight again
    assert second == first + 1
    assert is_news(folder.shelf.get(second), folder.shelf.get(first))
