"""How did this visit come to the shop? Channel, source, campaign and search words of one hit.

The model is GA4's default channel grouping, cut to the channels of :class:`~footfall.base.codes.Channel`:
shopping ads count as paid search, video sites as social, audio as other. Two things are done differently: a medium that
says e-mail, SMS, push or affiliate is believed before the source is looked up, and returning from a payment provider
is no arrival. Whether a session is *direct* is for the session to say: it is when no hit of it tells of an arrival.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from footfall.base.codes import Channel
from footfall.events.wire import Campaign, Scalar

_URL_MAX = 4096
_TEXT_MAX = 100
_PARAMETERS_MAX = 100
_HOST = re.compile(r"localhost|[\w-]{1,63}(?:\.[\w-]{1,63}){1,20}")


class Arrival(NamedTuple):
    """What a hit says about how the visitor came. Source is lower case; texts have up to 100 characters or none."""

    channel: int
    source: str = ""
    campaign: str = ""
    keyword: str = ""


# Click ids that ad networks and mailing tools add to links: (channel, source, whether it proves an ad or a mailing).
_CLICK_IDS: dict[str, tuple[Channel, str, bool]] = {
    "gclid": (Channel.PAID_SEARCH, "google", True),
    "wbraid": (Channel.PAID_SEARCH, "google", True),
    "gbraid": (Channel.PAID_SEARCH, "google", True),
    "gclsrc": (Channel.PAID_SEARCH, "google", True),
    "msclkid": (Channel.PAID_SEARCH, "bing", True),
    "yclid": (Channel.PAID_SEARCH, "yandex", True),
    "dclid": (Channel.DISPLAY, "google", True),
    "dicbo": (Channel.DISPLAY, "outbrain", True),
    "tblci": (Channel.DISPLAY, "taboola", True),
    "crto_pid": (Channel.DISPLAY, "criteo", True),
    "ttclid": (Channel.PAID_SOCIAL, "tiktok", True),
    "li_fat_id": (Channel.PAID_SOCIAL, "linkedin", True),
    "twclid": (Channel.PAID_SOCIAL, "twitter", True),
    "rdt_cid": (Channel.PAID_SOCIAL, "reddit", True),
    "sccid": (Channel.PAID_SOCIAL, "snapchat", True),
    "qclid": (Channel.PAID_SOCIAL, "quora", True),
    "epik": (Channel.PAID_SOCIAL, "pinterest", True),
    "irclickid": (Channel.AFFILIATE, "impact", True),
    "cjevent": (Channel.AFFILIATE, "cj", True),
    "awc": (Channel.AFFILIATE, "awin", True),
    "ransiteid": (Channel.AFFILIATE, "rakuten", True),
    "tduid": (Channel.AFFILIATE, "tradedoubler", True),
    "sscid": (Channel.AFFILIATE, "shareasale", True),
    "mc_eid": (Channel.EMAIL, "mailchimp", True),
    "_kx": (Channel.EMAIL, "klaviyo", True),
    "_hsenc": (Channel.EMAIL, "hubspot", True),
    "vero_id": (Channel.EMAIL, "vero", True),
    "dm_i": (Channel.EMAIL, "dotdigital", True),
    "srsltid": (Channel.ORGANIC_SEARCH, "google", False),
    "fbclid": (Channel.ORGANIC_SOCIAL, "facebook", False),
    "igshid": (Channel.ORGANIC_SOCIAL, "instagram", False),
    "igsh": (Channel.ORGANIC_SOCIAL, "instagram", False),
}

# Search engines by the name before the public suffix: (source, query parameters that hold the words).
_ENGINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "google": ("google", ("q",)),
    "bing": ("bing", ("q",)),
    "yahoo": ("yahoo", ("p", "q")),
    "duckduckgo": ("duckduckgo", ("q",)),
    "ddg": ("duckduckgo", ("q",)),
    "yandex": ("yandex", ("text",)),
    "ya": ("yandex", ("text",)),
    "baidu": ("baidu", ("wd", "word")),
    "ecosia": ("ecosia", ("q",)),
    "qwant": ("qwant", ("q",)),
    "startpage": ("startpage", ("query", "q")),
    "ask": ("ask", ("q",)),
    "aol": ("aol", ("q", "query")),
    "naver": ("naver", ("query",)),
    "daum": ("daum", ("q",)),
    "sogou": ("sogou", ("query",)),
    "so": ("360", ("q",)),
    "sm": ("shenma", ("q",)),
    "seznam": ("seznam", ("q",)),
    "rambler": ("rambler", ("query",)),
    "coccoc": ("coccoc", ("query",)),
    "kagi": ("kagi", ("q",)),
    "mojeek": ("mojeek", ("q",)),
    "swisscows": ("swisscows", ("query",)),
    "presearch": ("presearch", ("q",)),
    "petalsearch": ("petalsearch", ("query",)),
    "metager": ("metager", ("eingabe",)),
    "lycos": ("lycos", ("q",)),
    "gmx-suche": ("gmx", ("q",)),
    "t-online": ("t-online", ("q",)),
    "onet": ("onet", ("qt",)),
}
# Engines that only some host of a name is: by whole host.
_ENGINE_HOSTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "search.brave.com": ("brave", ("q",)),
    "go.mail.ru": ("mail.ru", ("q",)),
    "suche.t-online.de": ("t-online", ("q",)),
    "suche.web.de": ("web.de", ("q", "su")),
    "suche.gmx.net": ("gmx", ("q", "su")),
    "search.smt.docomo.ne.jp": ("docomo", ("mt",)),
    "com.google.android.googlequicksearchbox": ("google", ()),
}
# Names that are common words: an engine only under the suffix given.
_ONLY_SUFFIX = {"so": "com", "sm": "cn", "ya": "ru", "ask": "com", "ddg": "gg", "t-online": "de", "onet": "pl"}

_SOCIAL_HOSTS: dict[str, str] = {
    "facebook.com": "facebook", "fb.com": "facebook", "fb.me": "facebook",
    "messenger.com": "facebook", "m.me": "facebook",
    "instagram.com": "instagram", "ig.me": "instagram", "threads.net": "threads", "threads.com": "threads",
    "twitter.com": "twitter", "x.com": "twitter", "t.co": "twitter", "linkedin.com": "linkedin", "lnkd.in": "linkedin",
    "pinterest.com": "pinterest", "pin.it": "pinterest", "reddit.com": "reddit", "redd.it": "reddit",
    "tiktok.com": "tiktok", "snapchat.com": "snapchat", "youtube.com": "youtube", "youtu.be": "youtube",
    "vimeo.com": "vimeo", "twitch.tv": "twitch", "dailymotion.com": "dailymotion", "tumblr.com": "tumblr",
    "vk.com": "vk", "vk.ru": "vk", "ok.ru": "ok.ru", "weibo.com": "weibo", "weibo.cn": "weibo", "xing.com": "xing",
    "quora.com": "quora", "whatsapp.com": "whatsapp", "wa.me": "whatsapp",
    "telegram.org": "telegram", "t.me": "telegram",
    "discord.com": "discord", "discord.gg": "discord", "line.me": "line",
    "bsky.app": "bluesky",
    "mastodon.social": "mastodon", "medium.com": "medium", "flickr.com": "flickr", "douban.com": "douban",
    "xiaohongshu.com": "xiaohongshu", "zhihu.com": "zhihu", "bilibili.com": "bilibili", "disqus.com": "disqus",
    "news.ycombinator.com": "hacker news", "stackoverflow.com": "stackoverflow", "linktr.ee": "linktree",
    "nextdoor.com": "nextdoor", "viber.com": "viber", "kakao.com": "kakao", "com.facebook.katana": "facebook",
    "com.instagram.android": "instagram", "com.twitter.android": "twitter", "com.linkedin.android": "linkedin",
    "com.pinterest": "pinterest", "com.reddit.frontpage": "reddit", "com.zhiliaoapp.musically": "tiktok",
    "org.telegram.messenger": "telegram", "com.whatsapp": "whatsapp", "com.google.android.youtube": "youtube",
}  # fmt: skip
_MAIL_HOSTS: dict[str, str] = {
    "mail.google.com": "gmail", "inbox.google.com": "gmail", "com.google.android.gm": "gmail",
    "mail.yahoo.com": "yahoo mail", "mail.yahoo.co.jp": "yahoo mail",
    "outlook.com": "outlook", "outlook.live.com": "outlook",
    "mail.live.com": "outlook", "hotmail.com": "outlook", "outlook.office.com": "outlook",
    "outlook.office365.com": "outlook", "com.microsoft.office.outlook": "outlook", "mail.aol.com": "aol mail",
    "mail.ru": "mail.ru", "e.mail.ru": "mail.ru", "mail.yandex.ru": "yandex mail", "mail.yandex.com": "yandex mail",
    "mail.proton.me": "proton mail", "mail.protonmail.com": "proton mail", "mail.zoho.com": "zoho mail",
    "mail.naver.com": "naver mail", "mail.qq.com": "qq mail", "mail.163.com": "163 mail", "mail.126.com": "126 mail",
    "icloud.com": "icloud mail", "navigator.gmx.net": "gmx mail", "navigator.web.de": "web.de mail",
    "email.t-online.de": "t-online mail", "deref-gmx.net": "gmx mail", "deref-web.de": "web.de mail",
    "webmail.freenet.de": "freenet mail", "mail.orange.fr": "orange mail", "mail.libero.it": "libero mail",
    "list-manage.com": "mailchimp", "fastmail.com": "fastmail", "roundcube.net": "roundcube",
}  # fmt: skip
# Coming back from paying isn't an arrival.
_PAYMENT_HOSTS = frozenset(
    ["paypal.com", "stripe.com", "klarna.com", "klarna.net", "adyen.com", "mollie.com", "sofort.com", "giropay.de"]
    + ["pay.google.com", "pay.amazon.com", "payments.amazon.com", "payments.amazon.de", "afterpay.com"]
    + ["affirm.com", "worldpay.com", "sagepay.com", "opayo.eu", "checkout.com", "braintreegateway.com", "squareup.com"]
    + ["ideal.nl", "bancontact.com", "przelewy24.pl", "payu.com", "payone.com", "computop.com", "multisafepay.com"]
    + ["secure.authorize.net", "2checkout.com", "razorpay.com", "alipay.com", "shop.app", "cardinalcommerce.com"]
    + ["arcot.com", "securesuite.co.uk", "3dsecure.io", "unzer.com", "ratepay.com", "clearpay.co.uk", "twint.ch"]
)
_SECOND_LEVELS = frozenset({"co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "gob", "nom"})

_SEARCH_SOURCES = frozenset(
    {source for source, _ in _ENGINES.values()} | {source for source, _ in _ENGINE_HOSTS.values()}
)
_SOCIAL_SOURCES = frozenset(_SOCIAL_HOSTS.values()) | {
    "fb",
    "ig",
    "meta",
    "an",
    "msg",
    "social",
    "yt",
    "insta",
    "tik tok",
}
_VIDEO_SOURCES = frozenset({"youtube", "yt", "vimeo", "twitch", "dailymotion"})
_SHOPPING_SOURCES = frozenset(
    {"google shopping", "googleshopping", "shopping", "idealo", "pricerunner", "bing shopping"}
)
_SOURCE_ALIASES = {"fb": "facebook", "ig": "instagram", "insta": "instagram", "yt": "youtube", "adwords": "google",
                   "googleads": "google", "google ads": "google", "tik tok": "tiktok"}  # fmt: skip

_EMAIL_WORDS = frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter", "mailing", "mail", "edm"})
_SOCIAL_MEDIUMS = frozenset(
    {
        "social",
        "social-network",
        "social-media",
        "sm",
        "social network",
        "social media",
        "organic-social",
        "organic_social",
    }
    | {"influencer", "video"}
)
_DISPLAY_MEDIUMS = frozenset({"display", "banner", "expandable", "interstitial", "cpm", "native", "programmatic"})
_REFERRAL_MEDIUMS = frozenset({"referral", "app", "link"})
_BY_MEDIUM: dict[str, Channel] = {
    **dict.fromkeys(_EMAIL_WORDS, Channel.EMAIL),
    **dict.fromkeys(("affiliate", "affiliates", "affiliation", "partner"), Channel.AFFILIATE),
    **dict.fromkeys(("sms", "mms", "text-message"), Channel.SMS),
    **dict.fromkeys(("store", "in-store", "instore", "pos", "offline"), Channel.STORE),
}


def arrival(url: str, referrer: str, campaign: Campaign | None) -> Arrival | None:
    """How the visitor came, by click ids, campaign parameters and referrer, in that order; None if nothing is said.

    ``campaign`` (``context.campaign``) goes before the URL's own ``utm_`` parameters. A referrer on the shop's own
    host or domain says nothing, nor does an unknown host when the page's own is not known.
    """
    host, parameters = _host_and_parameters(url)
    tags = _tags(parameters, campaign)
    click = next((_CLICK_IDS[name] for name in parameters if name in _CLICK_IDS and parameters[name]), None)
    refer = _of_referrer(referrer, host)
    keyword = tags.keyword or (refer.keyword if refer else "")
    if tags.source or tags.medium or tags.campaign:
        source = _SOURCE_ALIASES.get(tags.source, tags.source)
        channel = _channel_of(source, tags.medium, tags.campaign)
        if click and click[2] and channel not in _PAID_OR_OWNED:
            channel = click[0]
        if channel == Channel.OTHER and refer and not tags.source and not tags.medium:
            channel = Channel(refer.channel)  # only a campaign's name is known
        source = source or (click[1] if click else refer.source if refer else "")
        return Arrival(channel, source, tags.campaign, keyword)
    if click:
        return Arrival(click[0], click[1], tags.campaign, keyword)
    return refer


_PAID_OR_OWNED = frozenset(
    {Channel.PAID_SEARCH, Channel.PAID_SOCIAL, Channel.DISPLAY, Channel.EMAIL, Channel.SMS, Channel.AFFILIATE}
    | {Channel.PUSH, Channel.STORE}
)


class _Tags(NamedTuple):
    source: str
    medium: str
    campaign: str
    keyword: str


def _tags(parameters: dict[str, str], campaign: Campaign | None) -> _Tags:
    def tag(given: Scalar, *names: str) -> str:
        text = _text(given) if isinstance(given, str) else ""
        return text or next((_text(parameters[name]) for name in names if parameters.get(name)), "")

    given = campaign or Campaign()
    return _Tags(
        tag(given.source, "utm_source", "mtm_source", "pk_source").lower(),
        tag(given.medium, "utm_medium", "mtm_medium", "pk_medium").lower(),
        tag(given.name, "utm_campaign", "mtm_campaign", "pk_campaign", "utm_id"),
        tag(given.term, "utm_term", "mtm_kwd", "pk_kwd"),
    )


def _channel_of(source: str, medium: str, campaign: str) -> Channel:
    """GA4's rules, in their order, but what the medium says outright comes first."""
    if medium in _BY_MEDIUM:
        return _BY_MEDIUM[medium]
    if medium.endswith("push") or "notification" in medium or medium == "mobile" or source == "firebase":
        return Channel.PUSH
    is_paid = "cp" in medium or "ppc" in medium or medium.startswith("paid") or medium == "retargeting"
    name = _source_name(source)
    is_search, is_social = name in _SEARCH_SOURCES, name in _SOCIAL_SOURCES
    if is_paid:
        is_shop = name in _SHOPPING_SOURCES or "shopping" in campaign.lower() or "shopping" in medium
        if is_search or is_shop or "search" in medium:
            return Channel.PAID_SEARCH
        if "social" in medium or (is_social and name not in _VIDEO_SOURCES):
            return Channel.PAID_SOCIAL
        if name in _VIDEO_SOURCES or medium in _DISPLAY_MEDIUMS or "display" in medium or "video" in medium:
            return Channel.DISPLAY
        return Channel.OTHER
    if medium in _DISPLAY_MEDIUMS:
        return Channel.DISPLAY
    if is_social or medium in _SOCIAL_MEDIUMS:
        return Channel.ORGANIC_SOCIAL
    if is_search or medium == "organic":
        return Channel.ORGANIC_SEARCH
    if source in _EMAIL_WORDS:
        return Channel.EMAIL
    if source == "sms":
        return Channel.SMS
    if medium in _REFERRAL_MEDIUMS or name in _SHOPPING_SOURCES or (not medium and "." in source):
        return Channel.REFERRAL
    return Channel.OTHER


