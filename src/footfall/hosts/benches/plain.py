"""What would the same features cost in plain Python, hosted by Bytewax? The peer of the engine's benchmark.

:class:`Visitor` is a profile as one would write it by hand: slots, lists and short dicts, one pass an event, and
:meth:`Visitor.features` gives the catalogue's numbers in its order (a test compares them with the engine's). Bytewax
decodes with the same msgspec structs, keys the events by anonymous id and calls it in ``stateful_batch``. What an event
says (kind, section, channel, device, place in time) is looked up by the same functions as in the engine, each behind a
dictionary. It is spared what the engine does besides: duplicates, identities and merges, names, shared facts' fences.
"""

import math
from datetime import datetime
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from footfall.base.codes import Channel, Device, Flag
from footfall.base.kinds import N_KINDS, Kind
from footfall.events import channel as channels
from footfall.events import device, geo, names
from footfall.events.money import amount
from footfall.events.section import Sections
from footfall.events.wire import Event, Product
from footfall.hosts.benches.measuring import Sample, Timed
from footfall.record.layout import DECAY_KINDS, HALF_LIVES_S, N_CHANNELS, N_DEVICES, PASSIVE_KINDS
from footfall.settings import Settings

MISSING = "Bytewax isn't installed, so it wasn't measured: pip install bytewax==0.21.1 (Python below 3.13)."
_HALF_MS = tuple(1000.0 * half for half in HALF_LIVES_S)
_DECAYED = {int(kind): slot for slot, kind in enumerate(DECAY_KINDS)}
_DECAY_KINDS = tuple(map(int, DECAY_KINDS))
_COUNTED = tuple(int(kind) for kind in Kind if kind != Kind.SESSION_END)
_PASSIVE = tuple(map(int, PASSIVE_KINDS))
_SCROLL, _ENGAGEMENT = int(Kind.SCROLL), int(Kind.ENGAGEMENT)
_PAGE_VIEW, _LIST_VIEW, _PRODUCT_VIEW = int(Kind.PAGE_VIEW), int(Kind.LIST_VIEW), int(Kind.PRODUCT_VIEW)
_SEARCH, _CART_ADD, _CART_REMOVE = int(Kind.SEARCH), int(Kind.CART_ADD), int(Kind.CART_REMOVE)
_CART_VIEW, _CHECKOUT, _ORDER = int(Kind.CART_VIEW), int(Kind.CHECKOUT_START), int(Kind.ORDER)
_FUNNEL = (
    (_CART_ADD, _PRODUCT_VIEW), (_CHECKOUT, _CART_ADD), (_ORDER, _CHECKOUT), (_ORDER, _PRODUCT_VIEW),
    (_CART_REMOVE, _CART_ADD), (_PRODUCT_VIEW, _LIST_VIEW), (_PRODUCT_VIEW, _SEARCH),
    (int(Kind.PROMOTION_CLICK), int(Kind.PROMOTION_VIEW)), (int(Kind.OFFER_CLICKED), int(Kind.OFFER_SHOWN)),
    (int(Kind.OFFER_DISMISSED), int(Kind.OFFER_SHOWN)), (int(Kind.EMAIL_CLICKED), int(Kind.EMAIL_OPENED)),
)  # fmt: skip
_VIEWS = frozenset({_PAGE_VIEW, _LIST_VIEW, _PRODUCT_VIEW})
_GUESSED, _NAMED = int(Flag.SECTION_GUESSED), int(Flag.PAGE_NAMED)
_NAN = math.nan
_DAY_MS = 86_400_000
_DIRECT = int(Channel.DIRECT)
_MOBILE = int(Device.MOBILE)
_QUARTER_MS = 900_000
_N_SECTIONS, _N_PRODUCTS, _N_CATEGORIES, _N_CART, _N_DAYS = 6, 8, 4, 12, 30

kind_of = lru_cache(4096)(names.kind_of)
device_of = lru_cache(65_536)(device.device_of)
offset_of = lru_cache(65_536)(geo.utc_offset_min)
arrival_of = lru_cache(65_536)(channels.arrival)


@cache
def _sections() -> Sections:
    return Sections(())


