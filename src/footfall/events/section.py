"""Which part of the shop does a page belong to? A path of up to four levels, such as ``women/shoes/sneakers``.

Asked in this order: the shop's own rules (setting ``section_rules``), the page's or product's category, the URL. What
only the URL tells may be a product's name or worse, so that is said with it.
"""

import re
from urllib.parse import unquote

from footfall.base.codes import Flag
from footfall.base.errors import BadInput

LEVELS_MAX = 4
_PATH_MAX = 2048
_SEGMENTS_MAX = 32
_LEVEL_MAX = 64

_CANONICAL = {
    "home": ("home", "index", "start", "homepage", "welcome"),
    "cart": ("cart", "basket", "bag", "shopping-cart", "shopping-bag", "trolley", "warenkorb", "panier", "carrito")
    + (
        "carrello",
        "winkelwagen",
        "winkelmand",
        "koszyk",
        "kosar",
        "kurv",
        "varukorg",
        "ostoskori",
        "carrinho",
        "sepet",
    ),
    "checkout": (
        "checkout",
        "checkouts",
        "onepage",
        "kasse",
        "kassa",
        "zur-kasse",
        "bestellung",
        "commande",
        "pagamento",
    )
    + (
        "order-received",
        "order-confirmation",
        "orderconfirmation",
        "order",
        "payment",
        "onestepcheckout",
    ),
    "search": ("search", "suche", "recherche", "buscar", "busqueda", "ricerca", "cerca", "zoeken", "szukaj", "hledani")
    + ("searchresults", "search-results", "catalogsearch", "sok", "haku", "arama", "find"),
    "account": (
        "account",
        "my-account",
        "myaccount",
        "my",
        "login",
        "signin",
        "sign-in",
        "logout",
        "register",
        "signup",
    )
    + (
        "sign-up",
        "profile",
        "konto",
        "mein-konto",
        "kundenkonto",
        "mon-compte",
        "compte",
        "mi-cuenta",
        "cuenta",
        "orders",
    )
    + ("wishlist", "favorites", "favourites", "merkzettel", "customer", "user", "password-reset", "forgot-password"),
}
_CANONICAL_BY_WORD = {word: section for section, words in _CANONICAL.items() for word in words}
# What the page after an order is called, whatever follows.
_THANKS = ("thank-you", "thankyou")

# Words that name the structure of a shop's URLs, not a part of the shop.
_STRUCTURE = frozenset(
    ["c", "cat", "cats", "category", "categories", "product-category", "collection", "collections", "catalog"]
    + [
        "catalogue",
        "department",
        "departments",
        "shop",
        "store",
        "stores",
        "s",
        "b",
        "browse",
        "kategorie",
        "kategorien",
    ]
    + ["categorie", "categoria", "kategoria", "en-gb", "webshop", "boutique", "tienda", "plp", "list", "all", "main"]
)
# Words after which a product stands.
_PRODUCT = frozenset(
    ["p", "dp", "gp", "pd", "pdp", "ip", "prd", "prod", "product", "products", "item", "items", "itm", "produkt"]
    + ["produkte", "produit", "produits", "producto", "productos", "prodotto", "prodotti", "artikel", "article-detail"]
)
_LANGUAGES = frozenset(
    "ar bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko lt lv mk ms mt nb nl"
    " nn no pl pt ro ru sk sl sq sr sv sw ta th tr uk ur uz vi zh".split()
)
_COUNTRIES = frozenset(
    "ae at au be bg br ca ch cl cn co cz de dk ee es eu fi fr gb gr hk hr hu ie il in it jp kr lt lu lv mx my nl no nz"
    " pe ph pl pt ro rs ru sa se sg si sk th tr tw ua uk us vn za int".split()
)
_LOCALE = re.compile(r"([a-z]{2})[-_](?:[a-z]{4}[-_])?([a-z]{2})")
_ENDING = re.compile(r"\.(?:html?|xhtml|php\d?|aspx?|jspx?|cfm|do|action)$")
_INDEX = frozenset({"index", "default"})
_ID = re.compile(r"[0-9]+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=[a-f]{0,64}\d)[0-9a-f]{12,64}")
_CODE = re.compile(r"(?=[a-z]{0,12}\d)[a-z0-9]{1,32}")  # letters and digits with few words in between: a stock number
_SLUG_ID = re.compile(r"-(?:p|pd|pid|id|art|sku|i)?-?\d{3,20}$|-[pi]\d{1,20}$")
_NOT_WORD = re.compile(r"[\W_]+")
_CATEGORY_MARKS = ("/", ">", ".")


def _level(text: str) -> str:
    """One level in its canonical form: lower case, words joined by ``-``."""
    return _NOT_WORD.sub("-", text.strip().lower()[: 2 * _LEVEL_MAX])[:_LEVEL_MAX].strip("-")


class Sections:
    """Finds sections by a shop's rules.

    A rule is ``PATTERN -> SECTION``: in the pattern ``*`` stands for one segment of the path and ``**`` at the end for
    the rest; in the section ``$1``, ``$2`` … stand for what the first, second … ``*`` matched. Rules are tried in order
    on the URL path as the client sent it (decoded, lower case). One that can't be read raises
    :class:`~footfall.base.errors.BadInput`.
    """

    def __init__(self, rules: tuple[str, ...] = ()) -> None:
        self._rules = [_rule(rule) for rule in rules]

    def path_of(self, url_path: str, category: str) -> str:
        """The section of a page: up to four levels joined by ``/``, or ``""`` if nothing tells."""
        return self.found(url_path, category)[0]

    def found(self, url_path: str, category: str) -> tuple[str, int]:
        """As :meth:`path_of`, and how that is known: 0, ``Flag.SECTION_GUESSED`` or ``Flag.PAGE_NAMED``."""
        segments = _segments(url_path)
        for pattern, section in self._rules:
            found = _match(pattern, segments)
            if found is not None:
                return _filled(section, found), 0
        guess, is_word = _of_segments(segments, bool(url_path.strip()))
        if told := _of_category(category):
            return told, 0 if is_word or not guess else int(Flag.PAGE_NAMED)
        return guess, int(Flag.SECTION_GUESSED) if guess else 0


