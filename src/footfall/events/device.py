"""What is the visitor browsing with? Device class, system and browser from a ``User-Agent`` text.

The patterns are those of the uap-core project, run by a linear-time engine, so that no text can stall it.
"""

import re
from functools import cache
from typing import NamedTuple

from ua_parser import Domain, Resolver, load_lazy_builtins
from ua_parser.regex import Resolver as RegexResolver

from footfall.base.codes import Browser, Device, Os

USER_AGENT_MAX = 512
"""Characters of a user agent that are looked at."""


class DeviceInfo(NamedTuple):
    """Codes of :class:`~footfall.base.codes.Device`, ``Os`` and ``Browser``."""

    device: int
    os: int
    browser: int


UNKNOWN = DeviceInfo(Device.UNKNOWN, Os.UNKNOWN, Browser.UNKNOWN)

# What programs, not people, call themselves: the part before the first slash.
_SERVER_NAMES = frozenset(
    [
        "curl",
        "wget",
        "python",
        "python-requests",
        "python-urllib",
        "python-httpx",
        "aiohttp",
        "httpx",
        "node",
        "node-fetch",
    ]
    + [
        "undici",
        "axios",
        "got",
        "superagent",
        "go-http-client",
        "java",
        "apache-httpclient",
        "guzzlehttp",
        "php",
        "ruby",
    ]
    + [
        "faraday",
        "rest-client",
        "analytics-python",
        "analytics-node",
        "analytics-php",
        "analytics-ruby",
        "analytics-go",
    ]
    + ["analytics-java", "analytics-.net", "analytics.net", "segmentio", "rudder-sdk-python", "rudderanalytics-python"]
    + [
        "rudder-sdk-node",
        "rudder-server",
        "snowplow-python-tracker",
        "postmanruntime",
        "insomnia",
        "httpie",
        "libwww-perl",
    ]
    + ["reqwest", "hackney", "elixir", "dart", "jakarta commons-httpclient", "lua-resty-http", "deno", "bun"]
)
_BOT = re.compile(
    r"bot\b|bot/|crawler|crawling|spider|slurp|headless|phantomjs|facebookexternalhit|lighthouse|pingdom|uptime|monitor"
    r"|preview|scrap|archiver|mediapartners|adsbot|feedfetcher|validator|selenium|puppeteer|playwright|cypress",
    re.IGNORECASE,
)
_NOT_BOT = re.compile(r"cubot", re.IGNORECASE)  # a maker of telephones
_TV = re.compile(
    r"smart-?tv|smarttv|google ?tv|apple ?tv|android ?tv|hbbtv|netcast|web0s|webos\.tv|viera|bravia|roku"
    r"|aft[a-z]{1,4}\b|crkey|tizen[^)]{0,80}\btv\b|\btv safari|playstation|xbox|nintendo",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|nexus (?:7|9|10)\b|sm-t\d|sm-x\d", re.IGNORECASE)
_IN_APP = re.compile(
    r"fban|fbav|fb_iab|instagram|micromessenger|\bline/|musical_ly|bytedance|tiktok|snapchat|pinterest/"
    r"|twitter for|gsa/|linkedinapp|; wv\)|kakaotalk|telegram",
    re.IGNORECASE,
)

_OS_BY_FAMILY = {
    "Windows": Os.WINDOWS, "Mac OS X": Os.MACOS, "Mac OS": Os.MACOS, "Linux": Os.LINUX, "Ubuntu": Os.LINUX,
    "Debian": Os.LINUX, "Fedora": Os.LINUX, "Red Hat": Os.LINUX, "CentOS": Os.LINUX, "SUSE": Os.LINUX,
    "Arch Linux": Os.LINUX, "Gentoo": Os.LINUX, "Mageia": Os.LINUX, "Linux Mint": Os.LINUX, "Raspbian": Os.LINUX,
    "FreeBSD": Os.OTHER, "OpenBSD": Os.OTHER, "NetBSD": Os.OTHER, "Chrome OS": Os.CHROME_OS, "Chromecast": Os.OTHER,
    "Android": Os.ANDROID, "Fire OS": Os.ANDROID, "HarmonyOS": Os.ANDROID, "iOS": Os.IOS, "iPadOS": Os.IOS,
    "ATV OS X": Os.IOS, "tvOS": Os.IOS, "Windows Phone": Os.OTHER, "Windows Mobile": Os.OTHER,
}  # fmt: skip
_BROWSERS = (  # by the beginning of the family's name
    ("Edge", Browser.EDGE), ("Opera", Browser.OPERA), ("Samsung Internet", Browser.SAMSUNG),
    ("Firefox", Browser.FIREFOX),
    ("Chrome Mobile WebView", Browser.IN_APP), ("Chrome", Browser.CHROME), ("Chromium", Browser.CHROME),
    ("HeadlessChrome", Browser.CHROME), ("Mobile Safari UI/WKWebView", Browser.IN_APP),
    ("Mobile Safari", Browser.SAFARI),
    ("Safari", Browser.SAFARI), ("Facebook", Browser.IN_APP), ("Instagram", Browser.IN_APP),
    ("Pinterest", Browser.IN_APP), ("Snapchat", Browser.IN_APP), ("TikTok", Browser.IN_APP),
    ("WeChat", Browser.IN_APP), ("Google", Browser.IN_APP),
)  # fmt: skip


@cache
def _resolver() -> Resolver:
    return RegexResolver(load_lazy_builtins())


def device_of(user_agent: str) -> DeviceInfo:
    """Device, system and browser of a user agent; crawlers are ``BOT``, HTTP libraries ``SERVER``."""
    text = user_agent[:USER_AGENT_MAX].strip()
    if not text or not text.isascii() and not text.isprintable():
        return UNKNOWN
    name = text.partition("/")[0].partition(" ")[0].lower()
    if name in _SERVER_NAMES:
        return DeviceInfo(Device.SERVER, Os.UNKNOWN, Browser.UNKNOWN)
    parsed = _resolver()(text, Domain.ALL)
    os = _os_of(parsed.os.family if parsed.os else "")
    is_spider = parsed.device is not None and parsed.device.family == "Spider"
    if is_spider or (_BOT.search(text) and not _NOT_BOT.search(text)):
        return DeviceInfo(Device.BOT, os, Browser.OTHER)
    return DeviceInfo(
        _device_of(text, os), os, _browser_of(parsed.user_agent.family if parsed.user_agent else "", text)
    )


def _os_of(family: str) -> int:
    return _OS_BY_FAMILY.get(family, Os.OTHER) if family else Os.UNKNOWN


def _browser_of(family: str, text: str) -> int:
    if _IN_APP.search(text):
        return Browser.IN_APP
    if not family:
        return Browser.UNKNOWN
    return next((code for start, code in _BROWSERS if family.startswith(start)), Browser.OTHER)


def _device_of(text: str, os: int) -> int:
    if _TV.search(text):
        return Device.TV
    if _TABLET.search(text):
        return Device.TABLET
    if os == Os.ANDROID:
        is_phone = "Mobile" in text or not text.startswith("Mozilla/")
        return Device.MOBILE if is_phone else Device.TABLET
    if os == Os.IOS:
        return Device.MOBILE
    if os in (Os.WINDOWS, Os.MACOS, Os.LINUX, Os.CHROME_OS):
        return Device.DESKTOP
    return Device.MOBILE if "Mobile" in text else Device.UNKNOWN
