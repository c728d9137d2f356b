"""What must never be stored? Addresses, and e-mails and secrets inside of URLs, are taken out before the log.

An event's own bytes are kept but for what is replaced: nothing is decoded and written anew, so odd numbers, doubled
keys and broken parts of an event stay what they were, and nothing can fail.
"""

import json
import re
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

PLACEHOLDER = "redacted"
"""What stands in the place of an e-mail or a secret."""

_ADDRESS_MAX = 64
_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, IPv4 mapped into IPv6

# Is there anything to do? Searches for one byte or for a literal beginning cost a tenth of a real pattern, so a few
# coarse ones say no for nearly all events.
_COARSE_HINTS = tuple(re.compile(hint).search for hint in (rb'ip["_A]', rb'I[pP]"', rb"emote[_A]", rb"orwarded"))
_ADDRESS_HINTS = tuple(
    re.compile(hint).search for hint in (rb'_ip"', rb'-ip"', rb"ip[_A]", rb'I[pP]"', rb"emote[_A]", rb"orwarded")
)
_HAS_IP = re.compile(rb'"ip"').search

# In valid JSON a bare quote never stands inside of a string, so each of these matches whole strings only.
_MEMBER_VALUE = rb'"\s{0,16}:\s{0,16}"((?:[^"\\]|\\.)*+)"'
_IP = re.compile(rb'"ip' + _MEMBER_VALUE, re.DOTALL)
_ADDRESS = re.compile(
    rb'(?:["_-]ip(?:_?addr(?:ess)?)?|[a-z]I[pP]|"I[pP]|ip(?:A|_a)ddr(?:ess)?|ip_override'
    rb"|(?i:remote_?addr(?:ess)?|forwarded[_-]?for))" + _MEMBER_VALUE,
    re.DOTALL,
)
_URL = re.compile(
    rb"(?i:ur[li]|href|referr?er|location|link|search|path|query_?string)"
    + _MEMBER_VALUE  # by its key
    + rb'|(?<!\\)"((?:(?i:[a-z][a-z0-9+.-]{1,20}:)?\\?/|\?|(?i:mailto:))(?:[^"\\]|\\.)*+)"',  # or by how it begins
    re.DOTALL,
)
_ENCODED_HINTS = (b"%40", b"%3D", b"%3d", b"%2540")
_PARAMETERS_MAX = 64
"""With more, a closer look is taken at once."""

_USERINFO = re.compile(r"(?<=//)[^/?#\s@]{1,256}@")
_EMAIL_PART = r"[^\s/?&=#;,:<>()\[\]{}\"'@%!*|\\]"
_EMAIL = re.compile(  # the look-behind makes it try each run of characters once: linear
    rf"(?<!{_EMAIL_PART}){_EMAIL_PART}++(?:@|%(?:25)?40){_EMAIL_PART}++"
)
_ENCODED_PLUS = re.compile("%2[Bb]")
_PARAMETER = re.compile(r"(?:(?<=[?&;#])|^)([A-Za-z0-9_.$\[\]-]{1,64})=([^?&#;\s]*+)")
_NESTED_PARAMETER = re.compile(
    r"(%(?:25)?(?:3[Ff]|26|23))([A-Za-z0-9_.$-]{1,64})(%(?:25)?3[Dd])((?:[^&#;%\s]|%(?!(?:25)?(?:26|23)))*+)"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_SECRET_NAMES = frozenset(
    [
        "key",
        "code",
        "sid",
        "sig",
        "auth",
        "pass",
        "pwd",
        "hmac",
        "jwt",
        "otp",
        "pin",
        "ticket",
        "email",
        "mail",
        "phone",
    ]
    + ["tel", "signature", "apikey", "accesskey", "authkey", "secretkey", "privatekey", "resetkey", "activationkey"]
    + ["licensekey", "authcode", "authorizationcode", "verificationcode", "confirmationcode", "resetcode", "logincode"]
    + ["accesscode", "activationcode", "phpsessid", "jsessionid", "aspsessionid", "cfid", "cftoken", "loginticket"]
    + ["samlresponse", "samlrequest", "e-mail", "telephone", "phonenumber", "mobilenumber"]
)
_SECRET_WORDS = frozenset(
    ["token", "password", "passwd", "passphrase", "pwd", "secret", "session", "sessionid", "sessid", "signature", "sig"]
    + ["auth", "authorization", "oauth", "jwt", "hmac", "otp", "credential", "credentials", "apikey", "email", "phone"]
)


def truncate_ip(text: str) -> str:
    """An address with its last part zeroed (IPv4 to /24, IPv6 to /48), or ``""`` if it isn't one.

    A port or zone is dropped, and an IPv4 address mapped into IPv6 is treated as IPv4.
    """
    text = text.strip()
    if len(text) > _ADDRESS_MAX:
        return ""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    text = text.partition("%")[0]
    try:
        if ":" not in text:
            return inet_ntop(AF_INET, inet_pton(AF_INET, text)[:3] + b"\0")
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):  # no address; an embedded NUL or a lone surrogate
        return ""
    if packed.startswith(_MAPPED):
        return inet_ntop(AF_INET, packed[12:15] + b"\0")
    return inet_ntop(AF_INET6, packed[:6] + bytes(10))