def _rule(rule: str) -> tuple[list[str], str]:
    pattern, arrow, section = rule.partition("->")
    segments = [segment.lower() for segment in pattern.strip().strip("/").split("/") if segment]
    if not arrow or not section.strip() or "**" in segments[:-1]:
        raise BadInput(
            f"section rule {rule!r} must read `PATTERN -> SECTION`, with `**` only at the end; "
            "mend it in section_rules",
            code="bad_section_rule",
        )
    return segments, section.strip()


def _match(pattern: list[str], segments: list[str]) -> list[str] | None:
    is_open = bool(pattern) and pattern[-1] == "**"
    fixed = pattern[:-1] if is_open else pattern
    if len(segments) < len(fixed) or (len(segments) > len(fixed) and not is_open):
        return None
    found = []
    for want, have in zip(fixed, segments, strict=False):
        if want == "*":
            found.append(have)
        elif want != have:
            return None
    return found


def _filled(section: str, found: list[str]) -> str:
    levels = []
    for part in section.split("/"):
        part = part.strip()
        if part.startswith("$") and part[1:].isdecimal():
            idx = int(part[1:]) - 1
            part = found[idx] if 0 <= idx < len(found) else ""
        levels.append(_level(part))
    return "/".join([level for level in levels if level][:LEVELS_MAX])


def _segments(url_path: str) -> list[str]:
    path = url_path[:_PATH_MAX].strip()
    if "://" in path[:12]:
        path = path.partition("://")[2].partition("/")[2]
    for mark in ("?", "#", ";"):
        path = path.partition(mark)[0]
    parts = path.replace("\\", "/").split("/")[: 2 * _SEGMENTS_MAX]
    return [segment for part in parts if (segment := unquote(part).strip().lower())][:_SEGMENTS_MAX]


def _of_category(category: str) -> str:
    text = category[:_PATH_MAX].strip()
    if not text:
        return ""
    mark = next((mark for mark in _CATEGORY_MARKS if mark in text), "")
    if mark == "." and (". " in text or any(char.isspace() for char in text)):
        mark = ""  # a sentence or an abbreviation, not a path
    levels = [level for part in (text.split(mark) if mark else [text]) if (level := _level(part))]
    if len(levels) > 1 and levels[0] in ("home", "all", "shop", "root"):
        del levels[0]
    return "/".join(levels[:LEVELS_MAX])


def _of_segments(segments: list[str], is_given: bool) -> tuple[str, bool]:
    """What a path says, and whether it says it with a word that always means that."""
    words = [_ENDING.sub("", segment) for segment in segments]
    n_ended = sum(word != segment for word, segment in zip(words, segments, strict=True))
    while words and words[-1] in _INDEX:
        words.pop()
    words = _without_locale(words)
    if not words:
        return ("home", True) if is_given else ("", False)
    for word, following in zip(words[:2], [*words[1:3], "", ""], strict=False):
        canonical = _canonical(word, following)
        if canonical and (canonical != "home" or len(words) == 1):
            return canonical, True
    levels: list[str] = []
    is_product = False
    for idx, word in enumerate(words):
        if word in _PRODUCT:
            is_product = idx + 1 < len(words)
            break
        if word in _STRUCTURE:
            continue
        is_last = idx + 1 == len(words)
        if is_last and levels and _is_product_slug(word, bool(n_ended)):
            is_product = True
            continue
        if not _is_id(word) and (level := _level(word)):
            levels.append(level)
        elif is_last:
            is_product = True
    return "/".join(levels[:LEVELS_MAX]) or ("product" if is_product else ""), False


def _canonical(word: str, following: str) -> str:
    """The section that a word of a path always means, if any; ``following`` is the word after it."""
    word = word.replace("_", "-")
    if word.startswith(_THANKS) or (word == "orders" and any(char.isdigit() for char in following)):
        return "checkout"
    return _CANONICAL_BY_WORD.get(word, "")


def _without_locale(words: list[str]) -> list[str]:
    for _ in range(2):
        if not words:
            break
        first = words[0]
        locale = _LOCALE.fullmatch(first)
        is_locale = first in _LANGUAGES or first in _COUNTRIES
        if locale:
            is_locale = bool({locale[1], locale[2]} & _LANGUAGES) and bool({locale[1], locale[2]} & _COUNTRIES)
        if not is_locale:
            break
        words = words[1:]
    return words


def _is_id(word: str) -> bool:
    return bool(_ID.fullmatch(word)) or (len(word) >= 5 and sum(char.isdigit() for char in word) * 3 >= len(word)
                                         and bool(_CODE.fullmatch(word)))  # fmt: skip


def _is_product_slug(word: str, is_file: bool) -> bool:
    n_words = word.count("-") + word.count("_") + 1
    return n_words >= 5 or bool(_SLUG_ID.search(word)) or (is_file and n_words >= 3)