def _source_name(source: str) -> str:
    """The table's name of a campaign source that may be given as a host (``www.google.com``)."""
    if "." not in source:
        return source
    host = source.removeprefix("www.")
    engine = _engine_of(host)
    return engine[0] if engine else _by_host(_SOCIAL_HOSTS, host) or source


def _of_referrer(referrer: str, own_host: str) -> Arrival | None:
    host, parameters = _host_and_parameters(referrer)
    if not host or _is_same_shop(host, own_host) or _is_payment(host):
        return None
    mail = _by_host(_MAIL_HOSTS, host)
    if mail and not _ENGINE_HOSTS.get(host):
        return Arrival(Channel.EMAIL, mail)
    social = _by_host(_SOCIAL_HOSTS, host)
    if social:
        return Arrival(Channel.ORGANIC_SOCIAL, social)
    if host.startswith(("mail.", "webmail.")):
        return Arrival(Channel.EMAIL, host)
    engine = _engine_of(host)
    if engine:
        keyword = next((_text(parameters[name]) for name in engine[1] if parameters.get(name)), "")
        return Arrival(Channel.ORGANIC_SEARCH, engine[0], "", keyword)
    if not own_host:
        return None  # it may be the shop itself
    return Arrival(Channel.REFERRAL, _text(host))