@lru_cache(65_536)
def section_of(path: str, category: str) -> tuple[str, int]:
    """Section of a page, and how it is known."""
    return _sections().found(path, category) if path or category else ("", 0)


class Visitor:
    """One visitor's profile in plain Python."""

    __slots__ = (
        "campaign", "cart", "cart_changed", "channel_sessions", "counts", "day_events", "day_last", "day_sessions",
        "decayed", "decayed_at", "decayed_dwell", "decayed_revenue", "device", "device_sessions", "discounted_n",
        "dwell_s", "engaged_s", "first_channel", "first_order", "first_seen", "gap_log_sq", "gap_log_sum", "gap_n",
        "hours", "is_ended", "is_known", "is_paying", "items_bought", "keyword", "kind_before", "last_kind",
        "last_order", "last_s", "last_seen", "n_events", "order_last", "order_max", "page_now", "past", "price_last",
        "price_max", "price_min", "price_n", "price_sq", "price_sum", "recent_categories", "recent_products",
        "repeat_views", "revenue", "scroll_n", "scroll_sum", "section_dwell", "section_now", "section_views",
        "session_cart_max", "session_channel", "session_counts", "session_dwell_s", "session_engaged_s",
        "session_gap_last", "session_gap_max", "session_gap_min", "session_gap_n", "session_gap_sq", "session_gap_sum",
        "session_last", "session_moves", "session_n", "session_number", "session_price", "session_products",
        "session_repeat", "session_revenue", "session_scroll", "session_start", "weekdays",
    )  # fmt: skip

    def __init__(self) -> None:
        self.n_events = self.session_number = self.session_n = self.repeat_views = self.discounted_n = 0
        self.first_seen = self.last_seen = self.session_start = self.session_last = self.decayed_at = 0
        self.cart_changed = self.first_order = self.last_order = self.day_last = 0
        self.counts = [0] * N_KINDS
        self.session_counts = [0] * N_KINDS
        self.last_s = [0] * len(_DECAYED)
        self.decayed = [[0.0] * len(_HALF_MS) for _ in _DECAYED]
        self.decayed_dwell = [0.0] * len(_HALF_MS)
        self.decayed_revenue = [0.0] * len(_HALF_MS)
        self.day_events: dict[int, int] = {}
        self.day_sessions: dict[int, int] = {}
        self.hours = [0] * 24
        self.weekdays = [0] * 7
        self.channel_sessions = [0] * N_CHANNELS
        self.device_sessions = [0] * N_DEVICES
        self.device = (0, 0, 0)
        self.section_dwell: dict[str, float] = {}
        self.section_views: dict[str, int] = {}
        self.section_now = self.page_now = ""
        self.recent_products: list[str] = []
        self.recent_categories: list[str] = []
        self.cart: dict[str, tuple[float, float]] = {}
        self.engaged_s = self.session_engaged_s = self.dwell_s = self.gap_log_sum = self.gap_log_sq = 0.0
        self.gap_n = self.session_gap_n = self.price_n = self.scroll_n = 0
        self.session_gap_last = self.session_gap_min = self.session_gap_max = 0.0
        self.session_gap_sum = self.session_gap_sq = 0.0
        self.price_sum = self.price_sq = self.price_min = self.price_max = self.price_last = 0.0
        self.revenue = self.order_max = self.order_last = self.items_bought = self.scroll_sum = 0.0
        self.past = [0.0] * 9
        self.session_dwell_s = self.session_revenue = self.session_scroll = self.session_cart_max = 0.0
        self.session_price = [0.0, 0.0, 0.0, 0.0]
        self.session_products = self.session_repeat = self.session_moves = 0
        self.session_channel = self.first_channel = self.last_kind = self.kind_before = 0
        self.campaign = self.keyword = ""
        self.is_known = self.is_paying = self.is_ended = False

    def update(self, event: Event, received_ms: int, timeout_ms: int, dwell_cap_s: float) -> None:
        """Move the profile by one event."""
        t = min(_time_ms(event.timestamp), received_ms) if event.timestamp else received_ms
        kind = int(kind_of(event.type, event.event))
        context, properties = event.context, event.properties
        page = context.page if context else None
        path = str(page.path or "") if page else ""
        category = str(properties.category or "") if properties else ""
        section, known = section_of(path, category)
        zone = str(context.timezone or "") if context else ""
        local = t + offset_of(zone, t // _QUARTER_MS * _QUARTER_MS) * 60_000
        day = local // _DAY_MS
        # lifetime
        if self.n_events == 0:
            self.first_seen = self.last_seen = self.decayed_at = t
            self.day_last = day
        is_latest = t >= self.last_seen
        self.first_seen = min(self.first_seen, t)
        self.last_seen = max(self.last_seen, t)
        self.n_events += 1
        self.counts[kind] += 1
        if event.userId:
            self.is_known = True
        self.hours[local % _DAY_MS // 3_600_000] += 1
        self.weekdays[(day + 3) % 7] += 1
        if day > self.day_last:
            self.day_last = day
            self.day_events = {d: n for d, n in self.day_events.items() if day - d < _N_DAYS}
            self.day_sessions = {d: n for d, n in self.day_sessions.items() if day - d < _N_DAYS}
        self.day_events[day] = self.day_events.get(day, 0) + 1
        if t > self.decayed_at:
            self._decay_to(t)
        weights = (
            [1.0] * len(_HALF_MS) if t == self.decayed_at else [2.0 ** ((t - self.decayed_at) / h) for h in _HALF_MS]
        )
        slot = _DECAYED.get(kind, -1)
        if slot >= 0:
            row = self.decayed[slot]
            for h, weight in enumerate(weights):
                row[h] += weight
            self.last_s[slot] = max(self.last_s[slot], t // 1000)
        # place, session and dwell
        is_here = kind != _PAGE_VIEW and path != "" and path == self.page_now
        if known == _GUESSED and is_here:
            section = self.section_now or section
        elif known == _GUESSED and kind not in _VIEWS and t < self.session_last:
            section = ""
        arrival = _arrival(event)
        in_session = False
        if self.session_number:
            in_session = self.session_start - timeout_ms <= t <= self.session_last + timeout_ms
        machine = device_of(context.userAgent) if context and context.userAgent else (0, 0, 0)
        if not in_session and (not self.session_number or t > self.session_last):
            self._begin_session(t, day, section, machine[0], _DIRECT if arrival is None else int(arrival.channel))
            in_session = True
        elif in_session:
            self.is_ended = False
            self._go_on(t, weights, dwell_cap_s)
            if arrival is not None and self.session_channel == _DIRECT and int(arrival.channel) != _DIRECT:
                self.channel_sessions[_DIRECT] -= min(1, self.channel_sessions[_DIRECT])
                self.session_channel = int(arrival.channel)
                self.channel_sessions[self.session_channel] += 1
                if self.session_number == 1:
                    self.first_channel = self.session_channel
        if in_session:
            self.session_n += 1
            self.session_counts[kind] += 1
        is_now = in_session and t >= self.session_last
        names_page = kind == _PRODUCT_VIEW and known == _NAMED and is_here and self.last_kind == _PAGE_VIEW
        if names_page and is_now:
            self._name_page(section)
        if section:
            self._in_section(section, 0.0, 1)
            moves = kind in _VIEWS or not is_here or not self.section_now
            if is_now and moves:
                if self.section_now and self.section_now != section:
                    self.session_moves += 1
                self.section_now = section
        if path and (is_latest or not self.page_now):
            self.page_now = path
        if arrival is not None:
            self.campaign = arrival.campaign or self.campaign
            self.keyword = arrival.keyword or self.keyword
        if machine[0] and is_latest:
            self.device = (int(machine[0]), int(machine[1]), int(machine[2]))
        self.kind_before, self.last_kind = self.last_kind, kind
        # what the kind means
        if properties is None:
            return
        if kind == _PRODUCT_VIEW:
            self._view(str(properties.product_id or ""), category, amount(properties.price), in_session)
        elif kind == _CART_ADD:
            self._put(str(properties.product_id or ""), amount(properties.price), _quantity(properties.quantity))
        elif kind == _CART_REMOVE:
            self._take(str(properties.product_id or ""), _quantity(properties.quantity))
        elif kind in {_CART_VIEW, _CHECKOUT} and properties.products and t >= self.cart_changed:
            self.cart.clear()
            for line in properties.products:
                self._put(str(line.product_id or ""), amount(line.price), _quantity(line.quantity))
        elif kind == _ORDER:
            self._order(t, weights, amount(properties.revenue), properties.products or [], in_session)
        elif kind == _SCROLL:
            self.scroll_n += 1
            self.scroll_sum += amount(properties.percent)
            if in_session:
                self.session_scroll = max(self.session_scroll, amount(properties.percent))
            return
        elif kind == _ENGAGEMENT:
            self.engaged_s += amount(properties.engaged_ms) / 1000
            if in_session:
                self.session_engaged_s += amount(properties.engaged_ms) / 1000
            return
        else:
            return
        if kind in {_CART_ADD, _CART_REMOVE, _ORDER} or kind in {_CART_VIEW, _CHECKOUT}:
            self.cart_changed = max(self.cart_changed, t)
            if in_session and kind != _ORDER:
                self.session_cart_max = max(self.session_cart_max, self._cart_value())

    def _decay_to(self, t: int) -> None:
        factors = [2.0 ** ((self.decayed_at - t) / half) for half in _HALF_MS]
        for row in (*self.decayed, self.decayed_dwell, self.decayed_revenue):
            for h, factor in enumerate(factors):
                row[h] *= factor
        self.decayed_at = t

    def _begin_session(self, t: int, day: int, section: str, device_class: int, channel: int) -> None:
        if self.session_number:
            self._fold_session()
            gap_s = (t - self.session_last) / 1000
            self.session_gap_min = gap_s if not self.session_gap_n else min(self.session_gap_min, gap_s)
            self.session_gap_max = max(self.session_gap_max, gap_s)
            self.session_gap_last = gap_s
            self.session_gap_sum += gap_s
            self.session_gap_sq += gap_s * gap_s
            self.session_gap_n += 1
        else:
            self.first_channel = channel
        self.session_number += 1
        self.session_start = self.session_last = t
        self.session_channel = channel
        self.section_now = section
        self.session_counts = [0] * N_KINDS
        self.session_n = self.session_products = self.session_repeat = self.session_moves = 0
        self.session_dwell_s = self.session_revenue = self.session_scroll = self.session_engaged_s = 0.0
        self.session_price = [0.0, 0.0, 0.0, 0.0]
        self.session_cart_max = self._cart_value()
        self.is_ended = False
        self.channel_sessions[channel] += 1
        self.device_sessions[device_class] += 1
        self.day_sessions[day] = self.day_sessions.get(day, 0) + 1

    def _fold_session(self) -> None:
        counts, past = self.session_counts, self.past
        past[0] += self.session_n
        past[1] += counts[_PAGE_VIEW] + counts[_LIST_VIEW] + counts[_PRODUCT_VIEW]
        past[2] += self.session_dwell_s
        past[3] += (self.session_last - self.session_start) / 1000
        past[4] += self.session_n - sum(counts[kind] for kind in _PASSIVE) <= 1
        past[5] += counts[_CART_ADD] > 0
        past[6] += counts[_CHECKOUT] > 0
        past[7] += counts[_ORDER] > 0
        past[8] += counts[_CART_ADD] > 0 and counts[_ORDER] == 0

    def _go_on(self, t: int, weights: list[float], dwell_cap_s: float) -> None:
        if t < self.session_last:
            self.session_start = min(self.session_start, t)
            return
        gap_s = (t - self.session_last) / 1000
        ln = math.log1p(gap_s)
        self.gap_n += 1
        self.gap_log_sum += ln
        self.gap_log_sq += ln * ln
        dwell_s = min(gap_s, dwell_cap_s) if self.last_kind != _ENGAGEMENT else 0.0
        if dwell_s > 0:
            self.dwell_s += dwell_s
            self.session_dwell_s += dwell_s
            for h, weight in enumerate(weights):
                self.decayed_dwell[h] += dwell_s * weight
            if self.section_now:
                self._in_section(self.section_now, dwell_s, 0)
        self.session_last = t

    def _in_section(self, section: str, dwell_s: float, n_views: int) -> None:
        dwell, views = self.section_dwell, self.section_views
        if section not in dwell:
            if len(dwell) == _N_SECTIONS:
                if not n_views:
                    return
                least = min(dwell, key=lambda name: (dwell[name], views[name]))
                del dwell[least], views[least]
            dwell[section], views[section] = 0.0, 0
        dwell[section] += dwell_s
        views[section] += n_views

    def _name_page(self, section: str) -> None:
        dwell, views, guessed = self.section_dwell, self.section_views, self.section_now
        if not guessed or guessed == section:
            return
        if guessed in dwell:
            moved_s = 0.0
            views[guessed] -= 1
            if not views[guessed]:
                moved_s = dwell.pop(guessed)
                del views[guessed]
            self._in_section(section, moved_s, 1)
        self.section_now = section

    def _view(self, product: str, category: str, price: float, in_session: bool) -> None:
        is_repeat = product in self.recent_products
        if product:
            if is_repeat:
                self.recent_products.remove(product)
                self.repeat_views += 1
            self.recent_products.insert(0, product)
            del self.recent_products[_N_PRODUCTS:]
        if category:
            if category in self.recent_categories:
                self.recent_categories.remove(category)
            self.recent_categories.insert(0, category)
            del self.recent_categories[_N_CATEGORIES:]
        if in_session:
            self.session_repeat += is_repeat
            self.session_products += not is_repeat and product != ""
        if not price > 0:
            return
        self.price_min = price if not self.price_n else min(self.price_min, price)
        self.price_max = max(self.price_max, price)
        self.price_n += 1
        self.price_sum += price
        self.price_sq += price * price
        self.price_last = price
        if in_session:
            n, total, low, high = self.session_price
            self.session_price = [n + 1, total + price, price if not n else min(low, price), max(high, price)]

    def _put(self, product: str, price: float, quantity: float) -> None:
        before = self.cart.get(product)
        price = 0.0 if math.isnan(price) else price
        if before is not None:
            self.cart[product] = (price or before[0], before[1] + quantity)
        elif len(self.cart) < _N_CART:
            self.cart[product] = (price, quantity)

    def _take(self, product: str, quantity: float) -> None:
        before = self.cart.pop(product, None)
        if before is not None and before[1] - quantity > 1e-6:
            self.cart[product] = (before[0], before[1] - quantity)

    def _cart_value(self) -> float:
        return sum([price * quantity for price, quantity in self.cart.values()])

    def _order(self, t: int, weights: list[float], revenue: float, lines: list[Product], in_session: bool) -> None:
        revenue = 0.0 if math.isnan(revenue) else revenue
        self.is_paying = True
        self.revenue += revenue
        self.order_last = revenue
        self.order_max = max(self.order_max, revenue)
        self.first_order = min(self.first_order or t, t)
        self.last_order = max(self.last_order, t)
        for h, weight in enumerate(weights):
            self.decayed_revenue[h] += revenue * weight
        if in_session:
            self.session_revenue += revenue
        n_taken = 0
        for line in lines:
            self.items_bought += _quantity(line.quantity)
            n_taken += self.cart.pop(str(line.product_id or ""), None) is not None
        if not n_taken:
            self.cart.clear()

    def features(self, t: int) -> list[float]:
        """The numbers of the catalogue at a time, in its order."""
        counts, here, n = self.counts, self.session_counts, self.n_events
        factors = [2.0 ** ((self.decayed_at - t) / half) for half in _HALF_MS]
        views = here[_PAGE_VIEW] + here[_LIST_VIEW] + here[_PRODUCT_VIEW]
        length_s = (self.session_last - self.session_start) / 1000
        s_n, s_total, s_min, s_max = self.session_price
        s_mean = _over(s_total, s_n)
        mean = _over(self.price_sum, self.price_n)
        orders, sessions = counts[_ORDER], self.session_number
        out = [
            _since(t, self.last_seen, 1000), _since(t, self.first_seen, _DAY_MS), _since(t, self.session_start, 1000),
            _since(t, self.session_last, 1000), _since(t, self.cart_changed, 1000), _since(t, self.last_order, _DAY_MS),
            _since(t, self.first_order, _DAY_MS),
        ]  # fmt: skip
        out += [_since(t, last * 1000, 3_600_000) for last in self.last_s]
        out += [here[kind] for kind in _COUNTED]
        out += [counts[kind] for kind in _COUNTED]
        for row in (*self.decayed, self.decayed_dwell, self.decayed_revenue):
            out += [value * factor for value, factor in zip(row, factors, strict=True)]
        out += [counts[kind] / n for kind in _DECAY_KINDS]
        out += [_over(counts[a], counts[b]) for a, b in _FUNNEL]
        out += [_over(here[_CART_ADD], here[_PRODUCT_VIEW]), _over(here[_CART_REMOVE], here[_CART_ADD])]
        out += [
            sessions, self.session_n, length_s, self.session_dwell_s, _over(self.session_dwell_s, self.session_n),
            self.session_n / max(length_s, 1.0) * 60, self.session_revenue, self.session_scroll, s_mean,
            s_min if s_n else _NAN, s_max if s_n else _NAN, _NAN, _over(0.0, here[_PRODUCT_VIEW]),
            self.session_products, self.session_repeat, _over(self.session_repeat, here[_PRODUCT_VIEW]),
            self.session_moves, self.session_cart_max, float(self.is_ended),
            self.session_gap_last / 3600 if sessions > 1 else _NAN, _over(views, self.session_n),
        ]  # fmt: skip
        known = self.price_n > 0
        out += [
            self.price_n, mean, math.sqrt(max(self.price_sq / self.price_n - mean * mean, 0.0)) if known else _NAN,
            self.price_min if known else _NAN, self.price_max if known else _NAN, self.price_last if known else _NAN,
            self.price_last / mean if known else _NAN, s_mean / mean if known else _NAN, _NAN, _NAN,
            _over(self.discounted_n, counts[_PRODUCT_VIEW]),
        ]  # fmt: skip
        out += self._dwell_features()
        out += self._gap_features()
        past_n = sessions - 1
        out += [past_n, *(_over(value, past_n) for value in self.past[:8]), _over(self.past[8], self.past[5])]
        out += self._frequency_features(t)
        out += [_over(sum(self.hours[hour : hour + 4]), n) for hour in range(0, 24, 4)]
        out += [_over(value, n) for value in self.weekdays]
        total = sum(self.channel_sessions)
        out += [_over(value, total) for value in self.channel_sessions]
        out += [
            self.session_channel, self.first_channel, sum(value > 0 for value in self.channel_sessions),
            float(self.campaign != ""), float(self.keyword != ""), *self.device,
            _over(self.device_sessions[_MOBILE], sum(self.device_sessions)),
            sum(value > 0 for value in self.device_sessions),
        ]  # fmt: skip
        value, items = self._cart_value(), sum(quantity for _, quantity in self.cart.values())
        out += [
            len(self.cart), items, value, _over(value, items), max((p for p, _ in self.cart.values()), default=0.0),
            _over(value, self.revenue / orders) if orders else _NAN,
            self.revenue, self.revenue, _over(self.revenue, orders), self.order_max, self.order_last,
            _over(self.items_bought, orders), _over(orders, sessions),
            (self.last_order - self.first_order) / _DAY_MS / (orders - 1) if orders > 1 else _NAN,
            _over(0.0, self.revenue), 0, _over(0.0, self.revenue),
            float(self.is_known), float(self.is_paying), float(sessions > 1), 0.0, 0.0, 0.0, 0.0, n, self.last_kind,
            self.kind_before, len(self.recent_products), len(self.recent_categories), self.repeat_views,
            _over(self.repeat_views, counts[_PRODUCT_VIEW]), _over(self.scroll_sum, self.scroll_n),
        ]  # fmt: skip
        # it is spared what shared facts know of products and categories: where there are any, they sell as all do
        for n_things, n_features in (
            (len(self.recent_products), 6),
            (len(self.cart), 2),
            (len(self.recent_categories), 4),
        ):
            out += [1.0 if n_things else _NAN] * n_features
        return out

    def _dwell_features(self) -> list[float]:
        dwell = sorted(self.section_dwell.values(), reverse=True)
        total = sum(dwell)
        shares = [value / total for value in dwell if value > 0] if total > 0 and len(dwell) > 1 else []
        now = self.section_now
        return [
            self.dwell_s, _over(self.dwell_s, self.n_events), _over(self.dwell_s, self.session_number), len(dwell),
            _over(dwell[0] if dwell else 0.0, total), _over(dwell[1] if len(dwell) > 1 else 0.0, total),
            -sum(share * math.log2(share) for share in shares), _over(self.section_dwell.get(now, 0.0), total),
            self.section_views.get(now, 0), self.engaged_s, self.session_engaged_s, _over(self.engaged_s, self.dwell_s),
        ]  # fmt: skip

    def _gap_features(self) -> list[float]:
        out = [_NAN] * 6
        if self.gap_n:
            ln = self.gap_log_sum / self.gap_n
            out[0] = math.exp(ln) - 1
            out[1] = math.sqrt(max(self.gap_log_sq / self.gap_n - ln * ln, 0.0))
        if self.session_gap_n:
            mean_s = self.session_gap_sum / self.session_gap_n
            out[2] = mean_s / 86_400
            out[3] = math.sqrt(max(self.session_gap_sq / self.session_gap_n - mean_s * mean_s, 0.0)) / 86_400
            out[4] = self.session_gap_min / 3600
            out[5] = self.session_gap_max / 86_400
        return out

    def _frequency_features(self, t: int) -> list[float]:
        today = self.day_last + max((t - self.last_seen) // _DAY_MS, 0)
        e1 = e7 = e30 = a7 = a30 = 0
        for day, value in self.day_events.items():
            ago = today - day
            if ago < _N_DAYS:
                e30 += value
                a30 += 1
                if ago < 7:
                    e7 += value
                    a7 += 1
                    if ago < 1:
                        e1 += value
        s1 = s7 = s30 = 0
        for day, value in self.day_sessions.items():
            ago = today - day
            if ago < _N_DAYS:
                s30 += value
                s7 += value if ago < 7 else 0
                s1 += value if ago < 1 else 0
        return [e1, e7, e30, s1, s7, s30, a7, a30, _over(e30, a30), _over(e7, e30)]


def _over(a: float, b: float) -> float:
    return a / b if b else _NAN


def _since(t: int, when_ms: int, unit_ms: int) -> float:
    return (t - when_ms) / unit_ms if when_ms else _NAN


def _quantity(value: Any) -> float:
    return 1.0 if value is None else amount(value)


def _time_ms(text: Any) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000 + 0.5)


def _arrival(event: Event) -> channels.Arrival | None:
    page = event.context.page if event.context else None
    if page is None:
        return None
    url, referrer = str(page.url or ""), str(page.referrer or "")
    if not referrer and "?" not in url:
        return None
    return arrival_of(url, referrer, None)


def bytewax_version() -> str:
    """The installed version, or empty."""
    try:
        return version("bytewax")
    except PackageNotFoundError:
        return ""


def run_bytewax(lines: list[bytes], batch: int, settings: Settings) -> Sample:
    """Run a flow over these events in batches: decode, key by visitor, move profiles, all features of each touched."""
    from bytewax import operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.testing import TestingSink, TestingSource, run_main

    decoder = msgspec.json.Decoder(Event)
    timeout_ms, dwell_cap_s = settings.session_timeout_s * 1000, float(settings.dwell_cap_s)
    bodies = [b"\n".join(lines[start : start + batch]) for start in range(0, len(lines), batch)]

    def decode(body: bytes) -> list[tuple[str, Event]]:
        return [(str(event.anonymousId), event) for event in decoder.decode_lines(body)]

    class Logic(op.StatefulBatchLogic):  # type: ignore[misc]
        def __init__(self, state: Visitor | None) -> None:
            self.visitor = state or Visitor()

        def on_batch(self, events: list[Event]) -> tuple[list[list[float]], bool]:
            for event in events:
                self.visitor.update(event, 1 << 62, timeout_ms, dwell_cap_s)
            return [self.visitor.features(self.visitor.last_seen)], False

        def snapshot(self) -> Visitor:
            return self.visitor

    flow = Dataflow("peer")
    out: list[Any] = []
    stream = op.input("in", flow, TestingSource(bodies, batch_size=1))
    keyed = op.flat_map("decode", stream, decode)
    features = op.stateful_batch("visitors", keyed, Logic)
    last = op.map("only_counts", features, _nothing)
    op.output("out", last, TestingSink(out))
    with Timed() as timed:
        run_main(flow)
    return timed.sample(len(lines))


def _nothing(item: tuple[str, list[float]]) -> int:
    return len(item[1])
