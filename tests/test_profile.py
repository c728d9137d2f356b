"""What the API reads of live visitors, and merges taken back, over the real parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.models.test_scoring import Broken, Constant
from tests.stories import HOUR_MS, MINUTE_MS, NOON_MS, SETTINGS, Shop, call, entry, trace, track

from footfall.base.errors import BadInput, Missing
from footfall.base.ids import ANONYMOUS, USER
from footfall.base.times import iso
from footfall.ports import STATES, Profiles
from footfall.profile import VisitorIds
from footfall.record.layout import RECORD
from footfall.web import shapes


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data")
    yield shop
    shop.close()


def again(shop: Shop, **changes: Any) -> Shop:
    """The same data folder after a restart."""
    shop.close()
    return Shop(shop.folder.path, msgspec.structs.replace(SETTINGS, **changes), shop.clock.now_ms())


def page_of(shop: Shop, **given: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"is_live": False, "limit": 50, "cursor": None, "q": "", "sort": "last_seen", **given}
    return shop.profiles.visitors(asked.pop("site", 1), **asked)


def labels(answer: dict[str, Any]) -> list[str]:
    return [row["label"] for row in answer["visitors"]]


def record(shop: Shop, what: int, text: str) -> np.void:
    row = shop.folder.engine.row_of(1, what, text)
    assert row >= 0
    found: np.void = shop.folder.engine.records[row]
    return found


# -- ids -----------------------------------------------------------------------------------------------------------


def test_a_visitor_id_says_nothing_and_belongs_to_one_site() -> None:
    ids = VisitorIds(bytes(16))
    known = ids.of(1, 7)
    assert len(known) == 32
    assert (ids.row(1, known), ids.row(2, known)) == (7, -1)
    assert [ids.row(1, text) for text in ("", "zz", known[:-2], known[:-1] + "?", known.replace(known[0], "g"))] == [
        -1
    ] * 5
    assert VisitorIds(bytes(15) + b"1").row(1, known) == -1


# -- shapes --------------------------------------------------------------------------------------------------------


def test_every_answer_has_the_shape_that_the_api_promises(shop: Shop) -> None:
    shop.send(*trace(3, 150))
    profiles: Profiles = shop.profiles
    page = page_of(shop)
    assert len(msgspec.convert(page, shapes.VisitorPage).visitors) > 5
    for row in page["visitors"]:
        visitor_id = row["visitor_id"]
        assert msgspec.convert(profiles.visitor(1, visitor_id), shapes.Visitor).visitor_id == visitor_id
        timeline = profiles.timeline(1, visitor_id, limit=500, cursor=None)
        assert msgspec.convert(timeline, shapes.Timeline).items
        merges = profiles.merges(1, visitor_id)
        assert merges is not None
        for merge in merges:
            assert len(msgspec.convert(merge, shapes.MergeRow).keys) == 2
    for row in profiles.changed_since(1, 0, 500):
        msgspec.convert(row, shapes.LiveRow)
    msgspec.convert(profiles.ledger(), shapes.Ledger)
    failed = msgspec.convert(profiles.failed(1, limit=500, cursor=None, reason=None), shapes.FailedPage)
    assert failed.total == len(failed.failed) == sum(failed.by_reason.values()) > 0


# -- the list ------------------------------------------------------------------------------------------------------


def test_the_list_is_sorted_by_what_its_rows_show(shop: Shop) -> None:
    # u1 spends, u2 stays, u3 puts things into the cart, u4 clicks a lot and last
    shop.send(
        track("Order Completed", user="u1", anonymous=None, order_id="o", revenue=50),
        track("A", user="u2", anonymous=None),
        track("A", NOON_MS + 5 * MINUTE_MS, user="u2", anonymous=None),
        track("Product Added", user="u3", anonymous=None, product_id="p", price=30, quantity=2),
        *[track("A", NOON_MS + 6 * MINUTE_MS + i, user="u4", anonymous=None) for i in range(4)],
        received_ms=NOON_MS + HOUR_MS,
    )
    firsts = {sort: labels(page_of(shop, sort=sort))[0] for sort in ("last_seen", "events", "dwell", "cart", "revenue")}
    assert firsts == {"last_seen": "u4", "events": "u4", "dwell": "u2", "cart": "u3", "revenue": "u1"}
    with pytest.raises(BadInput, match="last_seen, events, dwell, cart, revenue"):
        page_of(shop, sort="shoe_size")


def scores_in_rows(shop: Shop) -> dict[str, Any]:
    return {row["label"]: row["propensity"] for row in page_of(shop)["visitors"]}


def visitor_of(shop: Shop, any_id: str) -> dict[str, Any]:
    visitor = shop.profiles.visitor(1, any_id)
    assert visitor is not None
    return visitor


def test_every_row_says_how_likely_an_order_is_and_who_says_so(shop: Shop) -> None:
    for is_scoring in (True, False):  # scored while events came in; then only when somebody looks
        shop.folder.is_scoring = is_scoring
        name = f"live{is_scoring}"
        shop.send(track("Product Viewed", user=name, anonymous=None, product_id="p", price=30))
        before = scores_in_rows(shop)[name]
        assert 0 < before["session"] < 1 and 0 < before["week"] < 1 and before["scored_by"] == "prior"
        shop.send(track("Product Added", NOON_MS + 1_000, user=name, anonymous=None, product_id="p", price=30))
        assert scores_in_rows(shop)[name]["session"] > before["session"]
    both = scores_in_rows(shop)
    assert both["liveTrue"] == both["liveFalse"]


def test_the_likeliest_come_first_however_they_were_scored(shop: Shop) -> None:
    shop.send(*[track("Product Viewed", user=f"u{i}", anonymous=None, product_id="p") for i in range(3)])
    shop.folder.is_scoring = True
    shop.send(track("Product Added", NOON_MS + 1_000, user="u1", anonymous=None, product_id="p", price=3))
    assert labels(page_of(shop, sort="propensity"))[0] == "u1"
    said = [row["propensity"]["session"] for row in page_of(shop, sort="propensity")["visitors"]]
    assert said == sorted(said, reverse=True)


def test_a_visitor_is_told_with_what_moved_the_score(shop: Shop) -> None:
    shop.folder.is_scoring = True
    shop.send(
        track("Product Viewed", user="u1", product_id="p", price=30),
        track("Product Added", NOON_MS + 60_000, user="u1", product_id="p", price=30),
        received_ms=NOON_MS + HOUR_MS,
    )
    told = visitor_of(shop, "u1")["propensity"]
    assert told["session"] == scores_in_rows(shop)["u1"]["session"]
    assert told["scored_by"] == {"kind": "prior", "version": 0, "is_calibrated": False}
    assert told["at"] == "2026-10-24T12:01:00.000Z"
    for reasons in (told["reasons"], told["week_reasons"]):
        assert len(reasons) == 3
        assert all(set(reason) == {"feature", "value", "effect", "words"} for reason in reasons)
        sizes = [abs(reason["effect"]) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)
    assert any("cart" in reason["feature"] for reason in told["reasons"])


def test_another_model_scores_everybody_anew(shop: Shop) -> None:
    shop.folder.is_scoring = True
    shop.send(track("Product Viewed", user="u1", anonymous=None), track("Product Viewed", user="u2", anonymous=None))
    shop.folder.use_model(1, Constant(6, 0.125))
    shop.send(track("Product Viewed", NOON_MS + 1_000, user="u2", anonymous=None))
    by_model = {"session": 0.125, "week": 0.125, "scored_by": "model"}
    assert scores_in_rows(shop) == {"u1": by_model, "u2": by_model}
    assert visitor_of(shop, "u1")["propensity"]["scored_by"] == {"kind": "model", "version": 6, "is_calibrated": True}
    shop.folder.use_model(1, None)
    assert {row["scored_by"] for row in scores_in_rows(shop).values()} == {"prior"}


def test_who_fails_to_score_is_not_named_as_who_scored(shop: Shop) -> None:
    shop.folder.is_scoring = True
    shop.folder.use_model(1, Broken(6, 0.5))
    shop.send(track("Product Viewed", user="u1", anonymous=None))
    assert scores_in_rows(shop)["u1"]["scored_by"] == "prior"
    assert visitor_of(shop, "u1")["propensity"]["scored_by"]["kind"] == "prior"


def test_crawlers_have_no_propensity_and_no_reasons(shop: Shop) -> None:
    shop.folder.is_scoring = True
    bot = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    shop.send(call("page", user="robot", anonymous=None, context=bot))
    assert scores_in_rows(shop)["robot"] == {"session": None, "week": None, "scored_by": "prior"}
    told = visitor_of(shop, "robot")["propensity"]
    assert (told["session"], told["week"], told["reasons"], told["week_reasons"]) == (None, None, [], [])


def test_an_ended_session_is_scored_as_what_it_is(shop: Shop) -> None:
    shop.folder.is_scoring = True
    shop.send(track("Product Added", user="u1", anonymous=None, product_id="p", price=3))
    before = visitor_of(shop, "u1")["propensity"]["session"]
    assert before == scores_in_rows(shop)["u1"]["session"]
    shop.end_all()
    after = visitor_of(shop, "u1")["propensity"]["session"]
    assert after < before
    assert after == scores_in_rows(shop)["u1"]["session"]


def test_pages_of_the_list_join_without_gap(shop: Shop) -> None:
    shop.send(*[track("A", anonymous=f"a{i}") for i in range(7)])
    found, cursor = [], None
    while True:
        page = page_of(shop, limit=3, cursor=cursor)
        assert page["total"] == 7
        found += [row["visitor_id"] for row in page["visitors"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(set(found)) == 7


def test_pages_of_a_long_list_with_many_ties_join_without_gap(shop: Shop) -> None:
    shop.send(*[track("Order Completed", anonymous=f"a{i}", order_id=f"o{i}", revenue=i % 3) for i in range(60)])
    found, cursor = [], None
    while True:
        page = page_of(shop, limit=7, cursor=cursor, sort="revenue")
        found += page["visitors"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len({row["visitor_id"] for row in found}) == 60
    assert [row["orders"]["revenue"] for row in found] == [2.0] * 20 + [1.0] * 20 + [0.0] * 20


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "²", "9" * 19, "9" * 400, "1:2", " 1"])
def test_a_cursor_that_was_not_given_out_is_refused(shop: Shop, cursor: str) -> None:
    shop.send(track("A"))
    with pytest.raises(BadInput):
        page_of(shop, cursor=cursor)
    with pytest.raises(BadInput):
        shop.profiles.timeline(1, "a1", limit=5, cursor=cursor)
    with pytest.raises(BadInput):
        shop.profiles.failed(1, limit=5, cursor=cursor, reason=None)


def test_live_are_those_whose_session_is_open(shop: Shop) -> None:
    shop.send(track("A", anonymous="gone"), received_ms=NOON_MS)
    shop.clock.set_ms(NOON_MS + 40 * MINUTE_MS)
    shop.send(track("A", NOON_MS + 40 * MINUTE_MS, anonymous="here"))
    assert page_of(shop, is_live=True)["total"] == 1
    shop.folder.tick(shop.clock.now_ms())
    ended = {row["visitor_id"]: row["session"]["ended"] for row in page_of(shop)["visitors"]}
    assert sorted(ended.values()) == [False, True]
    assert page_of(shop, is_live=True)["visitors"][0]["session"]["ended"] is False


def test_visitors_are_found_by_the_start_of_any_id_before_and_after_a_commit(shop: Shop) -> None:
    shop.send(track("A", anonymous="device-1", user="ann@shop.example"), track("A", anonymous="device-2"))
    for _ in range(2):
        assert labels(page_of(shop, q="ann@")) == ["ann@shop.example"]
        assert page_of(shop, q="device-")["total"] == 2
        assert page_of(shop, q="nobody")["total"] == 0
        shop.store()


def test_people_are_found_by_the_words_of_their_name_and_e_mail(shop: Shop) -> None:
    shop.send(
        call("identify", user="u1", traits={"name": "Ada Löve-Lace", "email": "ada.l@shop.example", "plan": "adamant"}),
        call("identify", user="u2", anonymous="a2", traits={"firstName": "Adam", "last_name": "Lacey", "note": "love"}),
        call("identify", user="u3", anonymous="a3", traits={"name": 7, "Email": 'quo"ted@shop.example'}),
    )
    shop.send(call("identify", user="u4", traits={"name": "Ada of another shop"}), site=2)
    shop.store()
    expected = {
        "ada": ["u1", "u2"], "ADA lac": ["u1", "u2"], "lace ada": ["u1", "u2"], "löve": ["u1"], "LÖVE": ["u1"],
        "adam": ["u2"], "@shop.example": ["u1", "u3"], "shop.example": ["u1", "u3"], 'quo"t': ["u3"],
        "amant": [], "love": [], "l": [], "ada bob": [], "gold": [],
    }  # fmt: skip
    for q, users in expected.items():
        assert sorted(labels(page_of(shop, q=q))) == users, q
    assert page_of(shop, q="ada", limit=1)["cursor"] == "1"
    assert labels(page_of(shop, site=2, q="ada")) == ["u4"]


def test_visitors_are_listed_by_state(shop: Shop) -> None:
    shop.send(
        track("A", anonymous="new"),
        track("A", anonymous="back"),
        track("A", NOON_MS + HOUR_MS, anonymous="back"),
        track("A", anonymous=None, user="known"),
        track("Order Completed", anonymous=None, user="paying", order_id="o", revenue=5),
        received_ms=NOON_MS + 2 * HOUR_MS,
    )
    for state in STATES:
        page = page_of(shop, state=state)
        assert ([row["state"] for row in page["visitors"]], page["total"]) == ([state], 1)
    assert page_of(shop)["total"] == 4
    assert page_of(shop, state="known", q="paying")["total"] == 0
    with pytest.raises(BadInput, match="first_time, returning, known, paying"):
        page_of(shop, state="rich")


def test_the_ledger_of_a_site_counts_its_events_alone_through_restarts(shop: Shop) -> None:
    same = track("A")
    shop.send(same, track("B"), track("", NOON_MS + 1))
    shop.send(same, {**track("C"), "type": "odd"}, site=2)
    shop.folder.log.append(
        [entry(same, track("D"), received_ms=NOON_MS), entry(track("E"), site=2, received_ms=NOON_MS)]
    )
    waiting = {"received": 5, "applied": 2, "duplicate": 0, "failed": 1, "lag_events": 2}
    assert {**shop.profiles.ledger(1), **waiting} == shop.profiles.ledger(1)
    assert {
        **shop.profiles.ledger(2),
        "received": 3,
        "applied": 1,
        "failed": 1,
        "lag_events": 1,
    } == shop.profiles.ledger(2)
    shop.apply()
    shop.profiles.replay_failed(2, None, None)
    assert shop.profiles.ledger(2)["received"] == 3, "a second try is no event received"
    shop.apply()
    shop.store()
    shop = again(shop)
    first = {"received": 5, "applied": 3, "duplicate": 1, "failed": 1, "lag_events": 0, "lag_ms": 0}
    second = {"received": 3, "applied": 2, "duplicate": 0, "failed": 1, "lag_events": 0, "lag_ms": 0}
    assert (shop.profiles.ledger(1), shop.profiles.ledger(2)) == (first, second)
    assert shop.profiles.ledger() == {name: first[name] + second[name] for name in first}
    assert shop.profiles.ledger(3)["received"] == 0
    shop.close()


def test_ids_are_found_as_they_were_read(shop: Shop) -> None:
    shop.send(track("A", anonymous="  padded "), track("A", anonymous="x" * 300), track("A", anonymous=None, user="12"))
    for text in (" padded", "x" * 300, "12"):
        assert shop.profiles.visitor(1, text) is not None
    assert shop.profiles.visitor(1, "null") is None


# -- two sites -----------------------------------------------------------------------------------------------------


def test_one_site_sees_nothing_of_the_other(shop: Shop) -> None:
    other, _ = shop.folder.definitions.add_site("other", (), by="test")
    shop.send(track("Product Viewed", user="ann", product_id="p1", price=3), track("", user="ann"))
    shop.send(track("Product Viewed", user="ann", product_id="p2"), site=other.number)
    mine, theirs = (page_of(shop, site=site)["visitors"] for site in (1, other.number))
    assert (len(mine), len(theirs)) == (1, 1)
    assert mine[0]["visitor_id"] != theirs[0]["visitor_id"]
    assert shop.profiles.visitor(other.number, mine[0]["visitor_id"]) is None
    for stage in ("in memory", "stored"):
        one = shop.profiles.visitor(1, "ann")
        two = shop.profiles.visitor(other.number, "ann")
        assert one is not None and two is not None
        assert (one["recent_products"], two["recent_products"]) == (["p1"], ["p2"]), stage
        items = [shop.profiles.timeline(site, "ann", limit=9, cursor=None) for site in (1, other.number)]
        assert [[i["product_id"] for i in found["items"]] for found in items if found] == [["p1"], ["p2"]], stage
        shop.store()
    assert shop.profiles.failed(other.number, limit=9, cursor=None, reason=None)["total"] == 0
    offset = shop.profiles.failed(1, limit=9, cursor=None, reason=None)["failed"][0]["offset"]
    assert shop.profiles.replay_failed(other.number, [offset], None) == 0
    assert len(shop.profiles.changed_since(1, 0, 9)) == len(shop.profiles.changed_since(other.number, 0, 9)) == 1


# -- what changed --------------------------------------------------------------------------------------------------


def test_changes_are_told_from_a_moment_of_the_clock_on_latest_first(shop: Shop) -> None:
    shop.send(track("A", anonymous="early", user="early"))
    shop.clock.set_ms(NOON_MS + 4 * MINUTE_MS)
    shop.send(track("A", anonymous="late", user="late"), track("A", anonymous="later", user="later"))
    shop.clock.set_ms(NOON_MS + 4 * MINUTE_MS + 10)
    shop.send(track("B", anonymous="late", user="late"))
    changed = shop.profiles.changed_since
    assert [row["label"] for row in changed(1, NOON_MS, 9)] == ["late", "later", "early"]
    assert [row["label"] for row in changed(1, NOON_MS + 1, 9)] == ["late", "later"]
    assert [row["label"] for row in changed(1, NOON_MS + 4 * MINUTE_MS + 10, 9)] == ["late"]
    assert [row["label"] for row in changed(1, NOON_MS, 1)] == ["late"]
    assert changed(1, NOON_MS + 4 * MINUTE_MS + 11, 9) == []


def test_a_merged_visitor_changes_once(shop: Shop) -> None:
    shop.send(track("A", anonymous="a1"), track("A", anonymous=None, user="u1"))
    shop.send(track("Signed In", anonymous="a1", user="u1"))
    [row] = shop.profiles.changed_since(1, 0, 9)
    assert (row["label"], row["session"]["n_events"]) == ("u1", 3)


def test_an_ended_session_is_a_change(shop: Shop) -> None:
    shop.send(track("A"))
    shop.clock.set_ms(NOON_MS + HOUR_MS)
    shop.folder.tick(NOON_MS + HOUR_MS)
    [row] = shop.profiles.changed_since(1, NOON_MS + HOUR_MS, 9)
    assert row["session"]["ended"] is True


# -- the timeline --------------------------------------------------------------------------------------------------


def timeline(shop: Shop, any_id: str, limit: int) -> list[dict[str, Any]]:
    """The whole timeline, page by page."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = shop.profiles.timeline(1, any_id, limit=limit, cursor=cursor)
        assert page is not None
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return items


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_the_timeline_lose_and_repeat_nothing_of_the_same_moment(shop: Shop, limit: int) -> None:
    # several things at once, some in the lake, some only in memory
    shop.clock.set_ms(NOON_MS + HOUR_MS)
    shop.send(*[track(f"at once {i}", NOON_MS) for i in range(5)], *[track(f"next {i}", NOON_MS + 1) for i in range(3)])
    shop.store()
    shop.send(track("after", NOON_MS + 2), *[track(f"late {i}", NOON_MS) for i in range(2)])
    names = [item["name"] for item in timeline(shop, "a1", limit)]
    assert names == ["after", *[f"next {i}" for i in (2, 1, 0)], *[f"late {i}" for i in (1, 0)],
                     *[f"at once {i}" for i in (4, 3, 2, 1, 0)]]  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_timeline_shows_sessions_and_the_time_until_the_next_page(shop: Shop, limit: int) -> None:
    # 0:00 one  0:20 two  | 2:00 three  2:01 mail opened  2:01 three b | 5:00 four
    page = {"context": {"page": {"url": "https://shop.example/x?y=1", "title": "X"}}}
    shop.send(
        {**call("page", NOON_MS, name="one"), **page},
        call("page", NOON_MS + 20 * MINUTE_MS, name="two"),
        call("page", NOON_MS + 2 * HOUR_MS, name="three"),
        track("Email Opened", NOON_MS + 2 * HOUR_MS + MINUTE_MS),
        call("page", NOON_MS + 2 * HOUR_MS + MINUTE_MS + 1, name="three b"),
        call("page", NOON_MS + 5 * HOUR_MS, name="four"),
        received_ms=NOON_MS + 6 * HOUR_MS,
    )
    shop.store()
    items = timeline(shop, "a1", limit)
    assert [(i["name"], i["session"], i["dwell_s"]) for i in items] == [
        ("four", 3, None), ("three b", 2, None), ("Email Opened", None, None), ("three", 2, 60.0), ("two", 1, None),
        ("one", 1, 600.0),
    ]  # fmt: skip
    assert (items[-1]["url"], items[-1]["title"]) == ("https://shop.example/x", "X")