def _engine_of(host: str) -> tuple[str, tuple[str, ...]] | None:
    engine = _ENGINE_HOSTS.get(host)
    if engine:
        return engine
    labels = host.split(".")
    n_suffix = 2 if len(labels) > 2 and labels[-2] in _SECOND_LEVELS and len(labels[-1]) == 2 else 1
    if len(labels) <= n_suffix:
        return None
    name, suffix = labels[-n_suffix - 1], ".".join(labels[-n_suffix:])
    if name not in _ENGINES or _ONLY_SUFFIX.get(name, suffix) != suffix:
        return None
    sub = ".".join(labels[: -n_suffix - 1])
    return None if sub in _NOT_SEARCH else _ENGINES[name]


_NOT_SEARCH = frozenset(  # parts of engines' domains that aren't their search
    ["docs", "drive", "sites", "news", "groups", "calendar", "maps", "translate", "accounts", "play", "store", "blog"]
    + [
        "support",
        "developers",
        "ads",
        "classroom",
        "meet",
        "chat",
        "finance",
        "answers",
        "tieba",
        "pan",
        "zhidao",
        "cafe",
    ]
    + ["lens", "photos", "keep", "colab.research", "lookerstudio", "analytics", "tagmanager", "tagassistant", "market"]
)


def _by_host(table: dict[str, str], host: str) -> str:
    """The entry of a host or of the nearest domain above it."""
    while host:
        found = table.get(host)
        if found:
            return found
        host = host.partition(".")[2]
    return ""


