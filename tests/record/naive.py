"""What should the kernels say? The specification of records, features and identities in plain Python.

Written from the descriptions of the fields, the formulas of the catalogue and the rules in the docstrings; slow, and
made to be read. What can be recomputed from the whole history is; what depends on the order of arrival is told event by
event. An event is a dict of the fields of ``EVENT`` with its product lines in ``"items"``.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from footfall.base.codes import Channel, Device, Flag
from footfall.base.kinds import KIND_NAMES, Kind
from footfall.record.layout import (
    ALIASED,
    BOT,
    DECAY_KINDS,
    ENDED,
    HALF_LIVES_S,
    KNOWN,
    N_CART,
    N_CHANNELS,
    N_DAYS,
    N_DEVICES,
    N_RECENT_CATEGORIES,
    N_RECENT_PRODUCTS,
    N_SECTIONS,
    NO_CHANNEL,
    PASSIVE_KINDS,
    PAYING,
    SHARED,
)

Event = dict[str, Any]
Record = dict[str, Any]
NAN = float("nan")
VIEWS = (Kind.PAGE_VIEW, Kind.LIST_VIEW, Kind.PRODUCT_VIEW)


def is_visit(e: Event) -> bool:
    """Whether the visitor is on the site: not in a store, not reading mail, not getting money back."""
    return not e["flags"] & Flag.STORE and e["kind"] not in (Kind.EMAIL_OPENED, Kind.REFUND)


def money(e: Event) -> float:
    return 0.0 if math.isnan(e["revenue"]) else float(e["revenue"])


def has_price(e: Event) -> bool:
    return (
        e["kind"] == Kind.PRODUCT_VIEW
        and not math.isnan(e["price"])
        and e["price"] > 0
        and not e["flags"] & Flag.OUTLIER_PRICE
    )


def fading(events: list[tuple[float, float]], now_ms: float, half_life_s: float) -> float:
    """Sum of ``(time, amount)``, each halved for every half-life that has passed."""
    return sum(amount * 2.0 ** (-(now_ms - time) / 1000.0 / half_life_s) for time, amount in events)


@dataclass
class Session:
    """One session: its events in order of arrival, and what was true when they came."""

    start: int
    last: int
    channel: int
    device: int
    landing: int
    exit: int
    gap_s: float | None
    cart_max: float
    events: list[Event] = field(default_factory=list)
    repeats: list[Event] = field(default_factory=list)
    dwells: list[float] = field(default_factory=list)
    moves: int = 0
    is_ended: bool = False

    def n(self, *kinds: int) -> int:
        return sum(e["kind"] in kinds for e in self.events)

    def views(self) -> list[Event]:
        return [e for e in self.events if e["kind"] == Kind.PRODUCT_VIEW]

    def revenue(self) -> float:
        return sum(money(e) for e in self.events if e["kind"] == Kind.ORDER and not e["flags"] & Flag.STORE)


class Visitor:
    """The history of one visitor; :meth:`record` says what the record must hold."""

    def __init__(self, timeout_s: int = 1800, dwell_cap_s: float = 600) -> None:
        self.timeout_ms = timeout_s * 1000
        self.dwell_cap_s = dwell_cap_s
        self.events: list[Event] = []
        self.sessions: list[Session] = []
        self.gaps: list[float] = []
        self.dwells: list[tuple[float, float]] = []
        self.sections: list[list[Any]] = []  # [section, dwell, events], at most six
        self.lines: list[list[Any]] = []  # [product, price, quantity], oldest first
        self.rest_n = self.rest_value = 0.0
        self.cart_changed = 0
        self.products: list[int] = []
        self.categories: list[int] = []
        self.n_repeats = 0
        self.latest: dict[str, Any] = {}
        self.out: list[Record] = []  # ended sessions, as they were then

    # -- one event -------------------------------------------------------------------------------------------------

    def see(self, e: Event) -> None:
        """Take one event, in order of arrival."""
        is_here = bool(e["page"]) and e["page"] == self.latest.get("page") and e["kind"] != Kind.PAGE_VIEW
        e = self._placed(e, is_here)
        before = self.events[-1]["kind"] if self.events else None
        self.events.append(e)
        session = self._session_of(e)
        if session is not None:
            session.events.append(e)
        names_page = e["kind"] == Kind.PRODUCT_VIEW and before == Kind.PAGE_VIEW and is_here
        if names_page and e["flags"] & Flag.PAGE_NAMED and session is not None and e["time"] >= session.last:
            self._name_page(e["section"], session)
        self._note_section(e, session, is_here)
        self._note_latest(e, session)
        kind = e["kind"]
        if kind == Kind.PRODUCT_VIEW:
            self._note_view(e, session)
        elif kind in (Kind.CART_ADD, Kind.CART_REMOVE, Kind.CART_VIEW, Kind.CHECKOUT_START):
            self._change_cart(e)
            if session is not None:
                session.cart_max = max(session.cart_max, self.cart_value())
        elif kind == Kind.ORDER and not e["flags"] & Flag.STORE:
            self._buy_cart(e)

    def end(self) -> None:
        """The timer ends the session."""
        if self.sessions and not self.sessions[-1].is_ended:
            self._end()

    def _end(self) -> None:
        s = self.sessions[-1]
        s.is_ended = True
        self.out.append(
            {
                "start": s.start,
                "end": s.last,
                "landing": s.landing,
                "exit": s.exit,
                "revenue": s.revenue(),
                "dwell_s": sum(s.dwells),
                "cart_value": self.cart_value(),
                "number": len(self.sessions),
                "n_events": len(s.events),
                "channel": s.channel,
                "device": self.latest.get("device", 0),
            }
        )

    def _session_of(self, e: Event) -> Session | None:
        """The session that the event joins or begins, or None if it belongs to a past one or to none."""
        t = e["time"]
        now = self.sessions[-1] if self.sessions else None
        if not is_visit(e):
            return None
        if now is not None and now.start - self.timeout_ms <= t <= now.last + self.timeout_ms:
            self._go_on(now, e)
            return now
        if now is not None and t < now.last:
            return None
        if now is not None and not now.is_ended:
            self._end()
        gap_s = None
        if now is not None:
            gap_s = (t - now.last) / 1000.0
        channel = Channel.DIRECT if e["channel"] == NO_CHANNEL else e["channel"]
        begun = Session(t, t, channel, e["device"], e["section"], e["section"], gap_s, self.cart_value())
        self.sessions.append(begun)
        begun.first_event = e  # type: ignore[attr-defined]
        return begun

    def _go_on(self, s: Session, e: Event) -> None:
        t = e["time"]
        s.is_ended = False
        if t >= s.last:
            gap_s = (t - s.last) / 1000.0
            self.gaps.append(gap_s)
            is_away = self.events[-2]["kind"] == Kind.ENGAGEMENT  # told when a page is hidden or left
            dwell = 0.0 if is_away else min(gap_s, self.dwell_cap_s)
            self.dwells.append((t, dwell))
            s.dwells.append(dwell)
            if s.exit and dwell > 0:
                self._to_section(s.exit, dwell, 0)
            s.last = t
        elif t < s.start:
            s.start = t
            if e["section"]:
                s.landing = e["section"]
        if s.channel == Channel.DIRECT and e["channel"] != NO_CHANNEL:
            s.channel = e["channel"]

    def _to_section(self, section: int, dwell: float, views: int) -> None:
        for row in self.sections:
            if row[0] == section:
                row[1] += dwell
                row[2] += views
                return
        if len(self.sections) < N_SECTIONS:
            self.sections.append([section, dwell, views])
        elif views:  # only an event in it opens a section
            least = min(range(N_SECTIONS), key=lambda i: (self.sections[i][1], self.sections[i][2], i))
            self.sections[least] = [section, dwell, views]

    def _placed(self, e: Event, is_here: bool) -> Event:
        """The event with the section in which it happened: one that only its address tells is where the visitor is."""
        if not e["flags"] & Flag.SECTION_GUESSED or e["kind"] == Kind.PAGE_VIEW:
            return e
        section = e["section"]
        if is_here and self.sessions:
            section = self.sessions[-1].exit or section
        elif not is_here and e["kind"] not in VIEWS and self.sessions and e["time"] < self.sessions[-1].last:
            section = 0  # the visitor has left the page since, and nothing tells any more where that was
        return {**e, "section": section}

    def _name_page(self, section: int, s: Session) -> None:
        """The page that was just seen is in this section: its view moves there."""
        guessed = s.exit
        if not guessed or guessed == section:
            return
        for row in self.sections:
            if row[0] == guessed:
                row[2] -= 1
                dwell = 0.0
                if row[2] < 1:
                    self.sections.remove(row)
                    dwell = row[1]
                self._to_section(section, dwell, 1)
                break
        if s.landing == guessed:
            s.landing = section
        s.exit = section

    def _note_section(self, e: Event, s: Session | None, is_here: bool) -> None:
        section = e["section"]
        if not section:
            return
        self._to_section(section, 0.0, 1)
        moves = e["kind"] in VIEWS or not is_here
        if s is not None and is_visit(e) and e["time"] >= s.last and (moves or not s.exit):
            s.landing = s.landing or section
            s.moves += s.exit not in (0, section)
            s.exit = section

    def _note_latest(self, e: Event, s: Session | None) -> None:
        """What the latest event says holds; what nobody has said yet may come late."""
        is_latest = e["time"] >= max(other["time"] for other in self.events)

        def note(name: str, also: bool = False, **values: Any) -> None:
            if is_latest or also or name not in self.latest:
                self.latest.update(values or {name: e[name]})

        for name in ("page", "query"):
            if e[name]:
                note(name)
        for name in ("campaign", "keyword"):
            if e[name]:
                note(name, also=s is not None)
        if e["country"]:
            note("country", country=e["country"], region=e["region"], city=e["city"])
        if e["device"] not in (Device.UNKNOWN, Device.SERVER):
            note("device", device=e["device"], os=e["os"], browser=e["browser"])

    def _note_view(self, e: Event, s: Session | None) -> None:
        product, category = e["product"], e["category"]
        if product:
            if product in self.products:
                self.n_repeats += 1
                if s is not None:
                    s.repeats.append(e)
                self.products.remove(product)
            self.products = [product, *self.products][:N_RECENT_PRODUCTS]
        if category:
            if category in self.categories:
                self.categories.remove(category)
            self.categories = [category, *self.categories][:N_RECENT_CATEGORIES]

    # -- the cart --------------------------------------------------------------------------------------------------

    def cart_value(self) -> float:
        return sum(price * quantity for _, price, quantity in self.lines) + self.rest_value

    def _line(self, product: int) -> list[Any] | None:
        return next((line for line in self.lines if line[0] == product), None)

    def _put(self, product: int, price: float, quantity: float) -> None:
        line = self._line(product) if product else None
        if line is not None:
            line[2] += quantity
            line[1] = price if price > 0 else line[1]
        elif product and len(self.lines) < N_CART:
            self.lines.append([product, price, quantity])
        else:
            self.rest_n += quantity
            self.rest_value += price * quantity

    def _take(self, product: int, quantity: float | None, rest_quantity: float | None) -> bool:
        """Out of the product's line, or off the rest if it has none; None is all."""
        line = self._line(product)
        if line is not None:
            if quantity is None or line[2] - quantity <= 1e-6:
                self.lines.remove(line)
            else:
                line[2] -= quantity
            return True
        if self.rest_n == 0:
            return False
        left = 0.0 if rest_quantity is None else max(self.rest_n - rest_quantity, 0.0)
        self.rest_value *= left / self.rest_n
        self.rest_n = left
        return True

    def _change_cart(self, e: Event) -> None:
        names_whole_cart = e["kind"] in (Kind.CART_VIEW, Kind.CHECKOUT_START)
        if names_whole_cart:
            if not e["items"] or e["time"] < self.cart_changed:  # says nothing of it, or of one that is no more
                return
            self.lines, self.rest_n, self.rest_value = [], 0.0, 0.0
        for item in e["items"]:
            quantity = None if math.isnan(item["quantity"]) else item["quantity"]
            if e["kind"] == Kind.CART_REMOVE:
                if quantity is None or quantity > 0:
                    self._take(item["product"], quantity, quantity)
            elif quantity is None or quantity > 0:
                price = 0.0 if math.isnan(item["price"]) else item["price"]
                self._put(item["product"], price, 1.0 if quantity is None else quantity)
        self.cart_changed = max(self.cart_changed, e["time"])

    def _buy_cart(self, e: Event) -> None:
        """What is bought leaves the cart; an order of nothing in it empties it, unless the cart changed since."""
        taken = False
        is_late = e["time"] < self.cart_changed
        for item in e["items"]:
            bought = 1.0 if math.isnan(item["quantity"]) else item["quantity"]
            if item["product"]:
                taken |= self._take(item["product"], None, 0.0 if is_late else bought)
        if not taken and not is_late:
            self.lines, self.rest_n, self.rest_value = [], 0.0, 0.0
        self.cart_changed = max(self.cart_changed, e["time"])

    # -- the record ------------------------------------------------------------------------------------------------

    def record(self) -> Record:
        """Every field but ``user_key``, ``site`` and ``merged_into``, which admit and merge set."""
        if not self.events:
            return {}
        return self._from_history() | self._from_sessions() | self._from_arrival()

    def _of(self, *kinds: int) -> list[Event]:
        return [e for e in self.events if e["kind"] in kinds]

    def _from_history(self) -> Record:
        """The order-free fields."""
        times = [e["time"] for e in self.events]
        now, day_last = max(times), max(e["day"] for e in self.events)
        views, orders = self._of(Kind.PRODUCT_VIEW), self._of(Kind.ORDER)
        prices = [e["price"] for e in views if has_price(e)]
        places = [e["percentile"] for e in views if has_price(e) and not math.isnan(e["percentile"])]
        bought = [item for e in orders for item in e["items"]]
        bought_places = [item["percentile"] for item in bought if not math.isnan(item["percentile"])]
        scrolls = [e["scroll"] for e in self._of(Kind.SCROLL) if not math.isnan(e["scroll"])]
        in_store = [e for e in orders if e["flags"] & Flag.STORE]
        states = 0
        for bit, is_set in (
            (KNOWN, any(e["knows"] for e in self.events)),
            (PAYING, bool(orders)),
            (BOT, any(e["flags"] & Flag.BOT for e in self.events)),
            (ALIASED, any(e["is_alias"] == 2 for e in self.events)),
            (ENDED, bool(self.sessions) and self.sessions[-1].is_ended),
        ):
            states |= bit if is_set else 0
        days = Counter(e["day"] for e in self.events)
        return {
            "first_seen": min(times),
            "last_seen": now,
            "decayed_at": now,
            "day_last": day_last,
            "n_events": len(self.events),
            "counts": [len(self._of(kind)) for kind in Kind],
            "last_s": [max((e["time"] // 1000 for e in self._of(kind)), default=0) for kind in DECAY_KINDS],
            "decayed": [
                [fading([(e["time"], 1.0) for e in self._of(kind)], now, half) for half in HALF_LIVES_S]
                for kind in DECAY_KINDS
            ],
            "decayed_revenue": [fading([(e["time"], money(e)) for e in orders], now, h) for h in HALF_LIVES_S],
            "hours": [sum(e["hour"] == hour for e in self.events) for hour in range(24)],
            "weekdays": [sum(e["weekday"] == day for e in self.events) for day in range(7)],
            "day_events": _ring({day: n for day, n in days.items() if day_last - day < N_DAYS}),
            "late_n": sum(bool(e["flags"] & Flag.LATE) for e in self.events),
            "first_order": min((e["time"] for e in orders), default=0),
            "last_order": max((e["time"] for e in orders), default=0),
            "revenue": sum(map(money, orders)),
            "store_revenue": sum(map(money, in_store)),
            "refunded": sum(map(money, self._of(Kind.REFUND))),
            "order_max": max(map(money, orders), default=0.0),
            "order_last": money(orders[-1]) if orders else 0.0,
            "items_bought": sum(1.0 if math.isnan(i["quantity"]) else i["quantity"] for i in bought),
            "store_orders": len(in_store),
            "price_n": len(prices),
            "price_sum": sum(prices),
            "price_sq": sum(price * price for price in prices),
            "price_min": min(prices, default=0.0),
            "price_max": max(prices, default=0.0),
            "price_last": prices[-1] if prices else 0.0,
            "percentile_n": len(places),
            "percentile_sum": sum(places),
            "discounted_n": sum(bool(e["flags"] & Flag.DISCOUNTED) for e in views),
            "bought_percentile_n": len(bought_places),
            "bought_percentile_sum": sum(bought_places),
            "scroll_n": len(scrolls),
            "scroll_sum": sum(scrolls),
            "engaged_s": sum(e["engaged_s"] for e in self._of(Kind.ENGAGEMENT)),
            "states": states,
        }

    def _from_sessions(self) -> Record:
        past = self.sessions[:-1]
        gaps = [s.gap_s for s in self.sessions if s.gap_s is not None]
        with_cart = [s for s in past if s.n(Kind.CART_ADD)]
        day_last = max(e["day"] for e in self.events)
        begun = Counter(s.first_event["day"] for s in self.sessions)  # type: ignore[attr-defined]
        whole = {
            "session_number": len(self.sessions),
            "past_events": sum(len(s.events) for s in past),
            "past_pages": sum(s.n(Kind.PAGE_VIEW, Kind.LIST_VIEW, Kind.PRODUCT_VIEW) for s in past),
            "past_dwell_s": sum(sum(s.dwells) for s in past),
            "past_length_s": sum((s.last - s.start) / 1000.0 for s in past),
            "past_bounced": sum(len(s.events) - s.n(*PASSIVE_KINDS) <= 1 for s in past),
            "past_with_cart": len(with_cart),
            "past_with_checkout": sum(bool(s.n(Kind.CHECKOUT_START)) for s in past),
            "past_with_order": sum(bool(s.n(Kind.ORDER)) for s in past),
            "past_abandoned": sum(not s.n(Kind.ORDER) for s in with_cart),
            "session_gap_n": len(gaps),
            "session_gap_sum": sum(gaps),
            "session_gap_sq": sum(gap * gap for gap in gaps),
            "session_gap_min": min(gaps, default=0.0),
            "session_gap_max": max(gaps, default=0.0),
            "session_gap_last": gaps[-1] if gaps else 0.0,
            "channel_sessions": [sum(s.channel == code for s in self.sessions) for code in range(N_CHANNELS)],
            "device_sessions": [sum(s.device == code for s in self.sessions) for code in range(N_DEVICES)],
            "day_sessions": _ring({day: n for day, n in begun.items() if day_last - day < N_DAYS}),
            "first_channel": self.sessions[0].channel if self.sessions else 0,
        }
        if not self.sessions:
            return whole
        s = self.sessions[-1]
        prices = [e["price"] for e in s.views() if has_price(e)]
        places = [e["percentile"] for e in s.views() if has_price(e) and not math.isnan(e["percentile"])]
        scrolls = [e["scroll"] for e in s.events if e["kind"] == Kind.SCROLL and not math.isnan(e["scroll"])]
        return whole | {
            "session_start": s.start,
            "session_last": s.last,
            "session_channel": s.channel,
            "session_device": s.device,
            "landing": s.landing,
            "section_now": s.exit,
            "session_n_events": len(s.events),
            "session_counts": [s.n(kind) for kind in Kind],
            "session_dwell_s": sum(s.dwells),
            "session_engaged_s": sum(e["engaged_s"] for e in s.events if e["kind"] == Kind.ENGAGEMENT),
            "session_revenue": s.revenue(),
            "session_scroll": max(scrolls, default=0.0),
            "session_price_sum": sum(prices),
            "session_price_min": min(prices, default=0.0),
            "session_price_max": max(prices, default=0.0),
            "session_n_prices": len(prices),
            "session_percentile_sum": sum(places),
            "session_n_percentiles": len(places),
            "session_n_discounted": sum(bool(e["flags"] & Flag.DISCOUNTED) for e in s.views()),
            "session_n_repeat": len(s.repeats),
            "session_n_products": sum(bool(e["product"]) for e in s.views()) - len(s.repeats),
            "session_n_moves": s.moves,
            "session_cart_max": s.cart_max,
        }

    def _from_arrival(self) -> Record:
        logs = [math.log(1.0 + gap) for gap in self.gaps]
        now = max(e["time"] for e in self.events)
        lines = self.lines + [[0, 0.0, 0.0]] * (N_CART - len(self.lines))
        sections = self.sections + [[0, 0.0, 0]] * (N_SECTIONS - len(self.sections))
        return {
            "dwell_s": sum(dwell for _, dwell in self.dwells),
            "decayed_dwell": [fading(self.dwells, now, half) for half in HALF_LIVES_S],
            "gap_n": len(self.gaps),
            "gap_log_sum": sum(logs),
            "gap_log_sq": sum(x * x for x in logs),
            "section_keys": [key for key, _, _ in sections],
            "section_dwell": [dwell for _, dwell, _ in sections],
            "section_views": [views for _, _, views in sections],
            "recent_products": _padded(self.products, N_RECENT_PRODUCTS),
            "recent_categories": _padded(self.categories, N_RECENT_CATEGORIES),
            "repeat_views": self.n_repeats,
            "n_cart": len(self.lines),
            "cart_products": [product for product, _, _ in lines],
            "cart_prices": [price for _, price, _ in lines],
            "cart_quantities": [quantity for _, _, quantity in lines],
            "cart_rest_n": self.rest_n,
            "cart_rest_value": self.rest_value,
            "cart_changed": self.cart_changed,
            "page_now": self.latest.get("page", 0),
            **{n: self.latest.get(n, 0) for n in ("campaign", "keyword", "query", "country", "region", "city")},
            **{n: self.latest.get(n, 0) for n in ("device", "os", "browser")},
            "last_kind": self.events[-1]["kind"],
            "kind_before": self.events[-2]["kind"] if len(self.events) > 1 else 0,
        }


def _padded(values: list[int], n: int) -> list[int]:
    return values + [0] * (n - len(values))


def _ring(by_day: dict[int, int]) -> list[int]:
    """Counts by day, at day modulo 30."""
    out = [0] * N_DAYS
    for day, n in by_day.items():
        out[day % N_DAYS] = n
    return out


# -- features ------------------------------------------------------------------------------------------------------


def over(a: float, b: float) -> float:
    return a / b if b else NAN


Known = dict[int, tuple[float, float, float]]
"""View, cart and order lift by key; 1 of those that aren't in it."""


def features(r: Record, t: int, products: Known | None = None, categories: Known | None = None) -> dict[str, float]:
    """Every feature by name, from a record at time ``t`` and what is known of products and categories."""
    counts = dict(zip(KIND_NAMES, r["counts"], strict=True))
    here = dict(zip(KIND_NAMES, r["session_counts"], strict=True))
    out: dict[str, float] = {}

    def since(field_name: str, unit_ms: float) -> float:
        return (t - r[field_name]) / unit_ms if r[field_name] else NAN

    hour, day = 3_600_000.0, 86_400_000.0
    out["since_last_event_s"] = since("last_seen", 1000)
    out["since_first_event_d"] = since("first_seen", day)
    out["since_session_start_s"] = since("session_start", 1000)
    out["since_session_last_s"] = since("session_last", 1000)
    out["since_cart_change_s"] = since("cart_changed", 1000)
    out["since_last_order_d"] = since("last_order", day)
    out["since_first_order_d"] = since("first_order", day)
    halves = dict(zip(("1h", "1d", "7d", "30d"), HALF_LIVES_S, strict=True))
    faded = {name: 2.0 ** (-(t - r["decayed_at"]) / 1000.0 / half) for name, half in halves.items()}
    for i, kind in enumerate(DECAY_KINDS):
        name = KIND_NAMES[kind]
        out[f"since_{name}_h"] = (t - r["last_s"][i] * 1000) / hour if r["last_s"][i] else NAN
        out[f"{name}_share"] = over(counts[name], r["n_events"])
        for h, (half, factor) in enumerate(faded.items()):
            out[f"{name}_decayed_{half}"] = r["decayed"][i][h] * factor
    for h, (half, factor) in enumerate(faded.items()):
        out[f"dwell_decayed_{half}_s"] = r["decayed_dwell"][h] * factor
        out[f"revenue_decayed_{half}"] = r["decayed_revenue"][h] * factor
    for kind in Kind:
        if kind != Kind.SESSION_END:
            out[f"{KIND_NAMES[kind]}_n"] = counts[KIND_NAMES[kind]]
            out[f"session_{KIND_NAMES[kind]}_n"] = here[KIND_NAMES[kind]]
    for name, above, below in (
        ("view_to_cart", "cart_add", "product_view"),
        ("cart_to_checkout", "checkout_start", "cart_add"),
        ("checkout_to_order", "order", "checkout_start"),
        ("view_to_order", "order", "product_view"),
        ("cart_remove_ratio", "cart_remove", "cart_add"),
        ("list_to_view", "product_view", "list_view"),
        ("search_to_view", "product_view", "search"),
        ("promotion_click_rate", "promotion_click", "promotion_view"),
        ("offer_click_rate", "offer_clicked", "offer_shown"),
        ("offer_dismiss_rate", "offer_dismissed", "offer_shown"),
        ("email_click_rate", "email_clicked", "email_opened"),
    ):
        out[name] = over(counts[above], counts[below])
    out["session_view_to_cart"] = over(here["cart_add"], here["product_view"])
    out["session_cart_remove_ratio"] = over(here["cart_remove"], here["cart_add"])
    _session_features(r, here, out)
    _price_and_dwell_features(r, counts["product_view"], out)
    _habit_features(r, t, out)
    _money_features(r, counts["order"], out)
    for name, bit in (
        ("is_known", KNOWN),
        ("is_paying", PAYING),
        ("is_shared_device", SHARED),
        ("is_bot", BOT),
        ("is_aliased", ALIASED),
        ("session_is_ended", ENDED),
    ):
        out[name] = bool(r["states"] & bit)
    out["is_returning"] = r["session_number"] > 1
    out["late_share"] = over(r["late_n"], r["n_events"])
    out["events_n"] = r["n_events"]
    out["last_kind"] = r["last_kind"]
    out["kind_before"] = r["kind_before"]
    out["recent_products_n"] = sum(key != 0 for key in r["recent_products"])
    out["recent_categories_n"] = sum(key != 0 for key in r["recent_categories"])
    out["repeat_views_n"] = r["repeat_views"]
    out["repeat_share"] = over(r["repeat_views"], counts["product_view"])
    out["scroll_mean_pct"] = over(r["scroll_sum"], r["scroll_n"])
    _shared_features(r, products or {}, categories or {}, out)
    return out


def _shared_features(r: Record, products: Known, categories: Known, out: dict[str, float]) -> None:
    def lifts(keys: list[int], known: Known) -> list[tuple[float, float, float]]:
        return [known.get(key, (1.0, 1.0, 1.0)) for key in keys if key]

    seen = lifts(r["recent_products"], products)
    carried = [products.get(key, (1.0, 1.0, 1.0)) for key in r["cart_products"][: r["n_cart"]]]
    kinds = lifts(r["recent_categories"], categories)
    for name, those in (("last_product", seen), ("last_category", kinds)):
        view, cart, order = those[0] if those else (NAN, NAN, NAN)
        out[f"{name}_view_lift"], out[f"{name}_cart_lift"], out[f"{name}_order_lift"] = view, cart, order
    out["recent_products_order_lift_max"] = max((order for _, _, order in seen), default=NAN)
    out["recent_products_order_lift_mean"] = over(sum(order for _, _, order in seen), len(seen))
    out["recent_products_cart_lift_mean"] = over(sum(cart for _, cart, _ in seen), len(seen))
    out["cart_order_lift_mean"] = over(sum(order for _, _, order in carried), len(carried))
    out["cart_order_lift_max"] = max((order for _, _, order in carried), default=NAN)
    out["recent_categories_order_lift_max"] = max((order for _, _, order in kinds), default=NAN)


def _session_features(r: Record, here: dict[str, int], out: dict[str, float]) -> None:
    n, length_s = r["session_n_events"], (r["session_last"] - r["session_start"]) / 1000.0
    out["session_number"] = r["session_number"]
    out["session_events_n"] = n
    out["session_length_s"] = length_s
    out["session_dwell_s"] = r["session_dwell_s"]
    out["session_dwell_per_event_s"] = over(r["session_dwell_s"], n)
    out["session_events_per_min"] = n / (max(length_s, 1.0) / 60.0)
    out["session_revenue"] = r["session_revenue"]
    out["session_scroll_max_pct"] = r["session_scroll"]
    out["session_price_mean"] = over(r["session_price_sum"], r["session_n_prices"])
    out["session_price_min"] = r["session_price_min"] if r["session_n_prices"] else NAN
    out["session_price_max"] = r["session_price_max"] if r["session_n_prices"] else NAN
    out["session_percentile_mean"] = over(r["session_percentile_sum"], r["session_n_percentiles"])
    out["session_discounted_share"] = over(r["session_n_discounted"], here["product_view"])
    out["session_products_n"] = r["session_n_products"]
    out["session_repeat_n"] = r["session_n_repeat"]
    out["session_repeat_share"] = over(r["session_n_repeat"], here["product_view"])
    out["session_moves_n"] = r["session_n_moves"]
    out["session_cart_max"] = r["session_cart_max"]
    out["session_gap_before_h"] = r["session_gap_last"] / 3600.0 if r["session_number"] > 1 else NAN
    out["session_page_share"] = over(here["page_view"] + here["list_view"] + here["product_view"], n)


def _price_and_dwell_features(r: Record, n_views: int, out: dict[str, float]) -> None:
    n = r["price_n"]
    mean = over(r["price_sum"], n)
    out["price_views_n"] = n
    out["price_mean"] = mean
    out["price_std"] = math.sqrt(max(r["price_sq"] / n - mean**2, 0.0)) if n else NAN
    for name in ("price_min", "price_max", "price_last"):
        out[name] = r[name] if n else NAN
    out["price_last_to_mean"] = r["price_last"] / mean if n else NAN
    out["price_session_to_mean"] = out["session_price_mean"] / mean
    out["percentile_mean"] = over(r["percentile_sum"], r["percentile_n"])
    out["bought_percentile_mean"] = over(r["bought_percentile_sum"], r["bought_percentile_n"])
    out["discounted_share"] = over(r["discounted_n"], n_views)
    out["dwell_total_s"] = r["dwell_s"]
    out["dwell_per_event_s"] = over(r["dwell_s"], r["n_events"])
    out["engaged_total_s"] = r["engaged_s"]
    out["session_engaged_s"] = r["session_engaged_s"]
    out["engaged_share"] = over(r["engaged_s"], r["dwell_s"])
    out["dwell_per_session_s"] = over(r["dwell_s"], r["session_number"])
    slots = {k: (d, v) for k, d, v in zip(r["section_keys"], r["section_dwell"], r["section_views"], strict=True) if k}
    total = sum(dwell for dwell, _ in slots.values())
    by_size = [*sorted((dwell for dwell, _ in slots.values()), reverse=True), 0.0, 0.0]
    shares = [dwell / total for dwell, _ in slots.values() if dwell > 0]
    out["sections_n"] = len(slots)
    out["section_top1_share"] = over(by_size[0], total)
    out["section_top2_share"] = over(by_size[1], total)
    out["section_entropy"] = -sum(share * math.log2(share) for share in shares)
    dwell_now, views_now = slots.get(r["section_now"], (0.0, 0.0))
    out["section_now_share"] = over(dwell_now, total)
    out["section_now_views"] = views_now


def _habit_features(r: Record, t: int, out: dict[str, float]) -> None:
    n = r["gap_n"]
    log_mean = over(r["gap_log_sum"], n)
    out["gap_mean_s"] = math.exp(log_mean) - 1.0 if n else NAN
    out["gap_log_std"] = math.sqrt(max(r["gap_log_sq"] / n - log_mean**2, 0.0)) if n else NAN
    n = r["session_gap_n"]
    mean = over(r["session_gap_sum"], n)
    out["session_gap_mean_d"] = mean / 86_400
    out["session_gap_std_d"] = math.sqrt(max(r["session_gap_sq"] / n - mean**2, 0.0)) / 86_400 if n else NAN
    out["session_gap_min_h"] = r["session_gap_min"] / 3600 if n else NAN
    out["session_gap_max_d"] = r["session_gap_max"] / 86_400 if n else NAN
    past = max(r["session_number"] - 1, 0)
    out["past_sessions_n"] = past
    for name, above in (
        ("past_events_per_session", "past_events"),
        ("past_pages_per_session", "past_pages"),
        ("past_dwell_per_session_s", "past_dwell_s"),
        ("past_length_per_session_s", "past_length_s"),
        ("past_bounce_rate", "past_bounced"),
        ("past_cart_rate", "past_with_cart"),
        ("past_checkout_rate", "past_with_checkout"),
        ("past_order_rate", "past_with_order"),
    ):
        out[name] = over(r[above], past)
    out["past_abandon_rate"] = over(r["past_abandoned"], r["past_with_cart"])
    today = r["day_last"] + max(t - r["last_seen"], 0) // 86_400_000

    def in_days(name: str, n_days: int) -> list[int]:
        kept = range(r["day_last"] - N_DAYS + 1, r["day_last"] + 1)
        return [r[name][day % N_DAYS] for day in kept if today - n_days < day <= today]

    for n_days in (1, 7, 30):
        out[f"events_{n_days}d_n"] = sum(in_days("day_events", n_days))
        out[f"sessions_{n_days}d_n"] = sum(in_days("day_sessions", n_days))
        if n_days > 1:
            out[f"active_days_{n_days}d_n"] = sum(n > 0 for n in in_days("day_events", n_days))
    out["events_per_active_day"] = over(out["events_30d_n"], out["active_days_30d_n"])
    out["events_7d_to_30d"] = over(out["events_7d_n"], out["events_30d_n"])
    for k in range(6):
        out[f"hours_{4 * k:02}_{4 * k + 4:02}_share"] = over(sum(r["hours"][4 * k : 4 * k + 4]), sum(r["hours"]))
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for name, n in zip(names, r["weekdays"], strict=True):
        out[f"{name}_share"] = over(n, sum(r["weekdays"]))
    for channel in Channel:
        out[f"channel_{channel.name.lower()}_share"] = over(r["channel_sessions"][channel], sum(r["channel_sessions"]))
    out["session_channel"] = r["session_channel"]
    out["first_channel"] = r["first_channel"]
    out["channels_n"] = sum(n > 0 for n in r["channel_sessions"])
    out["has_campaign"] = r["campaign"] != 0
    out["has_keyword"] = r["keyword"] != 0
    for name in ("device", "os", "browser"):
        out[name] = r[name]
    out["mobile_share"] = over(r["device_sessions"][Device.MOBILE], sum(r["device_sessions"]))
    out["devices_n"] = sum(n > 0 for n in r["device_sessions"])


def _money_features(r: Record, n_orders: int, out: dict[str, float]) -> None:
    lines = list(zip(r["cart_prices"], r["cart_quantities"], strict=True))[: r["n_cart"]]
    items = sum(quantity for _, quantity in lines) + r["cart_rest_n"]
    value = sum(price * quantity for price, quantity in lines) + r["cart_rest_value"]
    order_mean = over(r["revenue"], n_orders)
    out["cart_lines_n"] = r["n_cart"]
    out["cart_items_n"] = items
    out["cart_value"] = value
    out["cart_price_mean"] = over(value, items)
    out["cart_price_max"] = max((price for price, _ in lines), default=0.0)
    out["cart_to_order_mean"] = over(value, order_mean)
    out["revenue"] = r["revenue"]
    out["revenue_net"] = r["revenue"] - r["refunded"]
    out["order_mean"] = order_mean
    out["order_max"] = r["order_max"]
    out["order_last"] = r["order_last"]
    out["items_per_order"] = over(r["items_bought"], n_orders)
    out["orders_per_session"] = over(n_orders, r["session_number"])
    days = (r["last_order"] - r["first_order"]) / 86_400_000
    out["order_gap_mean_d"] = days / (n_orders - 1) if n_orders > 1 else NAN
    out["refund_share"] = over(r["refunded"], r["revenue"])
    out["store_orders_n"] = r["store_orders"]
    out["store_revenue_share"] = over(r["store_revenue"], r["revenue"])


# -- identities ----------------------------------------------------------------------------------------------------


class People:
    """Who is who, by the rules of :mod:`footfall.record.admit`: ids, visitors and who owns them, as sets."""

    def __init__(self, splits: set[frozenset[int]] | None = None) -> None:
        self.rows: list[dict[str, Any]] = []  # every visitor ever: {"owner", "into", "is_shared"}
        self.ids: dict[int, int | None] = {}  # id -> row; None: a shared device that has no visitor of its own yet
        self.shared: set[int] = set()
        self.messages: set[int] = set()
        self.orders: set[int] = set()
        self.splits = splits or set()
        self.merges: list[tuple[int, int, int]] = []  # (number of the event, winner, loser)
        self.aliased: set[int] = set()  # numbers of events that joined two user ids
        self.n_events = 0

    def row_of(self, key: int) -> int | None:
        """The visitor an id leads to, through all merges."""
        row = self.ids.get(key)
        while row is not None and self.rows[row]["into"] is not None:
            row = self.rows[row]["into"]
        return row

    def _new(self) -> int:
        self.rows.append({"owner": 0, "into": None, "is_shared": False})
        return len(self.rows) - 1

    def _merge(self, winner: int, loser: int) -> None:
        self.rows[loser]["into"] = winner
        self.rows[winner]["owner"] = self.rows[winner]["owner"] or self.rows[loser]["owner"]
        self.merges.append((self.n_events, winner, loser))

    def _may_join(self, a: int, b: int) -> bool:
        return frozenset((a, b)) not in self.splits

    def see(self, e: Event) -> tuple[str, int | None]:
        """Status and visitor of one event."""
        try:
            return self._see(e)
        finally:
            self.n_events += 1

    def _see(self, e: Event) -> tuple[str, int | None]:
        message, order = e["message_key"], e["order_key"]
        is_duplicate = (message and message in self.messages) or (order and order in self.orders)
        if message:
            self.messages.add(message)
        if is_duplicate:
            return "duplicate", self.row_of(e["user_key"] or e["anonymous_key"])
        if order:
            self.orders.add(order)
        a, u = e["anonymous_key"], e["user_key"]
        row = self._with_user(a, u) if u else self._alone(a)
        if e["is_alias"] and (u or a not in self.shared):
            row = self._alias(e, u or a, row)
        return "applied", row

    def _alone(self, a: int) -> int:
        row = self.row_of(a)
        if row is None:
            row = self.ids[a] = self._new()
            self.rows[row]["is_shared"] = a in self.shared
        return row

    def _with_user(self, a: int, u: int) -> int:
        device = self.row_of(a) if a else None
        user = self.row_of(u)
        is_free = bool(a) and a not in self.shared and self._may_join(a, u)
        if user is None:
            takes_over = device is not None and is_free and not self.rows[device]["owner"]
            user = device if takes_over and device is not None else self._new()
            self.ids[u] = user
        elif device is not None and device != user and is_free and not self.rows[device]["owner"]:
            self._merge(user, device)
            device = user
        self.rows[user]["owner"] = self.rows[user]["owner"] or u
        if a and a not in self.ids:
            if self._may_join(a, u):
                self.ids[a] = user
            else:
                self.ids[a] = None
                self.shared.add(a)
        elif a and device is not None and device != user and a not in self.shared:
            self.shared.add(a)
            if self.rows[device]["owner"]:
                self.ids[a] = None
        return user

    def _alias(self, e: Event, me: int, row: int) -> int:
        as_user = e["previous_key"] if self._may_join(e["previous_key"], me) else 0
        as_device = e["previous_anonymous_key"] if self._may_join(e["previous_anonymous_key"], me) else 0
        if me in (as_user, as_device):
            return row
        owner = self.rows[row]["owner"]
        if as_device in self.ids:
            if as_device in self.shared:
                return row
            other = self.row_of(as_device)
            assert other is not None
            if other != row and owner and self.rows[other]["owner"]:
                self.shared.add(as_device)
                self.ids[as_device] = None
                return row
        elif as_user in self.ids:
            other = self.row_of(as_user)
            if owner:
                self.aliased.add(self.n_events)
        else:
            for key in (as_user, as_device):
                if key:
                    self.ids[key] = row
            return row
        if other is None or other == row:
            return row
        winner, loser = (other, row) if not owner and self.rows[other]["owner"] else (row, other)
        self._merge(winner, loser)
        return winner