def test_the_timeline_counts_no_dwell_after_an_engagement_as_the_record_does(shop: Shop) -> None:
    # looked at for a minute, hidden for five, looked at again for two
    shop.send(
        call("page", NOON_MS),
        track("engagement", NOON_MS + MINUTE_MS, engaged_ms=45_000),
        track("scroll", NOON_MS + 6 * MINUTE_MS, percent=50),
        track("engagement", NOON_MS + 8 * MINUTE_MS, engaged_ms=90_000),
        received_ms=NOON_MS + 8 * MINUTE_MS,
    )
    items = timeline(shop, "a1", 10)
    assert [(i["kind"], i["dwell_s"]) for i in items] == [
        ("engagement", None), ("scroll", 120.0), ("engagement", 0.0), ("page_view", 60.0),
    ]  # fmt: skip
    assert record(shop, ANONYMOUS, "a1")["dwell_s"] == 180.0


def test_what_is_done_on_a_page_is_in_its_section_live_in_the_timeline_and_in_the_lake(shop: Shop) -> None:
    # the shop's list at 0; a product's page at 1, named by the view of the product; what the tracker tells by itself
    boots = {"context": {"page": {"url": "https://shop.example/women/shoes/boots/ridge-boot"}}}
    cart = {"context": {"page": {"url": "https://shop.example/cart"}}}
    shop.send(
        {**call("page", NOON_MS, properties={"category": "women/shoes"}), "context": {"page": {"url": "/s"}}},
        {**call("page", NOON_MS + MINUTE_MS), **boots},
        {**track("Product Viewed", NOON_MS + MINUTE_MS + 5, product_id="p", category="Women > Shoes > Boots"), **boots},
        {**track("scroll", NOON_MS + 2 * MINUTE_MS + 5, percent=50), **boots},
        {**track("hover", NOON_MS + 3 * MINUTE_MS + 5), **boots},
        {**track("engagement", NOON_MS + 4 * MINUTE_MS + 5, engaged_ms=90_000), **boots},
        {**call("page", NOON_MS + 5 * MINUTE_MS), **cart},
        {**track("engagement", NOON_MS + 4 * MINUTE_MS + 6, engaged_ms=5), **boots},  # came late
        received_ms=NOON_MS + HOUR_MS,
    )
    name = "women/shoes/boots"
    told = [
        ("page_view", "cart"), ("engagement", None), ("engagement", name), ("hover", name), ("scroll", name),
        ("product_view", name), ("page_view", name), ("page_view", "women/shoes"),
    ]  # fmt: skip
    visitor = shop.profiles.visitor(1, "a1")
    assert visitor is not None
    assert [(s["section"], s["dwell_s"], s["n_events"]) for s in visitor["sections"]] == [
        (name, 180.0, 5), ("women/shoes", 60.0, 1), ("cart", 0.0, 1),
    ]  # fmt: skip
    assert [(i["kind"], i["section"]) for i in timeline(shop, "a1", 10)] == told
    shop = again(shop)
    assert [(i["kind"], i["section"]) for i in timeline(shop, "a1", 10)] == told
    rows = shop.folder.lake.query('SELECT section FROM events ORDER BY "offset"').to_pylist()
    assert [row["section"] for row in rows] == [
        "women/shoes", "women/shoes/boots/ridge-boot", name, name, name, name, "cart", None,
    ]  # fmt: skip
    shop.close()


