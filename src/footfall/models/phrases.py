# ruff: noqa: E501  (a table of phrases reads better unbroken)
"""In which words do features speak? One phrase a feature, of which the visitor is the subject and left out.

Features that there are for each kind of event are told in the kind's own words (:data:`DEEDS`), all others by name
(:data:`PHRASES`); :mod:`footfall.models.words` fills in the values.
"""

from typing import NamedTuple

from footfall.base.codes import Browser, Channel, Device, Os
from footfall.base.kinds import Kind


class Deed(NamedTuple):
    """What a visitor does, as said of once, of ``{v}`` times, and of all of them."""

    once: str
    often: str
    all_of_them: str


DEEDS = {
    Kind.CUSTOM: Deed("triggered a custom event", "triggered {v} custom events", "custom events"),
    Kind.PAGE_VIEW: Deed("viewed a page", "viewed {v} pages", "page views"),
    Kind.LIST_VIEW: Deed("viewed a product list", "viewed {v} product lists", "views of product lists"),
    Kind.PRODUCT_CLICK: Deed("clicked a product", "clicked {v} products", "clicks on products"),
    Kind.PRODUCT_VIEW: Deed("viewed a product", "viewed {v} products", "product views"),
    Kind.SEARCH: Deed("searched", "searched {v} times", "searches"),
    Kind.CART_ADD: Deed("put something into the cart", "put something into the cart {v} times", "cart additions"),
    Kind.CART_REMOVE: Deed(
        "took something out of the cart", "took something out of the cart {v} times", "cart removals"
    ),
    Kind.CART_VIEW: Deed("looked at the cart", "looked at the cart {v} times", "looks at the cart"),
    Kind.WISHLIST_ADD: Deed(
        "put a product on the wish list", "put {v} products on the wish list", "wish list additions"
    ),
    Kind.CHECKOUT_START: Deed("started the checkout", "started the checkout {v} times", "checkouts"),
    Kind.PAYMENT_INFO: Deed("entered payment details", "entered payment details {v} times", "payment details"),
    Kind.ORDER: Deed("ordered", "ordered {v} times", "orders"),
    Kind.REFUND: Deed("got a refund", "got {v} refunds", "refunds"),
    Kind.PROMOTION_VIEW: Deed("saw a promotion", "saw {v} promotions", "promotions seen"),
    Kind.PROMOTION_CLICK: Deed("clicked a promotion", "clicked {v} promotions", "clicks on promotions"),
    Kind.SIGN_UP: Deed("signed up", "signed up {v} times", "sign-ups"),
    Kind.SIGN_IN: Deed("signed in to an account", "signed in {v} times", "sign-ins"),
    Kind.FORM: Deed("filled in a form", "filled in {v} forms", "forms"),
    Kind.SCROLL: Deed("scrolled", "scrolled {v} times", "scrolls"),
    Kind.CLICK: Deed("clicked something", "clicked {v} times", "clicks"),
    Kind.OFFER_SHOWN: Deed("was shown an offer", "was shown {v} offers", "offers shown"),
    Kind.OFFER_CLICKED: Deed("clicked an offer", "clicked {v} offers", "clicks on offers"),
    Kind.OFFER_DISMISSED: Deed("dismissed an offer", "dismissed {v} offers", "offers dismissed"),
    Kind.EMAIL_OPENED: Deed("opened an e-mail", "opened {v} e-mails", "e-mails opened"),
    Kind.EMAIL_CLICKED: Deed("clicked in an e-mail", "clicked {v} times in e-mails", "clicks in e-mails"),
    Kind.IDENTIFY: Deed("identified themselves", "identified themselves {v} times", "identifications"),
    Kind.HOVER: Deed("hovered over something", "hovered over {v} things", "hovers"),
    Kind.ENGAGEMENT: Deed("was active on a page", "was active on pages {v} times", "spells of activity"),
}
NOT_YET = {
    "took": "taken", "saw": "seen", "was": "been", "got": "got", "put": "put",
}  # fmt: skip
"""Participles of the irregular verbs above; the others are their own."""
HALF_LIVES = {
    "1h": "in the past few hours",
    "1d": "in the past few days",
    "7d": "in the past few weeks",
    "30d": "in the past few months",
}

