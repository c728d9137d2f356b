"""Every documented name has its kind, and the document holds the table."""

import re
from pathlib import Path

import pytest

from footfall.base.kinds import Kind
from footfall.events import names
from footfall.events.reasons import REASONS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "events.md"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Product Viewed", Kind.PRODUCT_VIEW),
        ("product_viewed", Kind.PRODUCT_VIEW),
        ("productViewed", Kind.PRODUCT_VIEW),
        ("PRODUCT-VIEWED", Kind.PRODUCT_VIEW),
        ("  Product   Viewed ", Kind.PRODUCT_VIEW),
        ("view_item", Kind.PRODUCT_VIEW),
        ("product_view", Kind.PRODUCT_VIEW),
        ("ViewContent", Kind.PRODUCT_VIEW),
        ("Order Completed", Kind.ORDER),
        ("purchase", Kind.ORDER),
        ("transaction", Kind.ORDER),
        ("Order Updated", Kind.CUSTOM),
        ("Order Cancelled", Kind.REFUND),
        ("begin_checkout", Kind.CHECKOUT_START),
        ("Checkout Step Viewed", Kind.CHECKOUT_START),
        ("offer_shown", Kind.OFFER_SHOWN),
        ("Email Link Clicked", Kind.EMAIL_CLICKED),
        ("Something Else", Kind.CUSTOM),
        ("session_end", Kind.CUSTOM),
        ("identify", Kind.CUSTOM),
        ("\x00", Kind.CUSTOM),
    ],
)
def test_a_name_in_any_spelling_has_its_kind(name, kind):
    assert names.kind_of("track", name) is kind


def test_the_call_decides_before_the_name():
    assert names.kind_of("page", "Order Completed") is Kind.PAGE_VIEW
    assert names.kind_of("screen", None) is Kind.PAGE_VIEW
    assert names.kind_of("identify", None) is Kind.IDENTIFY
    assert names.kind_of("alias", None) is Kind.CUSTOM
    assert names.kind_of("group", "x") is Kind.CUSTOM
    assert names.kind_of("track", None) is Kind.CUSTOM
    assert names.kind_of("track", "") is Kind.CUSTOM


def test_a_name_means_the_same_whoever_sends_it():
    kinds = {}
    for client, name, kind in names.table():
        assert kinds.setdefault(names.folded(name), kind) is kind, f"{client}: {name}"


def test_every_kind_a_client_can_send_has_a_name():
    assert {kind for _, _, kind in names.table()} == set(Kind) - {Kind.IDENTIFY, Kind.SESSION_END}


def test_the_document_holds_the_table_as_it_is():
    held = re.search(r"<!-- table: names -->\n(.*?)<!-- end -->", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert held, "docs/events.md lost its table"
    assert held[1] == names.table_as_markdown(), "put footfall.events.names.table_as_markdown() into docs/events.md"
    for _, name, _ in names.table():
        assert f"`{name}`" in held[1]


def test_the_document_holds_every_reason():
    text = DOCUMENT.read_text(encoding="utf-8")
    for code, meaning in REASONS.items():
        assert f"| `{code}` | {meaning} |" in text, "put footfall.events.reasons.REASONS into docs/events.md"