def test_the_timeline_is_the_same_from_memory_and_from_the_lake_after_a_restart(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + 24 * HOUR_MS)
    shop.send(*trace(1, 120))
    ids = [row["visitor_id"] for row in page_of(shop)["visitors"]]
    before = {one: timeline(shop, one, 500) for one in ids}
    shop = again(shop)
    after = {one: timeline(shop, one, 500) for one in ids}
    shop.close()
    assert {one: [_plain(i) for i in items] for one, items in after.items()} == {
        one: [_plain(i) for i in items] for one, items in before.items()
    }


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: item[name] for name in ("time", "kind", "url", "section", "product_id", "price", "session", "dwell_s")
    }


# -- the ledger and what failed ------------------------------------------------------------------------------------


def test_the_ledger_adds_up_while_failed_events_are_tried_again(shop: Shop) -> None:
    order = track("Order Completed", order_id="o", revenue=10, currency="EUR")
    shop.send(track("A"), track("A"), order, track(""))
    assert shop.profiles.ledger() == {
        "received": 4, "applied": 1, "duplicate": 1, "failed": 2, "lag_events": 0, "lag_ms": 0,
    }  # fmt: skip
    shop = again(shop, currencies={"EUR": 1.5})
    assert shop.profiles.replay_failed(1, None, "no_rate") == 1
    assert shop.profiles.ledger()["received"] == 4  # a second try is no event received
    assert shop.profiles.replay_failed(1, None, "no_rate") == 0  # it is on its way
    shop.apply()
    assert shop.profiles.replay_failed(1, None, "no_rate") == 0
    ledger = shop.profiles.ledger()
    assert [ledger[k] for k in ("received", "applied", "duplicate", "failed", "lag_events")] == [4, 2, 1, 1, 0]
    visitor = shop.profiles.visitor(1, "a1")
    assert visitor is not None
    assert visitor["orders"]["revenue"] == 15.0
    assert visitor["last_seen"] == iso(NOON_MS)
    failed = shop.profiles.failed(1, limit=9, cursor=None, reason=None)
    assert (failed["by_reason"], failed["total"]) == ({"no_event_name": 1}, 1)
    shop.close()