CHANNELS: dict[int, str] = {
    Channel.DIRECT: "directly", Channel.ORGANIC_SEARCH: "by organic search", Channel.PAID_SEARCH: "by paid search",
    Channel.ORGANIC_SOCIAL: "from social media", Channel.PAID_SOCIAL: "through an ad on social media",
    Channel.EMAIL: "by e-mail", Channel.SMS: "by text message", Channel.DISPLAY: "through a banner ad",
    Channel.AFFILIATE: "through an affiliate", Channel.REFERRAL: "through a link on another site",
    Channel.PUSH: "by push message", Channel.STORE: "from a store", Channel.OTHER: "through another channel",
}  # fmt: skip
DEVICES: dict[int, str] = {
    Device.UNKNOWN: "on an unknown device", Device.DESKTOP: "on a computer", Device.MOBILE: "on a phone",
    Device.TABLET: "on a tablet", Device.TV: "on a TV", Device.BOT: "is a bot", Device.SERVER: "from a server",
}  # fmt: skip
SYSTEMS: dict[int, str] = {
    Os.UNKNOWN: "unknown operating system", Os.WINDOWS: "uses Windows", Os.MACOS: "uses macOS", Os.LINUX: "uses Linux",
    Os.CHROME_OS: "uses ChromeOS", Os.ANDROID: "uses Android", Os.IOS: "uses iOS",
    Os.OTHER: "uses a rare operating system",
}  # fmt: skip
BROWSERS: dict[int, str] = {
    Browser.UNKNOWN: "unknown browser", Browser.CHROME: "uses Chrome", Browser.SAFARI: "uses Safari",
    Browser.FIREFOX: "uses Firefox", Browser.EDGE: "uses Edge", Browser.OPERA: "uses Opera",
    Browser.SAMSUNG: "uses Samsung Internet", Browser.IN_APP: "comes from within an app",
    Browser.OTHER: "uses a rare browser",
}  # fmt: skip


class Phrase(NamedTuple):
    """``{v}`` is the value, ``(s)`` the plural after it, ``{times}`` once, twice, 3 times, ``{nth}`` first, second …,
    ``{compared}`` how often beside the shop's others."""

    says: str
    if_none: str
    """At 0; empty if that needs no words of its own."""
    if_unknown: str


_NO_SESSION_BEFORE = "first session"
_NO_ORDER = "has never ordered"
_NO_VIEW = "has not viewed a product yet"
_NO_EVENT = "nothing is known yet"
_NO_PRICE = "has not viewed a product with a price yet"
_NO_SECTION = "no section of the shop is known yet"
_NO_CATEGORY = "has not viewed a category yet"

