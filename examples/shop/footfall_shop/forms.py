"""Is what somebody typed usable? Checks of the shop's forms, with an answer that says what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2s

COUNTRIES = {
    "US": "United States", "CA": "Canada", "GB": "United Kingdom", "IE": "Ireland", "DE": "Germany", "FR": "France",
    "NL": "Netherlands", "BE": "Belgium", "AT": "Austria", "CH": "Switzerland", "DK": "Denmark", "SE": "Sweden",
    "NO": "Norway", "FI": "Finland", "ES": "Spain", "IT": "Italy", "PT": "Portugal", "AU": "Australia", "JP": "Japan",
}  # fmt: skip
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,190}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_TEXT_MAX = 120


@dataclass(frozen=True)
class Order:
    """A checkout that can be carried out. The card is looked at and let go of; nothing here holds it."""

    email: str
    name: str
    address: str
    city: str
    postcode: str
    country: str
    delivery: str


def email_of(text: str) -> str:
    """The address in the form it is kept, or ``""`` if it isn't one."""
    text = text.strip().lower()
    return text if _EMAIL.fullmatch(text) else ""


def customer_id(email: str) -> str:
    """What others know a customer by: the same for the same address, and without the address in it."""
    return f"c-{blake2s(email.encode(), digest_size=6).hexdigest()}"


def typed(form: Mapping[str, str], name: str) -> str:
    """A field without blanks at its ends and without control characters, at most 120 letters."""
    return "".join(letter for letter in form.get(name, "").strip() if letter.isprintable())[:_TEXT_MAX]


def read_checkout(form: Mapping[str, str], deliveries: Mapping[str, object]) -> tuple[Order | None, dict[str, str]]:
    """The order, or what is wrong with it by field."""
    errors: dict[str, str] = {}
    email = email_of(form.get("email", ""))
    if not email:
        errors["email"] = "Please give an e-mail address such as ada@example.org."
    wanted = {
        "name": "Please tell us your name.",
        "address": "Please give street and number.",
        "city": "Please give the town.",
        "postcode": "Please give the postcode.",
    }
    fields = {name: typed(form, name) for name in wanted}
    for name, message in wanted.items():
        if not fields[name]:
            errors[name] = message
    country = form.get("country", "")
    if country not in COUNTRIES:
        errors["country"] = "Please choose a country we deliver to."
    delivery = form.get("delivery", "") or "standard"
    if delivery not in deliveries:
        errors["delivery"] = "Please choose how it shall reach you."
    digits = re.sub(r"[ -]", "", form.get("card", ""))
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19):
        errors["card"] = "Please type 12 to 19 digits. Any will do: this is a demonstration."
    if errors:
        return None, errors
    return Order(email=email, country=country, delivery=delivery, **fields), {}