def test_a_second_try_that_fails_takes_the_place_of_the_first(shop: Shop) -> None:
    shop.send(track(""))
    for _ in range(3):
        assert shop.profiles.replay_failed(1, None, None) == 1
        shop.apply()
        failed = shop.profiles.failed(1, limit=9, cursor=None, reason=None)
        assert failed["total"] == 1
        assert shop.profiles.ledger()["received"] == shop.profiles.ledger()["failed"] == 1
    shop = again(shop)
    assert shop.profiles.ledger()["received"] == 1
    shop.close()


def test_what_was_cut_is_not_tried_again(shop: Shop) -> None:
    shop.folder.log.append([entry(b'{"type":"track","x":"' + b"x" * 32_000, reject="event_too_large")])
    shop.folder.log.append([entry(msgspec.json.encode(track("Whole")), reject="event_too_large")])
    shop.apply()
    assert shop.profiles.replay_failed(1, None, None) == 1
    shop.apply()
    assert [f["reason"] for f in shop.profiles.failed(1, limit=9, cursor=None, reason=None)["failed"]] == [
        "event_too_large"
    ]


def test_failed_events_come_in_pages_and_by_reason(shop: Shop) -> None:
    shop.send(*[track("", NOON_MS + i) if i % 3 else b"{" for i in range(10)])
    found, cursor = [], None
    while True:
        page = shop.profiles.failed(1, limit=2, cursor=cursor, reason="no_event_name")
        found += [row["offset"] for row in page["failed"]]
        assert page["total"] == 6
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == [8, 7, 5, 4, 2, 1]


