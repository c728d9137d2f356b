# ruff: noqa: E501  (tables and events read better unbroken)
"""What is typed is usable or the field says why not."""

import pytest

from footfall_shop.forms import customer_id, email_of, read_checkout

WHOLE = {
    "email": "Ada@Example.org", "name": " Ada ", "address": "Quay 1", "city": "Lund", "postcode": "22100", "country": "SE",
    "card": "4242-4242 4242 4242",
}  # fmt: skip


@pytest.mark.parametrize("text", ["ada@example.org", "a.b+c@sub.example.co.uk", "o'neil@example.org"])
def test_addresses_that_can_be(text: str) -> None:
    assert email_of(f" {text.upper()} ") == text


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@example", "a@b@c.de", "a b@example.org", "ada@example.org\nx", "ada@.org", "@x.org"]
)
def test_addresses_that_can_not(text: str) -> None:
    assert email_of(text) == ""


def test_a_whole_checkout_is_an_order_without_the_card() -> None:
    order, errors = read_checkout(WHOLE, {"standard": 1})
    assert errors == {}
    assert order is not None
    assert (order.email, order.name, order.delivery) == ("ada@example.org", "Ada", "standard")
    assert not any("4242" in str(value) for value in vars(order).values())


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "x"), ("name", " \t"), ("address", ""), ("city", ""), ("postcode", ""), ("country", "ZZ"), ("delivery", "owl"),
     ("card", "4242"), ("card", "4" * 20), ("card", "٤" * 14), ("card", "4242 4242 4242 424x")],
)  # fmt: skip
def test_each_field_says_what_it_needs(field: str, value: str) -> None:
    order, errors = read_checkout(WHOLE | {field: value}, {"standard": 1})
    assert order is None
    assert list(errors) == [field]
    assert errors[field].startswith("Please ")


def test_a_customer_is_known_by_the_same_id_everywhere() -> None:
    assert customer_id("ada@example.org") == customer_id("ada@example.org")
    assert customer_id("ada@example.org") != customer_id("bob@example.org")