def _is_payment(host: str) -> bool:
    while host:
        if host in _PAYMENT_HOSTS:
            return True
        host = host.partition(".")[2]
    return False


def _is_same_shop(host: str, own_host: str) -> bool:
    return bool(own_host) and (host == own_host or _domain(host) == _domain(own_host))


def _domain(host: str) -> str:
    """The registrable part of a host, well enough to tell one's own subdomains (no public suffix list)."""
    labels = host.split(".")
    if labels[-1].isdigit() or len(labels) <= 2:
        return host
    n = 3 if len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS else 2
    return ".".join(labels[-n:])


def _host_and_parameters(url: str) -> tuple[str, dict[str, str]]:
    """Lower-case host without ``www.``, and the first value of each query parameter by lower-case name."""
    text = url[:_URL_MAX].strip()
    if not text:
        return "", {}
    try:
        parts = urlsplit(text if "//" in text[:32] else f"//{text}" if not text.startswith(("/", "?")) else text)
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    except ValueError:  # a broken address
        return "", {}
    if not (_HOST.fullmatch(host) or ":" in host):
        host = ""
    pairs = parse_qsl("&".join(parts.query.split("&", _PARAMETERS_MAX)[:_PARAMETERS_MAX]))
    parameters: dict[str, str] = {}
    for name, value in pairs:
        parameters.setdefault(name.lower()[:_TEXT_MAX], value)
    return host, parameters


def _text(text: str) -> str:
    """Trimmed to one line of up to 100 printable characters."""
    return "".join(char for char in " ".join(text[: 2 * _TEXT_MAX].split()) if char.isprintable())[:_TEXT_MAX].strip()