def test_lag_is_the_age_of_the_oldest_event_that_waits(shop: Shop) -> None:
    shop.send(track("A"))
    shop.clock.set_ms(NOON_MS + HOUR_MS)
    shop.folder.log.append([entry(track("B"), received_ms=NOON_MS + HOUR_MS)])
    shop.clock.set_ms(NOON_MS + HOUR_MS + 250)
    ledger = shop.profiles.ledger()
    assert (ledger["lag_events"], ledger["lag_ms"]) == (1, 250)


# -- merges taken back ---------------------------------------------------------------------------------------------


def bytes_of(shop: Shop, what: int, text: str) -> bytes:
    """A visitor's record; ended sessions are marked by timers, which don't matter here."""
    one: np.ndarray = record(shop, what, text).copy().reshape(1)
    one["states"] &= 0xFFFF ^ 16
    return one.tobytes()


def merge_ids(shop: Shop, any_id: str) -> list[int]:
    merges = shop.profiles.merges(1, any_id)
    assert merges is not None
    return [merge["merge_id"] for merge in merges if not merge["is_undone"]]


def shopping(first_ms: int, anonymous: str | None, user: str | None, n: int, tag: str) -> list[dict[str, Any]]:
    """A few events of one visitor, two minutes apart."""
    names = ("Product Viewed", "Product Added", "Products Searched", "Order Completed")
    return [
        track(
            names[i % 4], first_ms + 2 * i * MINUTE_MS, anonymous, user,
            product_id=f"p-{tag}-{i}", category=f"c-{tag}", price=10 + i, query=tag, order_id=f"o-{tag}-{i}", revenue=7,
        )
        for i in range(n)
    ]  # fmt: skip


