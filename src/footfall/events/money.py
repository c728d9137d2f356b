"""How much is that, in the shop's base currency? Amounts and currencies in the ways clients write them."""

import re
from collections.abc import Mapping
from math import isfinite, nan

from footfall.events.wire import Scalar

AMOUNT_MAX = 1e9
"""Larger absolute amounts are mistakes and unusable."""

_TEXT_MAX = 40
_PLAIN = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,3})?")
_SPACES_AND_QUOTES = str.maketrans("", "", " \t\r\n\u00a0\u202f\u2009'’`_")
_NUMBER_IN_TEXT = re.compile(r"[+-]?\d[\d.,]{0,40}-?")

_SYMBOLS = {
    "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "円": "JPY", "元": "CNY", "RMB": "CNY", "₹": "INR",
    "RS": "INR", "₽": "RUB", "₺": "TRY", "TL": "TRY", "₩": "KRW", "₪": "ILS", "₫": "VND", "฿": "THB", "₴": "UAH",
    "₦": "NGN", "₱": "PHP", "R$": "BRL", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "A$": "AUD", "AU$": "AUD",
    "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "MX$": "MXN", "EURO": "EUR", "EUROS": "EUR",
    "FR.": "CHF", "SFR.": "CHF", "SFR": "CHF", "STG": "GBP",
}  # fmt: skip
_NO_CURRENCY = frozenset({"", "NULL", "NONE", "UNDEFINED", "NAN", "N/A", "(NOT SET)"})


def amount(value: Scalar) -> float:
    """The number meant by an amount, or NaN if it can't be used (no number, infinite, beyond a billion, a truth value).

    Texts may carry a currency's sign or code, group separators and a decimal comma: ``"1,299.00"``,
    ``"1.299,00 €"``, ``"1'299.-"``. With both separators the last is the decimal one. One comma before exactly three
    digits groups (``"1,299"``); one point before exactly three does so only beside a currency (``"€ 1.299"``).
    """
    if isinstance(value, str):
        number = _number_of_text(value)
    elif value is None or isinstance(value, bool):
        return nan
    else:
        number = float(value) if -AMOUNT_MAX <= value <= AMOUNT_MAX else nan
    return number + 0.0 if -AMOUNT_MAX <= number <= AMOUNT_MAX else nan  # + 0.0 turns -0.0 into 0.0


def _number_of_text(text: str) -> float:
    text = text.strip()
    if len(text) > _TEXT_MAX:
        return nan
    if text.isascii() and _PLAIN.fullmatch(text):
        return float(text)
    text = text.translate(_SPACES_AND_QUOTES).replace("−", "-").replace("–", "-")
    is_negative = text.startswith("(") and text.endswith(")")
    if is_negative:
        text = text[1:-1]
    found = _NUMBER_IN_TEXT.search(text)
    if not found or not text.isprintable():
        return nan
    before, digits, after = text[: found.start()], found.group(), text[found.end() :]
    if before[:1] == "-" and digits[0] not in "+-":
        is_negative, before = True, before[1:]
    if not (_is_decoration(before) and _is_decoration(after)) or (before and after):
        return nan
    if digits.endswith("-"):
        digits = digits[:-1]
        is_negative = is_negative or not digits.endswith((".", ","))  # "12.-" is a Swiss price, "12-" a debit
    number = _number_of_digits(digits.rstrip(".,"), is_priced=bool(before or after))
    return -number if is_negative else number


def _is_decoration(text: str) -> bool:
    return not text or (len(text) <= 5 and text != "." and not any(char.isdigit() or char in ",+-" for char in text))


def _number_of_digits(digits: str, is_priced: bool) -> float:
    n_commas, n_points = digits.count(","), digits.count(".")
    if n_commas and n_points:
        decimal = "," if digits.rfind(",") > digits.rfind(".") else "."
        if digits.count(decimal) > 1:
            return nan
    elif n_commas + n_points == 1:
        mark = "," if n_commas else "."
        whole, _, fraction = digits.partition(mark)
        groups = len(fraction) == 3 and whole.strip("+-") not in ("", "0") and (mark == "," or is_priced)
        decimal = "" if groups else mark
    else:
        groups_of = digits.strip("+-").replace(",", ".").split(".")
        if len(groups_of) > 1 and not (
            len(groups_of[-1]) == 3 and all(2 <= len(group) <= 3 for group in groups_of[1:])
        ):
            return nan
        decimal = ""
    grouping = {",": ".", ".": ",", "": ",."}[decimal]
    plain = digits.translate(str.maketrans("", "", grouping)).replace(",", ".")
    return float(plain) if plain.isascii() and _PLAIN.fullmatch(plain) else nan


def currency_of(value: Scalar) -> str | None:
    """ISO 4217 code of a currency given as code or symbol; ``""`` if none is given, None if it isn't one."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        return None
    code = value.strip().upper()
    if code in _NO_CURRENCY:
        return ""
    code = _SYMBOLS.get(code, code)
    return code if len(code) == 3 and code.isascii() and code.isalpha() else None


def rate(currency: Scalar, base: str, rates: Mapping[str, float]) -> float:
    """Value of one unit of ``currency`` in ``base``: 1.0 for none or the base itself, NaN if it isn't known."""
    code = currency_of(currency)
    if code == "" or code == base.upper():
        return 1.0
    if code is None:
        return nan
    known = rates.get(code, rates.get(code.lower()))
    return float(known) if known is not None and isfinite(known) and known > 0 else nan
