"""A seeded crowd shops like people do: the same each time, in the shares shops see, and with its truth kept apart."""

import json
from collections import Counter, defaultdict
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.base.times import iso
from footfall.events.names import kind_of
from footfall.shoppers.crowd import Crowd, load, save
from footfall.shoppers.devices import COMPUTERS, DISGUISED
from footfall.shoppers.tab import Said
from footfall_shop.catalogue import BY_SLUG

END_MS = 1_795_000_000_000  # 2026-11-18
SHOP = "http://127.0.0.1:8701"
DAYS, VISITORS = 30, 1_500


def lines_of(said: list[Said]) -> list[bytes]:
    return [one.line(iso(one.at_ms).encode()) for one in said]


class Month:
    """A month of a crowd, and what follows from it."""

    def __init__(self, seed: int) -> None:
        self.crowd = Crowd(seed, SHOP)
        self.lines = lines_of(list(self.crowd.history(END_MS, days=DAYS, visitors=VISITORS)))
        self.events: list[dict[str, Any]] = [json.loads(line) for line in self.lines]
        self.people = [truth for truth in self.crowd.truths if not truth.is_bot]


@pytest.fixture(scope="module")
def month() -> Month:
    return Month(7)


def test_the_same_seed_makes_the_same_month_byte_for_byte(month: Month) -> None:
    again, other = Month(7), Month(8)
    assert again.lines == month.lines
    assert again.crowd.truths == month.crowd.truths
    assert other.lines[:5] != month.lines[:5]


def test_it_runs_by_time_up_to_its_end_with_unique_ids(month: Month) -> None:
    times = [event["timestamp"] for event in month.events]
    assert times == sorted(times)
    assert times[0] >= iso(END_MS - DAYS * 86_400_000)
    assert times[-1] < iso(END_MS)
    assert len({event["messageId"] for event in month.events}) == len(month.events)


def test_visits_bounce_convert_and_leave_carts_as_in_real_shops(month: Month) -> None:
    pages: Counter[str] = Counter()
    with_cart = set()
    for event in month.events:
        if event["type"] == "page":
            pages[event["anonymousId"]] += 1
        if event.get("event") == "Product Added":
            with_cart.add(event["anonymousId"])
    n = len(month.people)
    ordered = sum(truth.ordered for truth in month.people)
    single = Counter(truth.anonymous_id for truth in month.people)
    once = [truth for truth in month.people if single[truth.anonymous_id] == 1]
    assert 0.02 < ordered / n < 0.05
    assert 0.32 < sum(pages[truth.anonymous_id] == 1 for truth in once) / len(once) < 0.55
    buyers = {truth.anonymous_id for truth in month.people if truth.ordered}
    assert 0.6 < 1 - len(buyers) / len(with_cart) < 0.85


def test_more_than_half_come_on_phones(month: Month) -> None:
    computers = {model.user_agent for model in (*COMPUTERS, DISGUISED)}
    agents = {
        event["anonymousId"]: event["context"]["userAgent"] for event in month.events if "userAgent" in event["context"]
    }
    assert 0.5 < sum(agent not in computers for agent in agents.values()) / len(agents) < 0.7


def test_intent_is_the_probability_of_an_order(month: Month) -> None:
    expected = sum(truth.intent for truth in month.people)
    assert abs(sum(truth.ordered for truth in month.people) - expected) < 4 * expected**0.5
    high = [truth.ordered for truth in month.people if truth.intent > 0.08]
    low = [truth.ordered for truth in month.people if truth.intent < 0.01]
    assert sum(high) / len(high) > 10 * sum(low) / len(low)


