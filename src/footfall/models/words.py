"""How does a marketer say what a feature says? "cart worth USD 120", "came by paid search", "third session in 7 days".

The visitor is the subject of each text and left out. Numbers are rounded to what one would say; the value itself stands
beside the words.
"""

import math
from collections.abc import Callable
from functools import partial

from footfall.base.kinds import KIND_NAMES
from footfall.models.phrases import (
    BROWSERS,
    CHANNELS,
    DEEDS,
    DEVICES,
    HALF_LIVES,
    NOT_YET,
    PHRASES,
    SYSTEMS,
    Deed,
    Phrase,
)
from footfall.record.features import CATALOGUE
from footfall.record.layout import DECAY_KINDS

Teller = Callable[[float, str], str]
"""From a value and a currency to words."""

_MOST = 1e9
"""Numbers beyond this are said to be over it."""
_UNIT_S = {"s": 1.0, "h": 3600.0, "d": 86_400.0}
_SHARES = {"offer_dismiss_rate", "events_7d_to_30d"}
"""Ratios of a part to its whole, better told in percent."""
_NTH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def words(name: str, value: float, currency: str) -> str:
    """What a feature of the catalogue says, in words.

    ``value`` is in the feature's unit, NaN (or infinite) if unknown; ``currency`` is the base currency's code. Raises
    KeyError for a name that isn't in the catalogue.
    """
    return _TELLERS[name](value if math.isfinite(value) else math.nan, currency)


def number(value: float) -> str:
    """Two digits that count, or all before the point; thousands are set apart."""
    if abs(value) > _MOST:
        return f"{'over' if value > 0 else 'under -'} {_MOST:,.0f}".replace("- ", "-")
    if abs(value) >= 9.95 or value == round(value):
        return f"{value:,.0f}"
    if abs(value) >= 0.95:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2g}" if abs(value) >= 0.005 else "hardly any"


def percent(share: float) -> str:
    """A fraction of 1 in percent."""
    if share < 0.001:
        return "less than 0.1%"
    return f"{number(min(100 * share, _MOST))}%"


def duration(seconds: float) -> str:
    """In the largest unit of which there are at least about one and a half."""
    for below_s, unit_s, unit in (
        (90, 1, "second"), (90 * 60, 60, "minute"), (36 * 3600, 3600, "hour"), (60 * 86_400, 86_400, "day"),
        (730 * 86_400, 30.44 * 86_400, "month"), (100 * 365.25 * 86_400, 365.25 * 86_400, "year"),
    ):  # fmt: skip
        if seconds < below_s:
            return _plural(f"{max(round(seconds / unit_s), 1)} {unit}(s)")
    return "over 100 years"


def money(amount: float, currency: str) -> str:
    """Whole units, or two digits behind the point where the amount is small and has some."""
    if abs(amount) > _MOST:
        return f"{'over' if amount > 0 else 'under'} {currency} {math.copysign(_MOST, amount):,.0f}"
    has_cents = abs(amount) < 100 and abs(amount - round(amount)) > 0.005
    return f"{currency} {amount:,.2f}" if has_cents else f"{currency} {amount:,.0f}"


def _plural(text: str) -> str:
    """``(s)`` goes if the number before it is 1."""
    at = text.find("(s)")
    if at < 0:
        return text
    digits = [word for word in text[:at].split() if word[0].isdigit()]
    if digits and digits[-1] == "1":
        return text.replace("(s)", "").replace("1 different", "1")
    return text.replace("(s)", "s")


def _times(n: float) -> str:
    return {1: "once", 2: "twice"}.get(round(n), f"{number(round(n))} times")


def _compared(lift: float) -> str:
    if 0.95 <= lift < 1.05:
        return "about as often as others here"
    if lift < 0.05:
        return "hardly ever"
    if lift > 20:
        return "over 20 times as often as others here"
    return (
        f"{number(lift)} times as often as others here"
        if lift > 1
        else f"{percent(1 - lift)} less often than others here"
    )


def _nth(n: float) -> str:
    n = round(n)
    if n <= len(_NTH):
        return _NTH[n - 1]
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{number(n)}{ending}" if n < _MOST else "umpteenth"


def _amount(name: str, unit: str, value: float, currency: str) -> str:
    if unit in _UNIT_S:
        return duration(value * _UNIT_S[unit])
    if unit == "money":
        return money(value, currency)
    if unit == "fraction" or name in _SHARES:
        return percent(value)
    if unit == "%":
        return percent(value / 100)
    if unit == "bit":
        return number(2 ** min(value, 30.0))
    if unit == "ln s":
        return number(math.exp(min(value, 30.0)))
    return number(value)


