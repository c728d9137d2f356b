"""Every feature says something that a marketer understands, whatever its value."""

import math

import pytest

from footfall.base.codes import Browser, Channel, Device, Os
from footfall.base.kinds import Kind
from footfall.models.words import duration, money, number, percent, words
from footfall.record.features import CATALOGUE, FEATURE_IDX, Feature

NAN = math.nan
TYPICAL = {
    "count": 3.0, "s": 200.0, "h": 5.0, "d": 12.0, "money": 119.9, "fraction": 0.35, "ratio": 0.25, "1/min": 4.0,
    "%": 70.0, "bit": 1.5, "ln s": 1.2, "bool": 1.0, "code": 2.0,
}  # fmt: skip


@pytest.mark.parametrize("feature", CATALOGUE, ids=[feature.name for feature in CATALOGUE])
def test_every_feature_has_words_for_every_value(feature: Feature) -> None:
    for value in (TYPICAL[feature.unit], 0.0, 1.0, 0.4, 1e-9, NAN, math.inf, -math.inf, -5.0, 1e12, 3.4e38, 255.0):
        text = words(feature.name, value, "EUR")
        assert text.strip() == text
        assert len(text) >= 6
        assert not text[0].isupper() or text.startswith("EUR")
        assert "nan" not in text.split() and "inf" not in text.split()
        assert "_" not in text and "{" not in text and "(s)" not in text, text
        assert not set(text.split()) & {name for name in FEATURE_IDX if "_" in name}
        if feature.unit == "money" and value == TYPICAL["money"]:
            assert "EUR 120" in text or "EUR 119.90" in text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("session_repeat_n", 3, "viewed the same product again 3 times in this session"),
        ("session_repeat_n", 1, "viewed the same product again once in this session"),
        ("cart_value", 120, "cart worth USD 120"),
        ("cart_items_n", 0, "cart is empty"),
        ("cart_items_n", 1, "1 item in the cart"),
        ("cart_items_n", 2, "2 items in the cart"),
        ("session_channel", Channel.PAID_SEARCH, "came by paid search"),
        ("session_channel", 99, "came by an unknown channel"),
        ("device", Device.MOBILE, "on a phone"),
        ("os", Os.WINDOWS, "uses Windows"),
        ("browser", Browser.IN_APP, "comes from within an app"),
        ("last_kind", Kind.CART_ADD, "just put something into the cart"),
        ("kind_before", Kind.SEARCH, "searched just before"),
        ("sessions_7d_n", 3, "third session in 7 days"),
        ("session_number", 22, "22nd session"),
        ("session_number", 111, "111th session"),
        ("since_last_order_d", NAN, "has never ordered before"),
        ("since_last_order_d", 3, "last ordered 3 days ago"),
        ("since_search_h", NAN, "has not searched yet"),
        ("since_cart_add_h", 2, "last put something into the cart 2 hours ago"),
        ("since_cart_add_h", 0, "put something into the cart just now"),
        ("order_n", 0, "has never ordered"),
        ("order_n", 1, "has ordered once"),
        ("order_n", 4, "ordered 4 times so far"),
        ("cart_add_n", 0, "has never put anything into the cart"),
        ("session_promotion_view_n", 0, "has not seen a promotion in this session"),
        ("product_view_decayed_1h", 3.2, "viewed about 3 products in the past few hours"),
        ("product_view_decayed_1h", 0.3, "viewed a product a few hours ago"),
        ("product_view_decayed_7d", 0.01, "has not viewed a product in the past few weeks"),
        ("session_custom_n", 0, "has not triggered a custom event in this session"),
        ("session_sign_in_n", 1, "signed in to an account in this session"),
        ("session_products_n", 1, "viewed 1 product in this session"),
        ("has_keyword", 1, "came with a known search term"),
        ("search_share", 0.25, "25% of all actions are searches"),
        ("session_dwell_s", 200, "spent 3 minutes in this session"),
        ("view_to_cart", 0.25, "0.25 cart additions per product view"),
        ("last_product_cart_lift", 2.1, "product viewed last gets into carts 2.1 times as often as others here"),
        ("last_product_order_lift", 0.6, "product viewed last is ordered 40% less often than others here"),
        ("last_product_view_lift", 1.02, "product viewed last is viewed about as often as others here"),
        ("cart_order_lift_max", 0.01, "best seller in the cart is ordered hardly ever"),
        ("cart_order_lift_mean", NAN, "cart is empty"),
        ("events_7d_to_30d", 0.5, "50% of the last 30 days' actions were in the last 7"),
        ("is_known", 0, "is anonymous"),
        ("hours_08_12_share", 0.5, "50% of actions between 8:00 and 12:00"),
        ("channel_email_share", 0.5, "came by e-mail in 50% of sessions"),
        ("revenue_net", -20, "spent USD -20 so far after refunds"),
    ],
)
def test_what_it_says(name: str, value: float, text: str) -> None:
    assert words(name, value, "USD") == text


def test_numbers_are_rounded_to_what_one_would_say() -> None:
    assert [number(x) for x in (0.25, 0.0312, 0.001, 1, 1.04, 3.14, 9.96, 12.7, 1234, 1e12)] == [
        "0.25", "0.031", "hardly any", "1", "1", "3.1", "10", "13", "1,234", "over 1,000,000,000",
    ]  # fmt: skip
    assert [percent(x) for x in (1, 0.35, 0.031, 0.0025, 0.00001)] == ["100%", "35%", "3.1%", "0.25%", "less than 0.1%"]
    assert [duration(x) for x in (0.2, 1, 89, 91, 3600, 7200, 86_400 * 3, 86_400 * 90, 86_400 * 1000, 1e12)] == [
        "1 second", "1 second", "89 seconds", "2 minutes", "60 minutes", "2 hours", "3 days", "3 months", "3 years",
        "over 100 years",
    ]  # fmt: skip
    assert [money(x, "USD") for x in (120, 19.9, 119.9, 0.5, 1e6, 1e12, -1e12)] == [
        "USD 120", "USD 19.90", "USD 120", "USD 0.50", "USD 1,000,000", "over USD 1,000,000,000",
        "under USD -1,000,000,000",
    ]  # fmt: skip


def test_a_name_that_is_no_feature_has_no_words() -> None:
    with pytest.raises(KeyError):
        words("shoe_size", 1.0, "USD")