def redact(event: bytes) -> bytes:
    """One event's raw JSON without full addresses, and without e-mails and secret-looking parameters in URLs.

    Values of keys such as ``ip`` are truncated wherever they stand. URLs are the values of keys such as ``url``,
    ``referrer``, ``search``, and all that look like one. ``traits.email``, ``userId`` and other texts stay as they are.
    Bytes that need no change come back as the same object; broken JSON isn't mended.
    """
    if (
        b"@" in event
        or (b"%" in event and any(code in event for code in _ENCODED_HINTS))
        or (b"\\" in event and b"\\u00" in event)
        or (b"=" in event and _has_secret(event))
    ):
        event = _URL.sub(_without_secrets, event)
    for hint in _COARSE_HINTS:
        if hint(event):
            return _without_addresses(event)
    return event


def _without_addresses(event: bytes) -> bytes:
    if _HAS_IP(event):
        event = _IP.sub(_truncated, event)
    for hint in _ADDRESS_HINTS:
        if hint(event):
            return _ADDRESS.sub(_truncated, event)
    return event


def _has_secret(event: bytes) -> bool:
    """Whether the name of some query parameter looks like a secret's."""
    before_equals = event.split(b"=", _PARAMETERS_MAX)
    if len(before_equals) > _PARAMETERS_MAX:
        return True
    del before_equals[-1]
    for part in before_equals:
        tail = part[-64:]
        start = max(tail.rfind(b"&"), tail.rfind(b"?"), tail.rfind(b'"'), tail.rfind(b"#"), tail.rfind(b";"))
        if _is_secret_raw(tail[start + 1 :]):
            return True
    return False


def _without_secrets(match: re.Match[bytes]) -> bytes:
    raw = match[1] if match[1] is not None else match[2]
    text = _text_of(raw)
    clean = redact_url(text)
    return match[0] if clean == text else _with_value(match, raw, clean)


def _truncated(match: re.Match[bytes]) -> bytes:
    raw = match[1]
    text = _text_of(raw)
    is_ip_key = match[0].startswith((b'"ip"', b'"IP"'))
    if len(text) > 1024:
        return _with_value(match, raw, "")
    addresses = [truncate_ip(part) for part in text.split(",")]
    if not is_ip_key and not any(addresses):
        return match[0]
    return _with_value(match, raw, ", ".join(filter(None, addresses)))


def _with_value(match: re.Match[bytes], raw: bytes, text: str) -> bytes:
    """The matched bytes with the inside of their last string replaced."""
    encoded = json.dumps(text).encode()[1:-1] if b"\\" in raw else text.encode("utf-8", "surrogateescape")
    return match[0][: len(match[0]) - len(raw) - 1] + encoded + b'"'


def redact_url(url: str) -> str:
    """A URL (or its query) with e-mails, user info and the values of secret-looking parameters replaced."""
    if "@" in url:
        url = _USERINFO.sub("", url)
    if "=" in url:
        url = _PARAMETER.sub(_hidden, url)
    if "%3D" in url or "%3d" in url or "%253" in url:
        url = _NESTED_PARAMETER.sub(_hidden_nested, url)
    if "@" in url or "40" in url:
        plain = _ENCODED_PLUS.sub("+", url)
        clean = _EMAIL.sub(_hidden_email, plain)
        return url if clean == plain else clean
    return url


def _hidden(match: re.Match[str]) -> str:
    return f"{match[1]}={PLACEHOLDER}" if match[2] and _is_secret(match[1]) else match[0]


def _hidden_nested(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{match[3]}{PLACEHOLDER}" if match[4] and _is_secret(match[2]) else match[0]


def _hidden_email(match: re.Match[str]) -> str:
    return PLACEHOLDER if "." in re.split("@|40", match[0])[-1] else match[0]


def _is_secret(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    return "".join(words) in _SECRET_NAMES or not _SECRET_WORDS.isdisjoint(words)


@lru_cache(maxsize=4096)
def _is_secret_raw(name: bytes) -> bool:
    return _is_secret(name.decode("latin-1"))


def _text_of(value: bytes) -> str:
    """The text that the inside of a JSON string stands for, or ``""`` if it is broken."""
    if b"\\" not in value:
        return value.decode("utf-8", "surrogateescape")
    try:
        text = json.loads(b'"' + value + b'"', strict=False)
    except ValueError:  # a broken escape or broken UTF-8
        return value.decode("utf-8", "surrogateescape")
    return text if isinstance(text, str) else ""