PHRASES = {
    # recency
    "since_last_event_s": Phrase("active {v} ago", "active just now", "never active"),
    "since_first_event_d": Phrase("first seen {v} ago", "seen for the first time just now", "never seen before"),
    "since_session_start_s": Phrase("session began {v} ago", "session began just now", "no session yet"),
    "since_session_last_s": Phrase("last active in the session {v} ago", "active in the session just now", "no session yet"),
    "since_cart_change_s": Phrase("cart changed {v} ago", "cart changed just now", "has never used the cart"),
    "since_last_order_d": Phrase("last ordered {v} ago", "ordered just now", "has never ordered before"),
    "since_first_order_d": Phrase("first ordered {v} ago", "ordered for the first time just now", _NO_ORDER),
    # decayed
    **{f"dwell_decayed_{half}_s": Phrase(f"spent about {{v}} {when}", f"spent no time here {when}", "no time spent yet")
       for half, when in HALF_LIVES.items()},
    **{f"revenue_decayed_{half}": Phrase(f"spent about {{v}} {when}", f"spent no money {when}", "no money spent yet")
       for half, when in HALF_LIVES.items()},
    # funnel
    "view_to_cart": Phrase("{v} cart addition(s) per product view", "puts none of the products viewed into the cart", _NO_VIEW),
    "cart_to_checkout": Phrase("{v} checkout(s) per cart addition", "never takes the cart to the checkout", "nothing put into the cart yet"),
    "checkout_to_order": Phrase("{v} order(s) per checkout", "never finishes the checkout", "has not started a checkout yet"),
    "view_to_order": Phrase("{v} order(s) per product view", "has not ordered any of the products viewed", _NO_VIEW),
    "cart_remove_ratio": Phrase("{v} cart removal(s) per cart addition", "keeps what is put into the cart", "nothing put into the cart yet"),
    "list_to_view": Phrase("{v} product view(s) per product list", "views no products from lists", "has not viewed a product list yet"),
    "search_to_view": Phrase("{v} product view(s) per search", "views no products after searching", "has not searched yet"),
    "promotion_click_rate": Phrase("{v} click(s) per promotion seen", "clicks no promotions", "has not seen a promotion yet"),
    "offer_click_rate": Phrase("{v} click(s) per offer shown", "clicks no offers", "has not been shown an offer yet"),
    "offer_dismiss_rate": Phrase("dismisses {v} of offers shown", "dismisses no offers", "has not been shown an offer yet"),
    "email_click_rate": Phrase("{v} click(s) per e-mail opened", "clicks nothing in e-mails", "has not opened an e-mail yet"),
    "session_view_to_cart": Phrase("{v} cart addition(s) per product view in this session", "puts none of the products viewed into the cart in this session", "has not viewed a product in this session"),
    "session_cart_remove_ratio": Phrase("{v} cart removal(s) per cart addition in this session", "keeps what was put into the cart in this session", "nothing put into the cart in this session"),
    # session
    "session_number": Phrase("{nth} session", "no session yet", "no session yet"),
    "session_events_n": Phrase("{v} action(s) in this session", "no action in this session", "no action in this session"),
    "session_length_s": Phrase("session of {v} so far", "session has just begun", "no session yet"),
    "session_dwell_s": Phrase("spent {v} in this session", "spent no time in this session yet", "no time spent yet"),
    "session_dwell_per_event_s": Phrase("spends {v} on each step of this session", "rushes through this session", "no step in this session yet"),
    "session_events_per_min": Phrase("{v} action(s) per minute in this session", "hardly moves in this session", "no action in this session"),
    "session_revenue": Phrase("ordered for {v} in this session", "has not ordered in this session", "has not ordered in this session"),
    "session_scroll_max_pct": Phrase("scrolled down {v} of a page in this session", "has not scrolled in this session", "has not scrolled in this session"),
    "session_price_mean": Phrase("views products of {v} on average in this session", "views free products in this session", "no priced product in this session"),
    "session_price_min": Phrase("cheapest product viewed in this session: {v}", "viewed a free product in this session", "no priced product in this session"),
    "session_price_max": Phrase("most expensive product viewed in this session: {v}", "viewed only free products in this session", "no priced product in this session"),
    "session_percentile_mean": Phrase("views products pricier than {v} of their category in this session", "views the cheapest of each category in this session", "prices of this session can't be compared yet"),
    "session_discounted_share": Phrase("{v} of products viewed in this session are at a reduced price", "views no products at a reduced price in this session", "has not viewed a product in this session"),
    "session_products_n": Phrase("viewed {v} different product(s) in this session", "has viewed no new product in this session", "has not viewed a product in this session"),
    "session_repeat_n": Phrase("viewed the same product again {times} in this session", "has not viewed a product again in this session", "has not viewed a product in this session"),
    "session_repeat_share": Phrase("{v} of product views in this session are repeats", "views no product twice in this session", "has not viewed a product in this session"),
    "session_moves_n": Phrase("changed section {times} in this session", "stayed in one section in this session", "no section in this session"),
    "session_cart_max": Phrase("cart was worth up to {v} in this session", "no cart of any value in this session", "no cart in this session"),
    "session_is_ended": Phrase("session has ended", "session is going on", "no session yet"),
    "session_gap_before_h": Phrase("came back after {v}", "came back at once", _NO_SESSION_BEFORE),
    "session_page_share": Phrase("{v} of actions in this session are views of pages, lists and products", "views nothing in this session", "no action in this session"),
    # price
    "price_views_n": Phrase("viewed {v} product(s) with a price", _NO_PRICE, _NO_PRICE),
    "price_mean": Phrase("views products of {v} on average", "views free products", _NO_PRICE),
    "price_std": Phrase("viewed prices differ by about {v}", "views products at one price", _NO_PRICE),
    "price_min": Phrase("cheapest product viewed: {v}", "viewed a free product", _NO_PRICE),
    "price_max": Phrase("most expensive product viewed: {v}", "viewed only free products", _NO_PRICE),
    "price_last": Phrase("product viewed last costs {v}", "product viewed last is free", _NO_PRICE),
    "price_last_to_mean": Phrase("product viewed last costs {v} times as much as what they usually view", "product viewed last is free", _NO_PRICE),
    "price_session_to_mean": Phrase("views prices {v} times as high as usual in this session", "views free products in this session", "no priced product in this session"),
    "percentile_mean": Phrase("views products pricier than {v} of their category", "views the cheapest of each category", "viewed prices can't be compared yet"),
    "bought_percentile_mean": Phrase("buys products pricier than {v} of their category", "buys the cheapest of each category", "bought nothing that can be compared yet"),
    "discounted_share": Phrase("{v} of products viewed are at a reduced price", "views no products at a reduced price", _NO_VIEW),
    # dwell
    "dwell_total_s": Phrase("spent {v} in the shop so far", "spent no time in the shop yet", "no time spent yet"),
    "dwell_per_event_s": Phrase("spends {v} on each step", "rushes through the shop", _NO_EVENT),
    "dwell_per_session_s": Phrase("spends {v} per session", "spends hardly any time per session", "no session yet"),
    "sections_n": Phrase("visited {v} section(s) of the shop", _NO_SECTION, _NO_SECTION),
    "section_top1_share": Phrase("spends {v} of the time in one section", "has no favourite section", _NO_SECTION),
    "section_top2_share": Phrase("spends {v} of the time in a second section", "has no second section", _NO_SECTION),
    "section_entropy": Phrase("spreads the time over about {v} section(s)", "stays in one section", _NO_SECTION),
    "section_now_share": Phrase("spent {v} of the time in the current section", "new to the current section", _NO_SECTION),
    "section_now_views": Phrase("{v} action(s) in the current section", "no action in the current section", _NO_SECTION),
    "engaged_total_s": Phrase("was active on pages for {v}", "was never active on a page", "activity on pages isn't known"),
    "session_engaged_s": Phrase("was active on pages for {v} in this session", "was not active on a page in this session", "activity on pages isn't known"),
    "engaged_share": Phrase("active for {v} of the time spent", "never active in the time spent", "no time spent yet"),
    # gaps
    "gap_mean_s": Phrase("usually {v} between two steps", "no pause between steps", "only one step so far"),
    "gap_log_std": Phrase("pauses between steps vary by a factor of about {v}", "moves at an even pace", "only one step so far"),
    "session_gap_mean_d": Phrase("usually {v} between sessions", "sessions follow at once", _NO_SESSION_BEFORE),
    "session_gap_std_d": Phrase("time between sessions varies by {v}", "comes at even intervals", _NO_SESSION_BEFORE),
    "session_gap_min_h": Phrase("came back after {v} at the soonest", "came back at once", _NO_SESSION_BEFORE),
    "session_gap_max_d": Phrase("stayed away for up to {v}", "never stayed away", _NO_SESSION_BEFORE),
    # past
    "past_sessions_n": Phrase("{v} session(s) before this one", _NO_SESSION_BEFORE, _NO_SESSION_BEFORE),
    "past_events_per_session": Phrase("{v} action(s) per earlier session", "did nothing in earlier sessions", _NO_SESSION_BEFORE),
    "past_pages_per_session": Phrase("{v} page(s) per earlier session", "viewed no pages in earlier sessions", _NO_SESSION_BEFORE),
    "past_dwell_per_session_s": Phrase("spent {v} per earlier session", "spent no time in earlier sessions", _NO_SESSION_BEFORE),
    "past_length_per_session_s": Phrase("earlier sessions lasted {v} on average", "earlier sessions ended at once", _NO_SESSION_BEFORE),
    "past_bounce_rate": Phrase("left at once in {v} of earlier sessions", "never left at once before", _NO_SESSION_BEFORE),
    "past_cart_rate": Phrase("filled the cart in {v} of earlier sessions", "never filled the cart before", _NO_SESSION_BEFORE),
    "past_checkout_rate": Phrase("went to the checkout in {v} of earlier sessions", "never went to the checkout before", _NO_SESSION_BEFORE),
    "past_order_rate": Phrase("ordered in {v} of earlier sessions", "never ordered in an earlier session", _NO_SESSION_BEFORE),
    "past_abandon_rate": Phrase("left the cart behind in {v} of sessions with one", "never left a cart behind", "no cart in earlier sessions"),
    # frequency
    "events_1d_n": Phrase("{v} action(s) today", "no action today", _NO_EVENT),
    "events_7d_n": Phrase("{v} action(s) in 7 days", "no action in 7 days", _NO_EVENT),
    "events_30d_n": Phrase("{v} action(s) in 30 days", "no action in 30 days", _NO_EVENT),
    "sessions_1d_n": Phrase("{nth} session today", "no session today", "no session yet"),
    "sessions_7d_n": Phrase("{nth} session in 7 days", "no session in 7 days", "no session yet"),
    "sessions_30d_n": Phrase("{nth} session in 30 days", "no session in 30 days", "no session yet"),
    "active_days_7d_n": Phrase("came on {v} of the last 7 days", "did not come in 7 days", _NO_EVENT),
    "active_days_30d_n": Phrase("came on {v} of the last 30 days", "did not come in 30 days", _NO_EVENT),
    "events_per_active_day": Phrase("{v} action(s) on a day with a visit", "no actions on days with a visit", "did not come in 30 days"),
    "events_7d_to_30d": Phrase("{v} of the last 30 days' actions were in the last 7", "was active before, but not in 7 days", "did not come in 30 days"),
    # when
    **{f"hours_{hour:02d}_{hour + 4:02d}_share":
       Phrase(f"{{v}} of actions between {hour}:00 and {hour + 4}:00", f"never comes between {hour}:00 and {hour + 4}:00", _NO_EVENT)
       for hour in range(0, 24, 4)},
    **{f"{day.lower()}_share": Phrase(f"{{v}} of actions on {day}s", f"never comes on {day}s", _NO_EVENT)
       for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")},
    # channel, device
    **{f"channel_{Channel(channel).name.lower()}_share":
       Phrase(f"came {way} in {{v}} of sessions", f"never came {way}", "no session yet")
       for channel, way in CHANNELS.items()},
    "channels_n": Phrase("came through {v} channel(s)", "no channel known", "no channel known"),
    "has_campaign": Phrase("came through a campaign", "never came through a campaign", "no campaign known"),
    "has_keyword": Phrase("came with a known search term", "came without a known search term", "came without a known search term"),
    "mobile_share": Phrase("on a phone in {v} of sessions", "never on a phone", "no session yet"),
    "devices_n": Phrase("uses {v} kind(s) of device", "no device known", "no device known"),
    # cart
    "cart_lines_n": Phrase("{v} different product(s) in the cart", "cart is empty", "cart is empty"),
    "cart_items_n": Phrase("{v} item(s) in the cart", "cart is empty", "cart is empty"),
    "cart_value": Phrase("cart worth {v}", "nothing of value in the cart", "cart is empty"),
    "cart_price_mean": Phrase("items in the cart cost {v} on average", "items in the cart have no price", "cart is empty"),
    "cart_price_max": Phrase("most expensive item in the cart: {v}", "nothing with a price in the cart", "cart is empty"),
    "cart_to_order_mean": Phrase("cart worth {v} times the usual order", "nothing of value in the cart", _NO_ORDER),
    # orders
    "revenue": Phrase("spent {v} so far", "has spent nothing so far", _NO_ORDER),
    "revenue_net": Phrase("spent {v} so far after refunds", "has spent nothing so far after refunds", _NO_ORDER),
    "order_mean": Phrase("orders for {v} on average", "orders worth nothing", _NO_ORDER),
    "order_max": Phrase("largest order: {v}", "has never ordered for money", _NO_ORDER),
    "order_last": Phrase("latest order: {v}", "latest order worth nothing, or none", _NO_ORDER),
    "items_per_order": Phrase("{v} item(s) per order", "orders without known items", _NO_ORDER),
    "orders_per_session": Phrase("{v} order(s) per session", _NO_ORDER, "no session yet"),
    "order_gap_mean_d": Phrase("orders every {v}", "ordered several times at once", "has not ordered twice yet"),
    "refund_share": Phrase("had {v} of the money spent refunded", "never had money refunded", _NO_ORDER),
    "store_orders_n": Phrase("ordered in a store {times}", "has never ordered in a store", "has never ordered in a store"),
    "store_revenue_share": Phrase("{v} of the money spent in stores", "spends nothing in stores", _NO_ORDER),
    # state
    "is_known": Phrase("is known by account or name", "is anonymous", "is anonymous"),
    "is_paying": Phrase("has ordered before", "has never ordered before", "has never ordered before"),
    "is_returning": Phrase("came back", _NO_SESSION_BEFORE, _NO_SESSION_BEFORE),
    "is_shared_device": Phrase("on a device that several people use", "on a device of their own", "on an unknown device"),
    "is_bot": Phrase("is a bot", "is not a bot", "may be a bot"),
    "is_aliased": Phrase("has several accounts that were joined", "has no joined accounts", "has no joined accounts"),
    "late_share": Phrase("{v} of actions arrived late", "all actions arrived on time", _NO_EVENT),
    "events_n": Phrase("{v} action(s) so far", "no action yet", "no action yet"),
    # interest
    "recent_products_n": Phrase("viewed {v} different product(s) lately", _NO_VIEW, _NO_VIEW),
    "recent_categories_n": Phrase("viewed {v} kind(s) of product lately", "viewed no category lately", "viewed no category lately"),
    "repeat_views_n": Phrase("viewed a product again {times}", "has never viewed a product again", "has never viewed a product again"),
    "repeat_share": Phrase("{v} of product views are repeats", "views no product twice", _NO_VIEW),
    "scroll_mean_pct": Phrase("scrolls down {v} of a page on average", "does not scroll down", "has not scrolled yet"),
    # shared
    "last_product_view_lift": Phrase("product viewed last is viewed {compared}", "", _NO_VIEW),
    "last_product_cart_lift": Phrase("product viewed last gets into carts {compared}", "", _NO_VIEW),
    "last_product_order_lift": Phrase("product viewed last is ordered {compared}", "", _NO_VIEW),
    "recent_products_order_lift_max": Phrase("best seller among the products viewed lately is ordered {compared}", "", _NO_VIEW),
    "recent_products_order_lift_mean": Phrase("products viewed lately are ordered {compared}", "", _NO_VIEW),
    "recent_products_cart_lift_mean": Phrase("products viewed lately get into carts {compared}", "", _NO_VIEW),
    "cart_order_lift_mean": Phrase("products in the cart are ordered {compared}", "", "cart is empty"),
    "cart_order_lift_max": Phrase("best seller in the cart is ordered {compared}", "", "cart is empty"),
    "last_category_view_lift": Phrase("category viewed last is viewed {compared}", "", _NO_CATEGORY),
    "last_category_cart_lift": Phrase("products of the category viewed last get into carts {compared}", "", _NO_CATEGORY),
    "last_category_order_lift": Phrase("products of the category viewed last are ordered {compared}", "", _NO_CATEGORY),
    "recent_categories_order_lift_max": Phrase("products of the best selling category viewed lately are ordered {compared}", "", _NO_CATEGORY),
}  # fmt: skip