def _tell(name: str, unit: str, phrase: Phrase, value: float, currency: str) -> str:
    if math.isnan(value):
        return phrase.if_unknown
    is_none = value * _UNIT_S[unit] < 0.5 if unit in _UNIT_S else value == 0 or (value < 0 and unit != "money")
    if is_none and phrase.if_none:
        return phrase.if_none
    if "{compared}" in phrase.says:
        return phrase.says.replace("{compared}", _compared(value))
    if "{nth}" in phrase.says or "{times}" in phrase.says:
        n = max(value, 1.0)
        return phrase.says.replace("{nth}", _nth(n)).replace("{times}", _times(n))
    return _plural(phrase.says.replace("{v}", _amount(name, unit, value, currency)).replace("about over", "over"))


def _code(texts: dict[int, str], value: float, _: str) -> str:
    return texts[-1] if math.isnan(value) or int(value) not in texts else texts[int(value)]


def _been_done(deed: Deed) -> str:
    """As it stands behind "has"."""
    verb, _, rest = deed.once.partition(" ")
    return f"{NOT_YET.get(verb, verb)} {rest}".strip()


def _not_done(deed: Deed) -> str:
    return _been_done(deed).replace("something", "anything")


def _done(deed: Deed, n: float, about: str = "") -> str:
    return (
        deed.once
        if round(n) == 1
        else deed.often.replace("{v}", about + number(round(n))).replace("about over", "over")
    )


def _in_session(deed: Deed, value: float, _: str) -> str:
    n = 0.0 if math.isnan(value) else value
    return f"{_done(deed, n) if n >= 0.5 else 'has not ' + _not_done(deed)} in this session"


def _ever(deed: Deed, value: float, _: str) -> str:
    if not value >= 0.5:
        return f"has never {_not_done(deed)}"
    return f"has {_been_done(deed)} once" if round(value) == 1 else f"{_done(deed, value)} so far"


def _lately(deed: Deed, when: str, value: float, _: str) -> str:
    if not value >= 0.05:
        return f"has not {_not_done(deed)} {when}"
    if value < 0.75:
        return f"{deed.once} a{when.removeprefix('in the past')} ago"
    return f"{_done(deed, value, 'about ')} {when}"


def _share(deed: Deed, value: float, _: str) -> str:
    if math.isnan(value):
        return "no action yet"
    return f"{percent(value)} of all actions are {deed.all_of_them}" if value > 0 else f"no {deed.all_of_them} so far"


def _ago(deed: Deed, value: float, _: str) -> str:
    if math.isnan(value):
        return f"has not {_not_done(deed)} yet"
    return f"last {deed.once} {duration(value * 3600)} ago" if value * 3600 >= 0.5 else f"{deed.once} just now"


def _tellers() -> dict[str, Teller]:
    out: dict[str, Teller] = {}
    for kind, deed in DEEDS.items():
        name = KIND_NAMES[kind]
        out[f"session_{name}_n"] = partial(_in_session, deed)
        out[f"{name}_n"] = partial(_ever, deed)
        if kind in DECAY_KINDS:
            out[f"{name}_share"] = partial(_share, deed)
            out[f"since_{name}_h"] = partial(_ago, deed)
            for half, when in HALF_LIVES.items():
                out[f"{name}_decayed_{half}"] = partial(_lately, deed, when)
    ways = {-1: "by an unknown channel", **CHANNELS}
    out["session_channel"] = partial(_code, {code: f"came {way}" for code, way in ways.items()})
    out["first_channel"] = partial(_code, {code: f"first came {way}" for code, way in ways.items()})
    out["device"] = partial(_code, {-1: "on an unknown device", **DEVICES})
    out["os"] = partial(_code, {-1: "unknown operating system", **SYSTEMS})
    out["browser"] = partial(_code, {-1: "unknown browser", **BROWSERS})
    steps = {int(kind): deed.once for kind, deed in DEEDS.items()}
    out["last_kind"] = partial(_code, {-1: "no step known yet", **{k: f"just {step}" for k, step in steps.items()}})
    out["kind_before"] = partial(
        _code, {-1: "no step before the latest", **{k: f"{step} just before" for k, step in steps.items()}}
    )
    units = {feature.name: feature.unit for feature in CATALOGUE}
    out.update({name: partial(_tell, name, units[name], phrase) for name, phrase in PHRASES.items()})
    return out


_TELLERS = _tellers()
