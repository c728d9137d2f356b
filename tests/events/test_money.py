"""Amounts and currencies are read as clients write them."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.events.money import amount, currency_of, rate


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (12, 12.0),
        (12.5, 12.5),
        (-3, -3.0),
        ("12", 12.0),
        ("1e3", 1000.0),
        ("1,299.00", 1299.0),
        ("1.299,00", 1299.0),
        ("1,299", 1299.0),
        ("1.299", 1.299),
        ("1.299 €", 1299.0),
        ("0,299", 0.299),
        ("12,5", 12.5),
        ("1,23,456.00", 123456.0),
        ("1.234.567", 1234567.0),
        ("1'299.-", 1299.0),
        ("1 234,50", 1234.5),
        ("1\u202f234,50 €", 1234.5),
        ("€ 12", 12.0),
        ("US$ 12.99", 12.99),
        ("12.99 USD", 12.99),
        ("Rs.500", 500.0),
        ("kr 100", 100.0),
        ("-€5", -5.0),
        ("(12.00)", -12.0),
        ("12-", -12.0),
        ("1e9", 1e9),
    ],
)
def test_an_amount_in_every_writing(value, number):
    assert amount(value) == number


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", "free", "nan", "inf", "1e400", float("nan"), float("inf"), -float("inf"), 1e9 + 1, 10**400]
    + ["1.2.3", "1,2,3", "--5", "1,234.5.6", "12 and 13", "x" * 10_000, "9" * 41, "٣", "1 € 2"],
)
def test_what_is_no_usable_amount_is_nan(value):
    assert isnan(amount(value))


def test_negative_zero_is_zero():
    assert str(amount(-0.0)) == str(amount("-0")) == "0.0"


@pytest.mark.parametrize(
    ("value", "code"),
    [("usd", "USD"), (" Eur ", "EUR"), ("€", "EUR"), ("$", "USD"), ("zł", "PLN"), ("", ""), (None, ""), ("null", "")]
    + [("dollars", None), ("12", None), (5, None), ("U$D", None)],
)
def test_a_currency_is_a_code_or_a_sign(value, code):
    assert currency_of(value) == code


def test_a_rate_converts_to_the_base():
    rates = {"EUR": 1.1, "gbp": 1.3, "BAD": 0.0}
    assert (
        rate(None, "USD", rates)
        == rate("", "USD", rates)
        == rate("usd", "USD", rates)
        == rate("$", "usd", rates)
        == 1.0
    )
    assert rate("eur", "USD", rates) == rate("€", "USD", rates) == 1.1
    assert rate("GBP", "USD", rates) == 1.3
    assert isnan(rate("CHF", "USD", rates))
    assert isnan(rate("BAD", "USD", rates))
    assert isnan(rate(5, "USD", rates))


@given(st.one_of(st.integers(), st.floats(), st.text(max_size=60), st.text("0123456789.,-+ €$()'", max_size=20)))
def test_no_scalar_raises_and_amounts_are_bounded(value):
    number = amount(value)
    assert isnan(number) or abs(number) <= 1e9
    assert isnan(rate(value, "USD", {})) or rate(value, "USD", {}) == 1.0


@given(st.floats(-1e9, 1e9))
def test_a_number_and_its_text_are_the_same_amount(value):
    assert amount(value) == value
    if abs(value) >= 1e-4 or value == 0:
        assert amount(repr(value)) == value
