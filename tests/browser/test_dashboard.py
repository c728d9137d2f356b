"""The dashboard in a real browser, over the real API and login, with sample visitors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.dashboards import Dashboard, dashboard
from tests.browser.foresight import SampleModels
from tests.browser.profiles import SampleProfiles

from footfall.record.features import N_FEATURES

pytestmark = pytest.mark.browser

PASSWORD = "nine quiet otters"


@pytest.fixture
def board(tmp_path: Path, context: BrowserContext) -> Iterator[Dashboard]:
    with dashboard(tmp_path, SampleProfiles()) as running:
        yield running
        context.close()


@pytest.fixture
def inside(board: Dashboard, context: BrowserContext, page: Page) -> Page:
    board.let_in(context)
    page.goto(board.url)
    expect(page.locator("[data-visitor]").first).to_be_visible()
    expect(page.locator(".connection")).to_have_text("Live")
    return page


def row(page: Page, n: int, board: Dashboard) -> Any:
    return page.locator(f"[data-visitor='{board.profiles.rows[n]['visitor_id']}']")


def test_a_one_time_link_sets_the_password_and_afterwards_the_password_lets_in(board: Dashboard, page: Page) -> None:
    page.goto(board.url + board.login_path)
    expect(page.locator("input[name=email]")).to_have_value("admin@localhost")
    assert "token" not in page.url, "the token doesn't stay in the address"
    page.fill("input[name=email]", "ada@example.org")
    page.fill("input[name=password]", "short")
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD + "x")
    page.click("button[type=submit]")
    expect(page.locator(".said")).to_have_text("The two passwords aren't the same.")
    page.fill("input[name=again]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Visitors")

    page.click("text=Sign out")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.fill("input[name=email]", "ada@example.org")
    page.fill("input[name=password]", "a wrong password")
    page.click("button[type=submit]")
    expect(page.locator(".said")).to_have_text("E-mail or password is wrong.")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page.locator("h1")).to_have_text("Visitors")

    page.goto(board.url + board.login_path)
    expect(page.locator(".said")).to_contain_text("was used or has expired")


def test_without_a_login_every_address_asks_for_one(board: Dashboard, page: Page) -> None:
    page.goto(f"{board.url}/visitors/{board.profiles.rows[0]['visitor_id']}")
    expect(page.locator("h1")).to_have_text("Sign in")


def test_a_change_shows_in_its_row_and_rows_stay_in_place(board: Dashboard, inside: Page) -> None:
    before = inside.locator("[data-visitor]").evaluate_all("rows => rows.map(row => row.dataset.visitor)")
    board.profiles.change(board.profiles.rows[3]["visitor_id"], cart={"n_items": 2, "value": 77.5})
    changed = row(inside, 3, board)
    expect(changed.locator("[data-column=Cart]")).to_contain_text("€77.50")
    expect(changed.locator("[data-column=Cart]")).to_have_class("cell-number cell-cart lit-odd")
    expect(changed.locator("[data-column=Place]")).not_to_have_class("lit-odd")
    after = inside.locator("[data-visitor]").evaluate_all("rows => rows.map(row => row.dataset.visitor)")
    assert after == before
    assert before == [row["visitor_id"] for row in board.profiles.rows if not row["session"]["ended"]]


def test_somebody_new_comes_on_top_but_waits_while_the_list_is_in_use(board: Dashboard, inside: Page) -> None:
    board.profiles.arrive("Newcomer One")
    expect(inside.locator("[data-visitor]").first).to_contain_text("Newcomer One")
    inside.hover("[data-visitor] >> nth=2")
    board.profiles.arrive("Newcomer Two")
    expect(inside.locator(".pill")).to_have_text("Show 1 new")
    expect(inside.locator("[data-visitor]").first).to_contain_text("Newcomer One")
    inside.click(".pill")
    expect(inside.locator("[data-visitor]").first).to_contain_text("Newcomer Two")
    board.profiles.arrive("Newcomer Three")
    expect(inside.locator("[data-visitor]").first).to_contain_text("Newcomer Three")


def test_the_list_is_filtered_and_searched(board: Dashboard, inside: Page) -> None:
    expect(inside.locator("[data-visitor]")).to_have_count(7)
    inside.click(".choice >> text=All")
    expect(inside.locator("[data-visitor]")).to_have_count(8)
    inside.select_option("select[aria-label=State]", "paying")
    expect(inside.locator("[data-visitor]")).to_have_count(2)
    expect(inside.locator(".head-note")).to_have_text("2 in all")
    inside.select_option("select[aria-label=State]", "")
    inside.fill("input[type=search]", "chia")
    expect(inside.locator("[data-visitor]")).to_have_count(1)
    assert inside.url.endswith("?show=all&q=chia"), "a list can be sent to somebody else"
    inside.reload()
    expect(inside.locator("[data-visitor]")).to_have_count(1)
    inside.fill("input[type=search]", "nobody like this")
    expect(inside.locator(".empty h2")).to_have_text("Nobody like this")
    inside.click(".choice >> text=Live")
    expect(inside.locator("input[type=search]")).to_have_value("")
    expect(inside.locator("[data-visitor]")).to_have_count(7)


def shown(page: Page) -> list[str]:
    return page.locator(".who-label").all_inner_texts()


def test_likely_visitors_stand_on_top_when_asked_and_move_up_as_they_become_it(board: Dashboard, inside: Page) -> None:
    expect(row(inside, 0, board).locator(".likely b")).to_have_text("62 %")
    expect(row(inside, 3, board).locator(".likely b")).to_have_text("< 0.1 %")
    expect(row(inside, 7, board).locator("[data-column='Likely to order']")).to_have_text("–")
    inside.click("th >> text=Likely to order")
    expect(inside.locator("th[aria-sort=descending]")).to_contain_text("Likely to order")
    expect(inside.locator(".who-label").first).to_have_text("Chiamaka Obi")
    assert shown(inside) == [
        "Chiamaka Obi", "Ada Lindqvist", "bob@example.org", "Visitor 77d2", "Visitor 4f1c", "Visitor a09e",
        "Visitor 1d80",
    ]  # fmt: skip
    assert inside.url.endswith("?sort=propensity"), "the order can be sent to somebody else"
    certain = {"session": 0.97, "week": 0.98, "scored_by": "model"}
    board.profiles.change(board.profiles.rows[3]["visitor_id"], propensity=certain)
    expect(row(inside, 3, board).locator(".likely b")).to_have_text("97 %")
    expect(inside.locator(".who-label").first).to_have_text("Visitor a09e")
    board.profiles.arrive("Newcomer One")
    expect(inside.locator("[data-visitor]")).to_have_count(8)
    expect(inside.locator(".who-label").nth(5)).to_have_text("Newcomer One")
    inside.click("th >> text=Last seen")
    expect(inside.locator(".who-label").first).to_have_text("Newcomer One")


def test_a_rule_of_thumb_says_that_it_is_one(tmp_path: Path, context: BrowserContext, page: Page) -> None:
    models = SampleModels(is_empty=True)
    with dashboard(tmp_path, SampleProfiles(scored_by="prior"), models) as board:
        board.let_in(context)
        page.goto(board.url)
        score = row(page, 0, board).locator(".likely")
        expect(score).to_have_attribute("title", "By a rule of thumb, until there are enough orders to learn from")
        row(page, 0, board).locator("a").click()
        expect(page.locator(".outlook h2")).to_contain_text("by a rule of thumb")
        expect(page.locator(".outlook")).to_contain_text("not yet measured against this shop's orders")
        page.click("text=What a model needs")
        expect(page.locator("h2")).to_have_text("No model yet")
        expect(page.locator(".empty")).to_contain_text("about 50 orders")
        expect(page.locator(".empty code")).to_have_text("footfall train --data DIR")
        context.close()


def test_anywhere_in_a_row_opens_it(board: Dashboard, inside: Page) -> None:
    row(inside, 2, board).locator("[data-column=Session]").click()
    expect(inside.locator("h1")).to_have_text("Ada Lindqvist")
    assert inside.url.endswith(board.profiles.rows[2]["visitor_id"])
    inside.go_back()
    with inside.context.expect_page() as opened:
        row(inside, 2, board).locator("[data-column=Session]").click(modifiers=["ControlOrMeta"])
    assert opened.value.url.endswith(board.profiles.rows[2]["visitor_id"])
    expect(inside.locator("h1")).to_have_text("Visitors")


def test_a_search_looks_among_everyone_and_says_so(board: Dashboard, inside: Page) -> None:
    inside.fill("input[type=search]", "e3b5")
    expect(inside.locator("[data-visitor]")).to_have_count(1)
    expect(inside.locator(".choice input >> nth=1")).to_be_checked()


def test_what_is_being_typed_stays_while_the_list_moves(board: Dashboard, inside: Page) -> None:
    inside.fill("input[type=search]", "chi")
    for n in range(5):
        board.profiles.arrive(f"Newcomer {n}")
        inside.keyboard.press("a")
        inside.wait_for_timeout(120)
    expect(inside.locator("input[type=search]")).to_have_value("chiaaaaa")


def test_a_visitor_is_shown_whole(board: Dashboard, inside: Page) -> None:
    row(inside, 0, board).locator("a").first.click()
    expect(inside.locator("h1")).to_have_text("Ada Lindqvist")
    expect(inside.locator(".timeline")).to_contain_text("Cart add Ridge Boot€159.00")
    expect(inside.locator(".session h3").first).to_contain_text("Visit 14")
    link = inside.locator(".timeline a.url").first
    assert link.get_attribute("href") == "https://shop.example/women/shoes/boots/ridge-boot"
    assert link.get_attribute("rel") == "noopener noreferrer"
    expect(inside.locator(".timeline >> text=engagement")).to_have_count(0)
    inside.check("text=Scrolls and pauses too")
    expect(inside.locator(".timeline >> text=engagement").first).to_be_visible()
    expect(inside.locator(".features h2 small")).to_have_text(f"{N_FEATURES} of {N_FEATURES}")
    inside.fill(".features input[type=search]", "gap before")
    expect(inside.locator(".features dt")).not_to_have_count(0)
    expect(inside.locator(".features .feature-list").first).to_contain_text("gap")
    inside.click("text=Undo")
    expect(inside.locator(".merges")).to_contain_text("Taken back")
    assert board.profiles.joined[0]["is_undone"] is True


def test_a_visitor_shows_how_likely_an_order_is_and_what_moved_it(board: Dashboard, inside: Page) -> None:
    row(inside, 0, board).locator("a").first.click()
    now, week = (inside.locator(".outlook-target").nth(n) for n in (0, 1))
    expect(now.locator(".outlook-share")).to_have_text("62 %")
    expect(now).to_contain_text("about 62 of 100 visitors like this order in such a visit")
    expect(now.locator(".reasons li")).to_have_count(3)
    expect(now.locator(".reasons li").first).to_have_text("+raises itput 2 products into the cart")
    expect(now.locator(".reasons li").last).to_have_text("−lowers itdid nothing for 7 minutes")
    expect(week.locator(".outlook-share")).to_have_text("81 %")
    expect(week.locator(".reasons li").first).to_contain_text("ordered 3 times before")
    inside.click("text=by model 7")
    expect(inside.locator("h1")).to_have_text("Model 7")
    moves, week_moves = (inside.locator(".contest .card").nth(n) for n in (0, 1))
    expect(moves.locator(".share").first).to_have_text("session_cart_add_n0.81")
    expect(week_moves).to_contain_text("How soon it knows")
    inside.click("text=Its whole card")
    expect(inside.locator(".model-card")).to_contain_text("Number of trees")


def test_similar_visitors_are_found_by_number_or_by_likeness(board: Dashboard, inside: Page) -> None:
    row(inside, 0, board).locator("a").first.click()
    expect(inside.locator(".alike > li")).to_have_count(50)
    expect(inside.locator(".similar-sum")).to_have_text(
        "17 of 50 visits like this ended with an order · 31 % likely, judging by neighbours"
    )
    first = inside.locator(".alike > li").first
    expect(first).to_contain_text("98 % alike")
    expect(first.locator(".alike-shared")).to_have_text("+ put 2 products into the cart")
    slider = inside.locator(".slider input")
    board.similar.asked.clear()
    slider.focus()
    for _ in range(8):
        inside.keyboard.press("ArrowLeft")
    expect(inside.locator(".alike > li")).to_have_count(10)
    assert board.similar.asked == [{"n": 10, "radius": None, "among": "past"}], "asked once, when the hand rests"
    inside.click("text=At least this alike")
    expect(slider).to_have_value("70")
    slider.fill("95")
    expect(inside.locator(".alike > li")).to_have_count(3)
    assert board.similar.asked[-1] == {"n": 200, "radius": 0.05, "among": "past"}
    inside.click("text=On the site now")
    expect(inside.locator(".similar-sum")).to_have_text("3 on the site are like this")
    expect(first.locator(".badge")).to_have_text("3.4 % likely")
    first.locator("a").click()
    expect(inside.locator(".visitor-id code")).to_have_text(board.profiles.rows[1]["visitor_id"])


def test_models_are_compared_promoted_and_rolled_back(board: Dashboard, inside: Page) -> None:
    inside.click("nav >> text=Models")
    champion, challenger = (inside.locator(".contest .model").nth(n) for n in (0, 1))
    expect(champion).to_contain_text("Champion model 7")
    expect(champion).to_contain_text("619 orders")
    expect(challenger).to_contain_text("log-loss 0.140 against the champion's 0.142 – too close to call yet")
    expect(challenger.locator(".better").first).to_have_text("+0.004better")
    expect(inside.locator(".trained")).to_contain_text("model 8 challenges model 7")
    expect(inside.locator(".versions tbody tr")).to_have_count(4)
    expect(inside.locator(".versions >> text=Can't serve")).to_have_count(1)
    expect(inside.locator(".foretold").first).to_contain_text("Over 12,041 decisions")
    expect(inside.locator(".moved-far")).to_contain_text("session_channel")

    challenger.locator("text=Promote").click()
    expect(inside.locator("dialog h2")).to_have_text("Let model 8 score?")
    inside.keyboard.press("Escape")
    expect(inside.locator("dialog")).to_have_count(0)
    assert board.models.said == []
    challenger.locator("text=Promote").click()
    inside.click("dialog >> text=Promote")
    expect(champion).to_contain_text("Champion model 8")
    inside.click("text=Roll back")
    inside.click("dialog >> button:has-text('Roll back')")
    expect(champion).to_contain_text("Champion model 6")
    inside.click("text=Train now")
    expect(inside.locator(".head .button")).to_have_text("Training")
    expect(inside.locator(".head .button")).to_be_disabled()
    assert board.models.said == [("promote", 8), ("rollback", None), ("train", None)]
    board.models.is_training = False
    expect(inside.locator(".head .button")).to_have_text("Train now")


def test_what_is_wrong_with_the_model_is_said_on_every_page(board: Dashboard, inside: Page) -> None:
    expect(inside.locator(".alarms")).to_have_count(0)
    board.models.alarm()
    for path in ("/", "/ledger", "/failed", "/models"):
        inside.goto(board.url + path)
        expect(inside.locator(".alarms")).to_contain_text("session_channel has moved (PSI 0.31)")


def test_an_open_visitor_follows_what_they_do(board: Dashboard, inside: Page) -> None:
    row(inside, 2, board).locator("a").first.click()
    expect(inside.locator(".tile").first).to_contain_text("14")
    calls: list[str] = []
    inside.on("request", lambda request: calls.append(request.url))
    board.profiles.change(board.profiles.rows[2]["visitor_id"], cart={"n_items": 9, "value": 9.0})
    with inside.expect_response(lambda response: "/timeline" in response.url):
        pass


def test_an_unknown_visitor_is_said_to_be_unknown(board: Dashboard, inside: Page) -> None:
    inside.goto(f"{board.url}/visitors/nobody")
    expect(inside.locator("h2")).to_have_text("There is no such visitor")


def test_the_ledger_balances_and_moves(board: Dashboard, inside: Page) -> None:
    inside.click("text=Ledger")
    expect(inside.locator(".term-received b")).to_have_text("48,213")
    expect(inside.locator(".verdict")).to_have_text("The books balance")
    board.profiles.counters |= {"received": 48_300, "lag_events": 87, "lag_ms": 40}
    expect(inside.locator(".term-waiting b")).to_have_text("87")
    expect(inside.locator(".verdict")).to_have_text("The books balance")
    board.profiles.counters["received"] = 48_305
    expect(inside.locator(".verdict")).to_have_text("5 unaccounted for")
    expect(inside.locator(".sparkline-line").first).to_have_attribute("d", re.compile(r"^M\d.*L"))


def test_failed_events_say_why_and_can_be_tried_again(board: Dashboard, inside: Page) -> None:
    inside.click("text=Failed events")
    expect(inside.locator(".failure")).to_have_count(6)
    expect(inside.locator(".count")).to_have_text("6")
    inside.click("text=Unknown type")
    expect(inside.locator(".failure")).to_have_count(1)
    expect(inside.locator(".failure")).to_contain_text("must be track, page, screen, identify, group or alias")
    inside.click("summary")
    expect(inside.locator("pre")).to_contain_text('"order_id": "AF-77"')
    inside.click(".failure >> text=Try again")
    expect(inside.locator("[role=status].said-well")).to_contain_text("1 event goes through again")
    inside.click(".chip >> nth=0")
    expect(inside.locator(".failure")).to_have_count(5)
    inside.click("text=Try all 5 again")
    expect(inside.locator(".empty h2")).to_have_text("Nothing failed")
    expect(inside.locator(".count")).to_have_count(0)


def test_a_viewer_is_not_offered_what_viewers_may_not_do(board: Dashboard, context: BrowserContext, page: Page) -> None:
    user = board.definitions.add_user("eve@example.org", "Eve", "viewer", None, by="test")
    secret = board.definitions.add_session(user.id).secret
    context.add_cookies([{"name": "footfall_session", "value": secret, "url": board.url}])
    page.goto(f"{board.url}/failed")
    expect(page.locator(".failure")).to_have_count(6)
    expect(page.locator("text=again").filter(has_text="Try")).to_have_count(0)
    page.goto(f"{board.url}/visitors/{board.profiles.rows[0]['visitor_id']}")
    expect(page.locator(".merges")).to_be_visible()
    expect(page.locator("text=Undo")).to_have_count(0)
    page.goto(f"{board.url}/models")
    expect(page.locator(".versions")).to_be_visible()
    for text in ("Train now", "Promote", "Roll back"):
        expect(page.locator(f"button:has-text('{text}')")).to_have_count(0)


def test_a_shop_without_visitors_says_what_to_do(tmp_path: Path, context: BrowserContext, page: Page) -> None:
    with dashboard(tmp_path, SampleProfiles(is_empty=True)) as board:
        board.let_in(context)
        page.goto(board.url)
        key = board.definitions.sites()[0].write_key
        expect(page.locator(".snippet code")).to_have_text(
            f'<script data-write-key="{key}" data-host="{board.url}">'
            f'import("{board.url}/footfall.js").catch(() => {{}})</script>'
        )
        context.close()


def test_a_session_that_ends_asks_for_the_login_again(board: Dashboard, inside: Page) -> None:
    board.definitions.end_session(1)
    inside.click("text=Ledger")
    inside.click("text=Failed events")
    expect(inside.locator("h1")).to_have_text("Sign in")


def test_the_keyboard_is_enough(board: Dashboard, inside: Page) -> None:
    inside.keyboard.press("Tab")
    expect(inside.locator(".skip")).to_be_focused()
    inside.keyboard.press("Enter")
    expect(inside.locator("#main")).to_be_focused()
    inside.locator("[data-visitor] a").first.focus()
    inside.keyboard.press("Enter")
    expect(inside.locator("h1")).to_have_text("Ada Lindqvist")
    inside.go_back()
    expect(inside.locator("h1")).to_have_text("Visitors")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_cut_off_at_any_width(board: Dashboard, inside: Page, width: int) -> None:
    inside.set_viewport_size({"width": width, "height": 844})
    board.models.alarm()
    visitor = f"/visitors/{board.profiles.rows[0]['visitor_id']}"
    for path in ("/", "/models", "/models/7", "/ledger", "/failed", visitor):
        inside.goto(board.url + path)
        expect(inside.locator("main h1")).to_be_visible()
        expect(inside.locator(".waiting")).to_have_count(0)
        assert inside.evaluate("document.documentElement.scrollWidth") <= width, path


def test_every_column_of_the_visitors_is_in_sight(board: Dashboard, inside: Page) -> None:
    address = "https://shop.example/outdoor/camping/camp-kitchen/a-lantern-for-long-evenings"
    board.profiles.rows[0] |= {"section": "outdoor/camping/camp-kitchen", "url": address}
    inside.reload()
    expect(inside.locator(".section", has_text="Camp")).to_be_visible()
    for width in (760, 940, 1000, 1024, 1100, 1200, 1280, 1366, 1600):
        inside.set_viewport_size({"width": width, "height": 844})
        hidden = inside.evaluate("(box => box.scrollWidth - box.clientWidth)(document.querySelector('.table-box'))")
        assert hidden == 0, width


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_a_long_name_stays_in_its_column(board: Dashboard, inside: Page, width: int) -> None:
    board.profiles.rows[0]["label"] = "ada.lindqvist-bergstrom@a-rather-long-company-name.example"
    inside.set_viewport_size({"width": width, "height": 844})
    inside.reload()
    expect(inside.locator(".who-label").first).to_contain_text("ada.lindqvist")
    label, cell = (inside.locator(name).first.bounding_box() for name in (".who-label", "td.cell-who"))
    assert label is not None
    assert cell is not None
    assert label["x"] + label["width"] <= cell["x"] + cell["width"]


def test_the_page_keeps_its_own_policy(board: Dashboard, context: BrowserContext) -> None:
    board.let_in(context)
    page = context.new_page()
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: broken.append(str(error)))
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    answer = page.goto(board.url)
    assert answer is not None
    assert "unsafe" not in answer.headers["content-security-policy"]
    visitor = f"/visitors/{board.profiles.rows[0]['visitor_id']}"
    for path in ("/", "/models", "/models/7", "/ledger", "/failed", visitor):
        page.goto(board.url + path)
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator(".waiting")).to_have_count(0)
    assert broken == []
    assert hosts == {board.url.split("/")[2]}