def auc(scores: list[float], happened: list[bool]) -> float:
    """Area under the ROC curve: how often one where it happened scores above one where it didn't; ties count half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    values = np.asarray(scores)
    for value in np.unique(values):
        ranks[values == value] = ranks[values == value].mean()
    is_one = np.asarray(happened)
    n = int(is_one.sum())
    return float((ranks[is_one].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


def test_an_order_can_be_foreseen_from_what_is_done_but_not_surely_nor_from_the_device(month: Month) -> None:
    visits: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in month.events:
        if "anonymousId" in event:
            visits[event["anonymousId"]].append(event)
    n_visits = Counter(truth.anonymous_id for truth in month.people)
    clicks, phones, ordered = [], [], []
    for truth in month.people:
        if n_visits[truth.anonymous_id] > 1:
            continue
        events = visits[truth.anonymous_id]
        names = [event.get("event") or event["type"] for event in events]
        until_cart = names.index("Product Added") if "Product Added" in names else len(names)
        before = events[:until_cart]
        engaged_s = sum(
            event["properties"]["engaged_ms"] / 1_000 for event in before if event.get("event") == "engagement"
        )
        sized = sum(event.get("properties", {}).get("action") == "/cart/add" for event in before)
        clicks.append(engaged_s**0.5 + 4 * min(sized, 2))
        phones.append(float("Mobile" in events[0]["context"]["userAgent"]))
        ordered.append(truth.ordered)
    assert 0.75 < auc(clicks, ordered) < 0.96
    assert 0.33 < auc(phones, ordered) < 0.67
    assert 0.75 < auc([truth.intent for truth in month.people], [truth.ordered for truth in month.people]) < 0.95


def test_the_truth_names_the_order_of_the_visit_and_stays_out_of_the_events(month: Month) -> None:
    orders = {
        event["properties"]["order_id"]: event["anonymousId"]
        for event in month.events
        if event.get("event") == "Order Completed" and "anonymousId" in event
    }
    told = {truth.order_id: truth.anonymous_id for truth in month.people if truth.ordered}
    finished = {order_id for order_id in told if order_id in orders}
    assert len(finished) >= len(told) - 2  # one may still be at the checkout when the month ends
    assert all(told[order_id] == orders[order_id] for order_id in finished)
    kinds = {truth.kind for truth in month.crowd.truths}
    assert len(kinds) == 10
    for word in (*kinds - {"loyal"}, "intent", "warmth", "is_bot"):
        assert not any(f'"{word}"'.encode() in line for line in month.lines)


def test_orders_name_what_the_shop_sells_and_add_up(month: Month) -> None:
    for event in month.events:
        if event.get("event") == "Order Completed":
            order = event["properties"]
            goods = sum(BY_SLUG[line["product_id"]].price * line["quantity"] for line in order["products"])
            assert order["revenue"] == pytest.approx(goods - order.get("discount", 0), abs=0.011)


def test_every_shop_action_occurs(month: Month) -> None:
    kinds = Counter(kind_of(event["type"], event.get("event")) for event in month.events)
    missing = {
        Kind.PAGE_VIEW, Kind.LIST_VIEW, Kind.PRODUCT_CLICK, Kind.PRODUCT_VIEW, Kind.SEARCH, Kind.CART_ADD,
        Kind.CART_REMOVE, Kind.CART_VIEW, Kind.WISHLIST_ADD, Kind.CHECKOUT_START, Kind.PAYMENT_INFO, Kind.ORDER,
        Kind.REFUND, Kind.PROMOTION_VIEW, Kind.PROMOTION_CLICK, Kind.SIGN_UP, Kind.SIGN_IN, Kind.FORM, Kind.SCROLL,
        Kind.CLICK, Kind.EMAIL_OPENED, Kind.IDENTIFY,
    } - set(kinds)  # fmt: skip
    assert not missing


def test_somebody_buys_in_the_store_and_somebody_searches_in_vain(month: Month) -> None:
    assert any(event["context"].get("channel") == "store" for event in month.events)
    searches = [event["properties"] for event in month.events if event.get("event") == "Products Searched"]
    assert any(search["n_results"] == 0 for search in searches)
    assert sum(search["n_results"] > 0 for search in searches) > len(searches) / 2


def test_one_account_has_several_devices_and_one_device_several_accounts(month: Month) -> None:
    devices: defaultdict[str, set[str]] = defaultdict(set)
    accounts: defaultdict[str, set[str]] = defaultdict(set)
    for event in month.events:
        if "userId" in event and "anonymousId" in event:
            devices[event["userId"]].add(event["anonymousId"])
            accounts[event["anonymousId"]].add(event["userId"])
    assert max(map(len, devices.values())) >= 2
    assert len(devices) > 40


def test_arrivals_tell_channel_campaign_and_words(month: Month) -> None:
    pages = [event["context"]["page"] for event in month.events if event["type"] == "page"]
    for medium in ("cpc", "paid_social", "email", "display", "affiliate"):
        assert any(f"utm_medium={medium}" in page["search"] for page in pages), medium
    assert any("gclid=" in page["search"] for page in pages)
    assert any("fbclid=" in page["search"] for page in pages)
    assert any(page["referrer"].startswith("https://www.ecosia.org/search?q=") for page in pages)
    assert any(page["referrer"] == "" for page in pages)


def test_nobody_is_in_two_visits_at_once(month: Month) -> None:
    starts: defaultdict[str, list[int]] = defaultdict(list)
    for truth in month.crowd.truths:
        starts[truth.anonymous_id].append(truth.started_ms)
    assert all(after - before >= 30 * 60_000 for times in starts.values() for before, after in pairwise(sorted(times)))


def test_people_come_in_the_evening_of_where_they_live(month: Month) -> None:
    hours: Counter[int] = Counter()
    for event in month.events:
        if event["type"] == "page" and event["context"]["timezone"] == "America/New_York":
            hours[(int(event["timestamp"][11:13]) - 5) % 24] += 1
    assert sum(hours[hour] for hour in (19, 20, 21)) > 4 * sum(hours[hour] for hour in (2, 3, 4))


def test_the_month_is_over_when_they_go_on_live_and_its_people_come_back(month: Month) -> None:
    crowd = Month(7).crowd
    known = {event["anonymousId"] for event in month.events if "anonymousId" in event}
    said = list(islice(crowd.live(END_MS + 86_400_000, 60), 4_000))
    who = {json.loads(line).get("anonymousId") for line in lines_of(said)} - {None}
    assert who & known
    assert who - known
    assert said[0].at_ms >= END_MS + 86_400_000
    assert all(before.at_ms <= after.at_ms for before, after in pairwise(said))


def test_live_visits_arrive_at_the_rate_that_was_asked_for() -> None:
    crowd = Crowd(3, SHOP)
    for one in crowd.live(END_MS, visitors_per_minute=600):
        if one.at_ms > END_MS + 120_000:
            break
    assert 1_050 < len(crowd.truths) < 1_350


def test_a_crowd_is_kept_in_a_file_and_does_something_else_at_each_start(tmp_path: Path) -> None:
    crowd = Crowd(5, SHOP)
    for _ in crowd.history(END_MS, days=10, visitors=200):
        pass
    save(crowd, tmp_path / "people")
    first, second = (load(tmp_path / "people", SHOP) for _ in range(2))
    once, twice = (lines_of(list(islice(each.live(END_MS, 60), 200))) for each in (first, second))
    assert once == twice
    assert first.n_starts == 1
    save(first, tmp_path / "people")
    third = lines_of(list(islice(load(tmp_path / "people", SHOP).live(END_MS, 60), 200)))
    assert not {json.loads(line)["messageId"] for line in third} & {json.loads(line)["messageId"] for line in once}


def test_a_file_of_people_that_cannot_be_read_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "people").write_bytes(b"\xc1")
    with pytest.raises(BadInput, match="--fresh"):
        load(tmp_path / "people", SHOP)
