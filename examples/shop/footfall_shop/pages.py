# ruff: noqa: E501  (what a page is given reads better unbroken)
"""Which address shows which page? Every page of the shop, and what it tells of itself."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

from footfall_shop import catalogue, telling
from footfall_shop.assortment import CAMPAIGNS, COLOURS, CURRENCY, PRODUCTS, Product
from footfall_shop.forms import COUNTRIES
from footfall_shop.listing import narrow
from footfall_shop.rendering import Asked, Renderer
from footfall_shop.store import Visit
from footfall_shop.till import DELIVERIES, QUANTITY_MAX, add_up

GIFTS_FOR = {
    "her": ("For her", "lough-throw", "women"),
    "him": ("For him", "flannel-check", "men"),
    "home": ("For the house", "dusk-lamp", "house"),
    "outdoors": ("For the outdoors", "storm-lantern", "outdoor"),
}
"""Who a gift is for: title, picture, department."""
GIFT_BUDGETS = {
    "under-50": ("Under $50", 0, 50),
    "50-100": ("$50 to $100", 50, 100),
    "100-200": ("$100 to $200", 100, 200),
}
TEXTS = {"about": "About us", "delivery": "Delivery", "returns": "Returns and repairs", "privacy": "Privacy"}
_QUERY_MAX = 100


def routes(shop: Renderer) -> list[HTTPRouteHandler]:
    """Handlers of every address that is looked at."""

    @get("/")
    async def home(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        best = sorted(PRODUCTS, key=lambda product: -product.n_reviews)[:4]
        new = [product for product in PRODUCTS if product.is_new][:4]
        shown = {campaign.name: telling.promotion(campaign, position) for campaign, position in _tiles()}
        return shop.page(
            request, visit, "home.html", title="Alder & Finch: made to be kept", page=("home", "Home"),
            about="Shoes that can be resoled, pans for the next cook, tents for another decade.",
            events=[telling.track("Promotion Viewed", **promotion) for promotion in shown.values()], promotions=shown,
            products=telling.listed(best, "home/best") | telling.listed(new, "home/new"), best=best, new=new,
        )  # fmt: skip

    def section(request: Asked, path: str) -> Response[bytes]:
        visit, found = shop.visit(request), catalogue.CATEGORIES[path]
        listing = narrow(catalogue.in_category(path), _words(request), f"/{path}")
        return shop.page(
            request, visit, "list.html", title=f"{found.title}{_below(path)}", page=(path, found.title), about=found.lead,
            events=[telling.list_viewed(listing, path, path)], products=telling.listed(listing.products, path),
            listing=listing, section_path=path, lead=found.lead, heading=found.title,
        )  # fmt: skip

    @get("/{a:str}")
    async def first_level(request: Asked) -> Response[bytes]:
        return section(request, _section(request))

    @get("/{a:str}/{b:str}")
    async def second_level(request: Asked) -> Response[bytes]:
        return section(request, _section(request))

    @get("/{a:str}/{b:str}/{c:str}")
    async def third_level(request: Asked) -> Response[bytes]:
        return section(request, _section(request))

    @get("/{a:str}/{b:str}/{c:str}/{slug:str}")
    async def product(request: Asked) -> Response[bytes]:
        slug = _part(request, "slug")
        shown = catalogue.BY_SLUG.get(slug)
        if shown is None or shown.path != request.scope["path"].rstrip("/"):
            raise NotFoundException
        visit, words = shop.visit(request), _words(request)
        colour = words.get("colour", "")
        colour = colour if colour in shown.colours else shown.colours[0]
        related = _related(shown)
        viewed = telling.track(
            "Product Viewed",
            **catalogue.as_json(shown, variant=COLOURS[colour].name, url=str(request.url.with_replacements(query=""))),
        )
        return shop.page(
            request, visit, "product.html", title=shown.name, page=(shown.category, shown.name), about=shown.about,
            events=[] if "missing" in words else [viewed], products=telling.listed(related, f"related/{slug}"),
            product=shown, colour=colour, related=related, is_wished=shown in visit.wishes,
            is_size_missing=words.get("missing") == "size", linked=_linked(shown), quantity_max=min(QUANTITY_MAX, shown.stock),
        )  # fmt: skip

    @get("/search")
    async def search(request: Asked) -> Response[bytes]:
        visit, words = shop.visit(request), _words(request)
        query = words.get("q", "").strip()[:_QUERY_MAX]
        found = catalogue.search(query)
        listing = narrow(found, words | {"q": query}, "/search", keep=["q"])
        popular = sorted(PRODUCTS, key=lambda product: -product.n_reviews)[:4] if not found else []
        return shop.page(
            request, visit, "search.html", title=f"Search: {query}" if query else "Search", page=("search", "Search"),
            events=[telling.searched(query, len(found))] if query else [], query=query, listing=listing, popular=popular,
            products=telling.listed(listing.products, "search") | telling.listed(popular, "search/popular"),
            sections_found=catalogue.suggest(query)[0],
        )  # fmt: skip

    @get("/suggest")
    async def suggest(request: Asked) -> Response[bytes]:
        found_sections, found = catalogue.suggest(_words(request).get("q", "")[:_QUERY_MAX])
        entries = [
            {"title": section.title, "path": f"/{section.path}", "about": "Section"} for section in found_sections
        ]
        entries += [
            {"title": product.name, "path": product.path, "about": f"${product.price:,.2f}"} for product in found
        ]
        return shop.answer(request, msgspec.json.encode(entries), "application/json", cache="public, max-age=300")

    @get("/sale")
    async def sale(request: Asked) -> Response[bytes]:
        reduced = [product for product in PRODUCTS if product.regular_price]
        listing = narrow(reduced, _words(request), "/sale")
        lead = "Reduced until it is gone. We reduce twice a year, and only what we won't make again."
        return shop.page(
            request, shop.visit(request), "list.html", title="Sale", page=("sale", "Sale"), about=lead,
            events=[telling.list_viewed(listing, "sale", "sale")], products=telling.listed(listing.products, "sale"),
            listing=listing, section_path="", lead=lead, heading="Sale",
        )  # fmt: skip

    @get("/campaign/{name:str}")
    async def campaign(request: Asked) -> Response[bytes]:
        name = _part(request, "name")
        found = CAMPAIGNS.get(name)
        if found is None:
            raise NotFoundException
        listing = narrow([catalogue.BY_SLUG[slug] for slug in found.slugs], _words(request), found.path)
        promotion = telling.promotion(found, "landing")
        list_id = f"campaign/{name}"
        return shop.page(
            request, shop.visit(request), "campaign.html", title=found.title, page=(list_id, found.title), about=found.lead,
            events=[telling.track("Promotion Viewed", **promotion), telling.list_viewed(listing, list_id, list_id)],
            products=telling.listed(listing.products, list_id), campaign=found, listing=listing,
        )  # fmt: skip

    @get(["/gifts", "/gifts/{whom:str}", "/gifts/{whom:str}/{budget:str}"])
    async def gifts(request: Asked) -> Response[bytes]:
        whom, budget = _part(request, "whom"), _part(request, "budget")
        if (whom and whom not in GIFTS_FOR) or (budget and budget not in GIFT_BUDGETS):
            raise NotFoundException
        found = _gifts(whom, budget) if budget else []
        list_id = "/".join(part for part in ("gifts", whom, budget) if part)
        examples = {key: _gifts(whom, key)[0] for key in GIFT_BUDGETS} if whom and not budget else {}
        parts = ["Gift finder", GIFTS_FOR[whom][0] if whom else "", GIFT_BUDGETS[budget][0] if budget else ""]
        title = ", ".join(part for part in parts if part)
        listed = [catalogue.as_json(product, position=n) for n, product in enumerate(found, 1)]
        event = telling.track("Product List Viewed", list_id=list_id, category="gifts", products=listed)
        return shop.page(
            request, shop.visit(request), "gifts.html", title=title, page=("gifts", title), events=[event] if found else [],
            products=telling.listed(found, list_id), whom=whom, budget=budget, found=found, people=GIFTS_FOR,
            examples=examples, budgets=GIFT_BUDGETS, pictured={key: catalogue.BY_SLUG[slug] for key, (_, slug, _) in GIFTS_FOR.items()},
        )  # fmt: skip

    @get("/cart")
    async def cart(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        totals = add_up(visit.lines, visit.code)
        beside = [] if visit.lines else sorted(PRODUCTS, key=lambda product: -product.n_reviews)[:4]
        return shop.page(
            request, visit, "cart.html", title="Cart", page=("cart", "Cart"), totals=totals, beside=beside,
            events=[telling.cart_viewed(visit, totals)], products=telling.listed(beside, "cart/empty"),
            is_code_wrong="code" in _words(request), quantity_max=QUANTITY_MAX,
        )  # fmt: skip

    @get("/checkout")
    async def checkout(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        if not visit.lines:
            return shop.to(request, "/cart", visit)
        return checkout_page(shop, request, visit, {"email": visit.email, "country": "US", "delivery": "standard"}, {})

    @get("/order/{order_id:str}")
    async def order(request: Asked) -> Response[bytes]:
        order_id = _part(request, "order_id")
        visit = shop.visit(request)
        placed = shop.store.order(visit, order_id)
        if placed is None:
            raise NotFoundException
        is_new = not request.scope.get("is_head") and shop.store.tell_order(order_id)
        return shop.page(
            request, visit, "order.html", title=f"Order {order_id}", page=("checkout", "Order confirmed"), order=placed,
            events=[telling.order_completed(placed)] if is_new else [], is_told_once=is_new, way=DELIVERIES[placed.way], when=_date(placed.placed_s),
        )  # fmt: skip

    @get("/account")
    async def account(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        if not visit.email:
            return sign_in_page(shop, request, visit)
        orders = [(placed, _date(placed.placed_s)) for placed in shop.store.orders(visit)]
        return shop.page(request, visit, "account.html", title="Your account", page=("account", "Account"), orders=orders,
                         products=telling.listed(visit.wishes[:4], "wishlist"))  # fmt: skip

    @get("/sign-in")
    async def sign_in(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        return shop.to(request, "/account", visit) if visit.email else sign_in_page(shop, request, visit)

    @get("/wishlist")
    async def wishlist(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        return shop.page(request, visit, "wishlist.html", title="Wish list", page=("account", "Wish list"),
                         products=telling.listed(visit.wishes, "wishlist"))  # fmt: skip

    def text(name: str) -> HTTPRouteHandler:
        @get(f"/{name}", name=name)
        async def show(request: Asked) -> Response[bytes]:
            return shop.page(
                request, shop.visit(request), f"{name}.html", title=TEXTS[name], page=("help", TEXTS[name])
            )

        return show

    @get("/pictures/{version:str}/{name:str}")
    async def picture(request: Asked) -> Response[bytes]:
        return _found(shop.picture(request, _part(request, "name").removesuffix(".svg")))

    @get("/static/{version:str}/{name:str}")
    async def file(request: Asked) -> Response[bytes]:
        return _found(shop.file(request, _part(request, "name")))

    @get("/robots.txt")
    async def robots(request: Asked) -> Response[bytes]:
        rules = b"User-agent: *\nDisallow: /cart\nDisallow: /checkout\nDisallow: /account\nDisallow: /ff/\n"
        return shop.answer(request, rules, "text/plain", cache="public, max-age=86400")

    return [
        home, first_level, second_level, third_level, product, search, suggest, sale, campaign, gifts, cart, checkout,
        order, account, sign_in, wishlist, picture, file, robots, *(text(name) for name in TEXTS),
    ]  # fmt: skip


def checkout_page(
    shop: Renderer, request: Asked, visit: Visit, form: dict[str, str], errors: dict[str, str]
) -> Response[bytes]:
    """The checkout with what was typed so far, and what is wrong with it."""
    ways = {key: add_up(visit.lines, visit.code, key) for key in DELIVERIES}
    totals = ways.get(form.get("delivery", ""), ways["standard"])
    shop.store.start_checkout(visit)
    return shop.page(
        request, visit, "checkout.html", title="Check out", page=("checkout", "Check out"), status=422 if errors else 200,
        events=[] if errors else [telling.checkout_started(visit, totals)], totals=totals, ways=ways, deliveries=DELIVERIES,
        form={name: form.get(name, "") for name in ("email", "name", "address", "city", "postcode", "country", "delivery")},
        errors=errors, countries=COUNTRIES,
    )  # fmt: skip


def sign_in_page(shop: Renderer, request: Asked, visit: Visit, typed: str = "", error: str = "") -> Response[bytes]:
    """The sign-in form."""
    return shop.page(
        request, visit, "sign_in.html", title="Sign in", page=("account", "Sign in"), typed=typed, error=error,
        status=422 if error else 200,
    )  # fmt: skip


def _words(request: Asked) -> dict[str, str]:
    """The words of the address; of doubled ones the last."""
    return {name: value for name, value in request.query_params.items() if isinstance(value, str)}


def _part(request: Asked, name: str) -> str:
    """A part of the address, or ``""``."""
    return str(request.path_params.get(name, ""))


def _section(request: Asked) -> str:
    """The section that the address names."""
    path = "/".join(_part(request, name) for name in ("a", "b", "c") if name in request.path_params)
    if path not in catalogue.CATEGORIES:
        raise NotFoundException
    return path


def _below(path: str) -> str:
    department = path.partition("/")[0]
    return f", {catalogue.title_of(department).lower()}" if "/" in path else ""


def _tiles() -> list[tuple[Any, str]]:
    names = ("autumn-sale", "knitwear-season", "night-by-the-lake", "slow-mornings")
    positions = ("hero", "tile-1", "tile-2", "tile-3")
    return [(CAMPAIGNS[name], position) for name, position in zip(names, positions, strict=True)]


def _related(shown: Product) -> list[Product]:
    """Two of the same section, then what others of the department like most."""
    same = [product for product in catalogue.in_category(shown.category) if product is not shown][:2]
    department = catalogue.in_category(shown.category.partition("/")[0])
    others = sorted(department, key=lambda product: -product.n_reviews)
    seen = [shown, *same]
    return [*same, *(product for product in others if product not in seen and product.category != shown.category)][:4]


def _gifts(whom: str, budget: str) -> list[Product]:
    _, low, high = GIFT_BUDGETS[budget]
    department = GIFTS_FOR[whom][2]
    fitting = [
        product
        for product in PRODUCTS
        if low <= product.price < high and product.is_available and not _has_shoe_size(product)
    ]
    own = [product for product in fitting if product.category.startswith(f"{department}/")]
    others = [
        product for product in fitting if product.category.startswith(("house/", "outdoor/")) and product not in own
    ]
    return (
        sorted(own, key=lambda product: -product.rating)[:8]
        + sorted(others, key=lambda product: -product.rating)[: max(0, 8 - len(own))]
    )


def _has_shoe_size(product: Product) -> bool:
    return "/shoes/" in product.category


def _linked(shown: Product) -> dict[str, Any]:
    """The product as schema.org describes it, for search engines."""
    state = "InStock" if shown.is_available else "OutOfStock"
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": shown.sku,
        "productID": shown.slug,
        "name": shown.name,
        "description": shown.about,
        "category": shown.category,
        "brand": {"@type": "Brand", "name": catalogue.BRAND},
        "aggregateRating": {"@type": "AggregateRating", "ratingValue": shown.rating, "reviewCount": shown.n_reviews},
        "offers": {
            "@type": "Offer",
            "price": f"{shown.price:.2f}",
            "priceCurrency": CURRENCY,
            "availability": f"https://schema.org/{state}",
        },
    }


def _date(epoch_s: int) -> str:
    when = datetime.fromtimestamp(epoch_s, UTC)
    return f"{when.day} {when:%B %Y}"


def _found(response: Response[bytes] | None) -> Response[bytes]:
    if response is None:
        raise NotFoundException
    return response
