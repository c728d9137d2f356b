"""How does somebody come to the shop? A way in: referrer, tags of the link, and where it leads."""

from random import Random

import msgspec

from footfall.shoppers.shelves import Shelves
from footfall_shop.catalogue import title_of

_ENGINES = (("https://www.google.com/", 14), ("https://www.bing.com/", 2), ("https://duckduckgo.com/", 2))
_WITH_WORDS = (("https://www.ecosia.org/search?q=", 2), ("https://search.brave.com/search?q=", 1),
               ("https://yandex.com/search/?text=", 1))  # fmt: skip
"""Engines whose referrer still tells the words."""
_BLOGS = ("https://www.outdoor-notes.example/best-tents", "https://slowhome.example/ten-mugs",
          "https://thegreenwardrobe.example/knitwear-that-lasts")  # fmt: skip
_SOCIAL = (("instagram", "https://l.instagram.com/"), ("facebook", "https://m.facebook.com/"),
           ("pinterest", "https://www.pinterest.com/"), ("tiktok", "https://www.tiktok.com/"))  # fmt: skip
_BRAND_SHARE = 0.2
_WORDS_SHARE = 0.22
"""Of searches come from an engine that tells the words."""


class Arrival(msgspec.Struct, frozen=True):
    """A way in. ``leads_to`` is home, section, product, sale, campaign, gifts or cart."""

    referrer: str = ""
    query: dict[str, str] = {}
    leads_to: str = "home"
    campaign: str = ""
    """Name of the landing page, for ``campaign``."""


def _search(rng: Random, words: str) -> str:
    if rng.random() < _WORDS_SHARE:
        engine = rng.choices([url for url, _ in _WITH_WORDS], [weight for _, weight in _WITH_WORDS])[0]
        return engine + words.lower().replace(" ", "+")
    return rng.choices([url for url, _ in _ENGINES], [weight for _, weight in _ENGINES])[0]


def arrival(rng: Random, channel: str, section: str, words: str, shelves: Shelves) -> Arrival:
    """A way in by a channel, for somebody who is after a section, or after a product of these words."""
    leads_to = "product" if words else rng.choices(("section", "product", "home"), (60, 25, 15))[0]
    campaign = rng.choice(shelves.campaigns).name
    term = words or title_of(section)
    if channel == "organic":
        if rng.random() < _BRAND_SHARE:
            return Arrival(_search(rng, "alder and finch"), {}, "home")
        return Arrival(_search(rng, term), {}, leads_to)
    if channel == "paid_search":
        query = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": f"shopping-{section.partition('/')[0]}",
                 "utm_term": term.lower(), "gclid": _click_id(rng, "Cj0KCQ")}  # fmt: skip
        return Arrival("https://www.google.com/", query, "section" if leads_to == "home" else leads_to)
    if channel == "social":
        source, referrer = rng.choices(_SOCIAL, (5, 4, 3, 1))[0]
        return Arrival(referrer, {"fbclid": _click_id(rng, "IwAR0")} if source == "facebook" else {}, leads_to)
    if channel == "paid_social":
        source, referrer = rng.choices(_SOCIAL[:2], (3, 2))[0]
        query = {
            "utm_source": source,
            "utm_medium": "paid_social",
            "utm_campaign": campaign,
            "fbclid": _click_id(rng, "IwAR1"),
        }
        return Arrival(referrer, query, "campaign" if rng.random() < 0.6 else leads_to, campaign)
    if channel == "display":
        query = {"utm_source": "adnetwork", "utm_medium": "display", "utm_campaign": campaign}
        return Arrival("", query, "campaign", campaign)
    if channel == "affiliate":
        query = {"utm_source": "dealfinder", "utm_medium": "affiliate", "utm_campaign": "partners"}
        return Arrival("https://www.dealfinder.example/", query, "sale" if rng.random() < 0.5 else leads_to)
    if channel == "referral":
        return Arrival(rng.choice(_BLOGS), {}, leads_to)
    if channel == "reminder":
        query = {"utm_source": "shop", "utm_medium": "email", "utm_campaign": "cart-reminder"}
        return Arrival("", query, "cart")
    if channel in ("email", "push", "sms"):
        query = {"utm_source": "shop", "utm_medium": channel, "utm_campaign": f"newsletter-{campaign}"}
        return Arrival("", query, rng.choice(("campaign", "section", "sale")), campaign)
    return Arrival("", {}, "home" if rng.random() < 0.7 else leads_to)


def _click_id(rng: Random, start: str) -> str:
    return f"{start}{rng.getrandbits(120):030x}"