def together(*runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted([event for run in runs for event in run], key=lambda event: str(event["timestamp"]))


def test_a_merge_taken_back_leaves_both_as_if_it_had_never_been(shop: Shop, tmp_path: Path) -> None:
    # a1    v a s O .  .  . v  a s            a device, not known
    # u1    .  v a s   .  . v a s O           an account on another device
    #               sign-in of u1 on a1: both become one
    alone = shopping(NOON_MS, "a1", None, 4, "a")
    account = shopping(NOON_MS + MINUTE_MS, "a2", "u1", 3, "u")
    sign_in = {**track("Signed In", NOON_MS + 20 * MINUTE_MS, "a1", "u1"), "context": {"timezone": "Asia/Tokyo"}}
    alone_later = shopping(NOON_MS + 30 * MINUTE_MS, "a1", None, 3, "b")
    account_later = shopping(NOON_MS + 31 * MINUTE_MS, "a2", "u1", 5, "v")
    traits = [call("identify", NOON_MS + 1, "a1", traits={"hat": 7, "colour": "red"}),
              call("identify", NOON_MS + 2, "a2", "u1", traits={"colour": "blue"})]  # fmt: skip
    traits_later = [call("identify", NOON_MS + 40 * MINUTE_MS, "a1", traits={"hat": 8}),
                    call("identify", NOON_MS + 40 * MINUTE_MS, "a2", "u1", traits={"vip": True})]  # fmt: skip
    shop.clock.set_ms(NOON_MS + 3 * HOUR_MS)
    shop.send(*together(alone, account, traits))
    shop.send(sign_in)
    shop.send(*together(alone_later, account_later, traits_later))
    assert record(shop, ANONYMOUS, "a1")["n_events"] == 4 + 3 + 1 + 3 + 5 + 4
    [merge_id] = merge_ids(shop, "u1")
    [row] = shop.profiles.merges(1, "u1") or []
    assert row["keys"] == ["a1", "u1"]

    undone = shop.profiles.undo_merge(1, merge_id)
    assert undone["is_undone"] is True
    split = Shop(tmp_path / "split", now_ms=NOON_MS + 3 * HOUR_MS)
    split.send(*together(alone, account, traits))
    split.send({**sign_in, "anonymousId": None})
    split.send(*together(alone_later, account_later, traits_later))
    for stage in ("at once", "after a restart"):
        for what, text in ((ANONYMOUS, "a1"), (USER, "u1"), (ANONYMOUS, "a2")):
            assert bytes_of(shop, what, text) == bytes_of(split, what, text), (stage, text)
            ours, theirs = (s.profiles.visitor(1, text) for s in (shop, split))
            assert ours is not None and theirs is not None
            assert ours["traits"] == theirs["traits"], (stage, text)
            assert ours["features"] == theirs["features"], (stage, text)
            assert ours["identities"] == theirs["identities"], (stage, text)
            assert [_plain(i) for i in timeline(shop, text, 3)] == [_plain(i) for i in timeline(split, text, 3)], stage
        shop = again(shop)
    shop.close()
    split.close()


def test_ids_split_by_hand_are_never_joined_again(shop: Shop) -> None:
    shop.send(track("A", anonymous="a1"), track("A", anonymous=None, user="u1"), track("In", anonymous="a1", user="u1"))
    [merge_id] = merge_ids(shop, "u1")
    shop.profiles.undo_merge(1, merge_id)
    for _ in range(2):
        n = len(shop.records)
        shop.send(track("In again", NOON_MS + n, anonymous="a1", user="u1"))
        shop.send(call("alias", NOON_MS + n, anonymous=None, user="u1", previousId="a1"))
        assert shop.folder.engine.row_of(1, USER, "u1") != shop.folder.engine.row_of(1, ANONYMOUS, "a1")
        assert merge_ids(shop, "u1") == []
        with pytest.raises(BadInput, match="already taken back"):
            shop.profiles.undo_merge(1, merge_id)
        shop = again(shop)
    shop.close()


def test_a_later_merge_stays_when_an_earlier_one_is_taken_back(shop: Shop, tmp_path: Path) -> None:
    # a1 and a2 are devices, u1 an account; a1 joins at +10, a2 at +20, a1 leaves again
    runs = [shopping(NOON_MS, "a1", None, 3, "a"), shopping(NOON_MS + 1, "a2", None, 9, "b"),
            shopping(NOON_MS + 2, None, "u1", 9, "u")]  # fmt: skip
    first = track("In", NOON_MS + 10 * MINUTE_MS + 5, "a1", "u1")
    second = track("In", NOON_MS + 20 * MINUTE_MS + 5, "a2", "u1")
    tail = shopping(NOON_MS + 25 * MINUTE_MS, "a1", None, 3, "c")
    shop.clock.set_ms(NOON_MS + 3 * HOUR_MS)
    shop.send(*together(*runs, [first, second], tail))
    [second_id, first_id] = merge_ids(shop, "u1")
    shop.profiles.undo_merge(1, first_id)
    split = Shop(tmp_path / "split", now_ms=NOON_MS + 3 * HOUR_MS)
    split.send(*together(*runs, [{**first, "anonymousId": None}, second], tail))
    assert merge_ids(shop, "u1") == [second_id]
    assert [bytes_of(shop, ANONYMOUS, one) for one in ("a1", "a2")] == [
        bytes_of(split, ANONYMOUS, one) for one in ("a1", "a2")
    ]
    # and then the later one too
    shop.profiles.undo_merge(1, second_id)
    apart = Shop(tmp_path / "apart", now_ms=NOON_MS + 3 * HOUR_MS)
    apart.send(*together(*runs, [{**first, "anonymousId": None}, {**second, "anonymousId": None}], tail))
    for what, text in ((ANONYMOUS, "a1"), (ANONYMOUS, "a2"), (USER, "u1")):
        assert bytes_of(shop, what, text) == bytes_of(apart, what, text), text
        assert timeline(shop, text, 50) == timeline(apart, text, 50), text
    for one in (split, apart):
        one.close()


def test_merges_can_be_taken_back_in_either_order(shop: Shop, tmp_path: Path) -> None:
    runs = [shopping(NOON_MS, "a1", None, 9, "a"), shopping(NOON_MS + 1, "a2", None, 9, "b"),
            shopping(NOON_MS + 2, None, "u1", 9, "u")]  # fmt: skip
    ins = [track("In", NOON_MS + 5 * MINUTE_MS + 5, "a1", "u1"), track("In", NOON_MS + 9 * MINUTE_MS + 5, "a2", "u1")]
    shops = {order: Shop(tmp_path / order, now_ms=NOON_MS + HOUR_MS) for order in ("first", "last")}
    for order, one in shops.items():
        one.send(*together(*runs, ins))
        ids = sorted(merge_ids(one, "u1"), reverse=order == "last")
        for merge_id in ids:
            one.profiles.undo_merge(1, merge_id)
    for what, text in ((ANONYMOUS, "a1"), (ANONYMOUS, "a2"), (USER, "u1")):
        assert len({bytes_of(one, what, text) for one in shops.values()}) == 1, text
    for one in shops.values():
        one.close()


def test_only_the_last_of_stacked_merges_can_be_taken_back(shop: Shop) -> None:
    # a1 -> u1 -> u2 (alias of two accounts)
    shop.send(track("A", anonymous="a1"), track("A", anonymous=None, user="u1"), track("In", anonymous="a1", user="u1"))
    shop.send(track("A", anonymous=None, user="u2"), call("alias", anonymous=None, user="u2", previousId="u1"))
    merges = shop.profiles.merges(1, "u2")
    assert merges is not None
    [top, bottom] = merges
    with pytest.raises(BadInput, match="A later merge stands on this one"):
        shop.profiles.undo_merge(1, bottom["merge_id"])
    shop.profiles.undo_merge(1, top["merge_id"])
    shop.profiles.undo_merge(1, bottom["merge_id"])
    rows = {shop.folder.engine.row_of(1, *one) for one in ((ANONYMOUS, "a1"), (USER, "u1"), (USER, "u2"))}
    assert len(rows) == 3
    assert shop.records["n_events"].tolist() == [1, 2, 2]


def test_an_account_made_after_two_devices_met_stays_with_its_device(shop: Shop) -> None:
    # a1 and a2 become one by alias; then u1 signs up on a1; taken back, u1 belongs to a1, and a2 stays unknown
    shop.send(track("A", anonymous="a1"), track("A", anonymous="a2"), call("alias", anonymous="a2", previousId="a1"))
    shop.send(track("Signed Up", NOON_MS + 1, anonymous="a1", user="u1"), track("B", NOON_MS + 2, anonymous="a2"))
    [merge_id] = merge_ids(shop, "u1")
    shop.profiles.undo_merge(1, merge_id)
    for _ in range(2):
        row_of = shop.folder.engine.row_of
        assert row_of(1, USER, "u1") == row_of(1, ANONYMOUS, "a1") != row_of(1, ANONYMOUS, "a2")
        assert [int(record(shop, ANONYMOUS, a)["user_key"] != 0) for a in ("a1", "a2")] == [1, 0]
        shop = again(shop)
    shop.send(track("Signed Up", NOON_MS + 3, anonymous="a2", user="u2"))
    assert merge_ids(shop, "u2") == []
    assert record(shop, USER, "u1")["n_events"] == 2
    shop.close()


def test_a_merge_of_another_site_or_none_is_not_there(shop: Shop) -> None:
    shop.send(track("A", anonymous="a1"), track("A", anonymous=None, user="u1"), track("In", anonymous="a1", user="u1"))
    [merge_id] = merge_ids(shop, "u1")
    for site, number in ((2, merge_id), (1, 99)):
        with pytest.raises(Missing):
            shop.profiles.undo_merge(site, number)
    assert shop.profiles.merges(1, "nobody") is None


def test_after_every_merge_is_taken_back_each_event_is_somebodys(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + 24 * HOUR_MS)
    for seed in range(3):
        shop.send(*trace(seed, 150))
    applied = shop.profiles.ledger()["applied"]
    n = sum(len(timeline(shop, row["visitor_id"], 100)) for row in page_of(shop, limit=500)["visitors"])
    assert n == applied
    taken_back = 0
    for merge_id in range(shop.folder.engine.counters["merges"], 0, -1):
        try:
            shop.profiles.undo_merge(1, merge_id)
        except BadInput as refused:
            assert refused.code == "not_the_last"
        else:
            taken_back += 1
    assert taken_back > 5
    records = shop.records
    alive = records[records["merged_into"] == 0]
    assert int(alive["n_events"].sum()) == applied
    visitors = page_of(shop, limit=500)["visitors"]
    found = {v["visitor_id"]: len(timeline(shop, v["visitor_id"], 100)) for v in visitors}
    whole = [shop.profiles.visitor(1, v["visitor_id"]) for v in visitors]
    counts = {v["visitor_id"]: v["counts"] for v in whole if v is not None}
    assert found == {one: sum(kinds.values()) for one, kinds in counts.items()}
    assert records.dtype == RECORD
