# ruff: noqa: E501  (markup reads better unbroken)
"""What does each page of the shop say? HTML from catalogue and cart; every text is escaped here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from footfall_shop import catalogue
from footfall_shop.catalogue import CURRENCY, PRODUCTS, Product, as_json


@dataclass(frozen=True)
class Line:
    """A line of a cart or an order."""

    product: Product
    quantity: int

    @property
    def total(self) -> float:
        """What the line costs, in the shop's currency."""
        return round(self.product.price * self.quantity, 2)


@dataclass(frozen=True)
class Setting:
    """What every page needs: where the tracker is, and who is shopping with what in the cart."""

    tracker_url: str
    write_key: str
    is_consent_required: bool
    cart: Sequence[Line]
    user: str


def money(amount: float) -> str:
    """``1234.5`` as the shop prints it."""
    return f"${amount:,.2f}"


def order_path(order_id: str) -> str:
    """Where the confirmation of an order stands."""
    return f"/thank-you/{order_id}"


def total(lines: Sequence[Line]) -> float:
    """What the lines cost together."""
    return round(sum(line.total for line in lines), 2)


def lines_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as ``properties.products``."""
    return [as_json(line.product, quantity=line.quantity) for line in lines]


def home(setting: Setting) -> str:
    """The front page: a promotion, the departments, what is reduced."""
    departments = "".join(
        f'<a class="tile" href="/{path}"><img src="/pictures/{catalogue.in_category(path)[0].slug}.svg" alt="" width="320" '
        f'height="320"><span>{escape(catalogue.title_of(path))}</span></a>'
        for path in catalogue.children("")
    )
    reduced = [product for product in PRODUCTS if product.regular_price]
    body = f"""
<section class="hero">
  <div>
    <p class="eyebrow">Autumn sale</p>
    <h1>Made to be kept.</h1>
    <p>Shoes that can be resoled, pans for the next cook, tents for another decade. Some of it at a friendlier price this week.</p>
    <a class="button" href="/women/clothing" data-footfall-event="Promotion Clicked" data-footfall-prop-promotion_id="autumn-sale"
      data-footfall-prop-name="Autumn sale" data-footfall-prop-position="hero">See the sale</a>
  </div>
  <img src="/pictures/quilt-liner.svg" alt="" width="320" height="320">
</section>
<section><h2>Departments</h2><div class="tiles">{departments}</div></section>
<section><h2>Reduced this week</h2>{_grid(reduced[:8], "home/reduced")}</section>"""
    events = [{"event": "Promotion Viewed", "properties": {"promotion_id": "autumn-sale", "name": "Autumn sale"}}]
    return _page(setting, "Alder & Finch", body, page=["home", "Home"], events=events)


def listing(setting: Setting, path: str, sort: str) -> str:
    """A category: its children, and everything in it."""
    products = _sorted(catalogue.in_category(path), sort)
    title = catalogue.title_of(path)
    children = "".join(
        f'<a class="chip" href="/{child}">{escape(catalogue.title_of(child))}</a>' for child in catalogue.children(path)
    )
    options = "".join(
        f'<option value="{value}"{" selected" if value == sort else ""}>{text}</option>'
        for value, text in (("", "Our order"), ("price", "Price, low to high"), ("-price", "Price, high to low"))
    )
    body = f"""
{_crumbs(path)}
<div class="bar"><h1>{escape(title)} <small>{len(products)}</small></h1>
<form action="/{escape(path)}" data-sort><label>Sort <select name="sort">{options}</select></label><noscript><button>Go</button></noscript></form></div>
<nav class="chips" aria-label="Narrower">{children}</nav>
{_grid(products, path)}"""
    events = [
        {
            "event": "Product List Viewed",
            "properties": {"list_id": path, "category": path, "products": [as_json(p) for p in products[:24]]},
        }
    ]
    return _page(setting, title, body, page=[path, title], events=events)


def product(setting: Setting, shown: Product) -> str:
    """One product."""
    sizes = "".join(
        f'<label><input type="radio" name="size" value="{size}"{" checked" if index == 2 else ""}><span>{size}</span></label>'
        for index, size in enumerate(shown.sizes)
    )
    size_choice = f'<fieldset class="sizes"><legend>Size</legend>{sizes}</fieldset>' if sizes else ""
    related = [other for other in catalogue.in_category(shown.category) if other is not shown]
    related += [
        other for other in catalogue.in_category(shown.category.split("/")[0]) if other not in [*related, shown]
    ]
    body = f"""
{_crumbs(shown.category, shown.name)}
<article class="product">
  <img src="/pictures/{shown.slug}.svg" alt="{escape(shown.name)}" width="320" height="320">
  <div>
    <h1>{escape(shown.name)}</h1>
    {_price(shown)}
    <p>{escape(shown.about)}</p>
    <form method="post" action="/cart/add" data-event="Product Added">
      <input type="hidden" name="product" value="{shown.slug}">
      {size_choice}
      <label class="quantity">Quantity <select name="quantity">{"".join(f"<option>{n}</option>" for n in range(1, 6))}</select></label>
      <button class="button">Add to cart</button>
      <button class="button quiet" type="button" data-wishlist aria-pressed="false">Save for later</button>
    </form>
    <ul class="promises"><li>Delivered in 2 to 3 days</li><li>30 days to send it back</li><li>Repaired by us for ten years</li></ul>
  </div>
</article>
<section><h2>Goes well with</h2>{_grid(related[:4], f"related/{shown.slug}")}</section>"""
    linked = {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": shown.sku,
        "productID": shown.slug,
        "name": shown.name,
        "category": shown.category,
        "offers": {"@type": "Offer", "price": f"{shown.price:.2f}", "priceCurrency": CURRENCY},
    }
    return _page(
        setting,
        shown.name,
        body,
        page=[shown.category, shown.name],
        events=[{"event": "Product Viewed", "properties": as_json(shown)}],
        data={"product": as_json(shown)},
        linked=linked,
    )


def found(setting: Setting, query: str, products: Sequence[Product]) -> str:
    """Search results."""
    body = (
        f"<h1>{len(products)} found for “{escape(query)}”</h1>{_grid(products, 'search')}"
        if products
        else f"<h1>Nothing found for “{escape(query)}”</h1><p>Try fewer words, or <a href='/'>start from the front page</a>.</p>"
    )
    events = [{"event": "Products Searched", "properties": {"query": query, "n_results": len(products)}}]
    return _page(setting, "Search", body, page=["search", "Search"], events=events, query=query)


def cart(setting: Setting) -> str:
    """The cart."""
    if not setting.cart:
        body = "<h1>Your cart is empty</h1><p>Good things wait <a href='/'>on the front page</a>.</p>"
        return _page(setting, "Cart", body, page=["cart", "Cart"])
    rows = "".join(
        f"""<li><a href="{line.product.path}"><img src="/pictures/{line.product.slug}.svg" alt="" width="88" height="88"></a>
<div><a href="{line.product.path}">{escape(line.product.name)}</a><span>{line.quantity} × {money(line.product.price)}</span></div>
<strong>{money(line.total)}</strong>
<form method="post" action="/cart/remove" data-event="Product Removed" data-line="{index}"><input type="hidden" name="product"
value="{line.product.slug}"><button class="link" aria-label="Remove {escape(line.product.name)}">Remove</button></form></li>"""
        for index, line in enumerate(setting.cart)
    )
    body = f"""<h1>Cart</h1><ul class="lines">{rows}</ul>
<p class="total">Total <strong>{money(total(setting.cart))}</strong></p>
<a class="button" href="/checkout">Check out</a>"""
    value = {"value": total(setting.cart), "currency": CURRENCY, "products": lines_json(setting.cart)}
    return _page(
        setting,
        "Cart",
        body,
        page=["cart", "Cart"],
        events=[{"event": "Cart Viewed", "properties": value}],
        data={"lines": lines_json(setting.cart)},
    )


def checkout(setting: Setting) -> str:
    """Address and payment on one page."""
    lines = "".join(
        f"<li><span>{line.quantity} × {escape(line.product.name)}</span><strong>{money(line.total)}</strong></li>"
        for line in setting.cart
    )
    body = f"""<h1>Check out</h1><div class="columns">
<form method="post" action="/checkout" data-event="Payment Info Entered" class="stack">
<label>E-mail<input name="email" type="email" autocomplete="email" required value="{escape(setting.user)}"></label>
<label>Name<input name="name" autocomplete="name" required></label>
<label>Address<input name="address" autocomplete="street-address" required></label>
<fieldset><legend>Payment</legend>
<label class="inline"><input type="radio" name="payment" value="card" checked> Card</label>
<label class="inline"><input type="radio" name="payment" value="invoice"> Invoice</label></fieldset>
<button class="button">Pay {money(total(setting.cart))}</button>
<p class="fine">A demonstration shop: nothing is charged and nothing is sent.</p></form>
<aside class="summary"><h2>Your order</h2><ul>{lines}</ul><p class="total">Total <strong>{money(total(setting.cart))}</strong></p></aside></div>"""
    value = {"value": total(setting.cart), "currency": CURRENCY, "products": lines_json(setting.cart)}
    return _page(
        setting,
        "Check out",
        body,
        page=["checkout", "Check out"],
        events=[{"event": "Checkout Started", "properties": value}],
        data={"checkout": {"value": total(setting.cart), "currency": CURRENCY}},
    )


def confirmed(setting: Setting, order_id: str, lines: Sequence[Line]) -> str:
    """Thank you."""
    listed = "".join(
        f"<li><span>{line.quantity} × {escape(line.product.name)}</span><strong>{money(line.total)}</strong></li>"
        for line in lines
    )
    body = f"""<h1>Thank you</h1><p>Your order <strong>{escape(order_id)}</strong> is on its way to nowhere: this is a demonstration.</p>
<aside class="summary"><ul>{listed}</ul><p class="total">Total <strong>{money(total(lines))}</strong></p></aside>
<p><a class="button quiet" href="/">Look around again</a></p>"""
    order = {
        "order_id": order_id,
        "revenue": total(lines),
        "total": total(lines),
        "currency": CURRENCY,
        "products": lines_json(lines),
    }
    return _page(
        setting,
        "Thank you",
        body,
        page=["checkout", "Order confirmed"],
        events=[{"event": "Order Completed", "properties": order}],
    )


def account(setting: Setting, has_just_signed_in: bool) -> str:
    """Sign in, or out."""
    if setting.user:
        body = f"""<h1>Hello</h1><p>Signed in as <strong>{escape(setting.user)}</strong>.</p>
<form method="post" action="/sign-out" data-sign-out><button class="button quiet">Sign out</button></form>"""
    else:
        body = """<h1>Sign in</h1><form method="post" action="/sign-in" class="stack narrow">
<label>E-mail<input name="email" type="email" autocomplete="email" required></label>
<button class="button">Sign in</button><p class="fine">Any address will do: there is no password in a demonstration.</p></form>"""
    events = [{"event": "Signed In", "properties": {"method": "email"}}] if has_just_signed_in else []
    return _page(setting, "Account", body, page=["account", "Account"], events=events)


def missing(setting: Setting) -> str:
    """404."""
    body = "<h1>Nothing here</h1><p>The page may have moved. <a href='/'>Back to the shop</a>.</p>"
    return _page(setting, "Not found", body, page=["not-found", "Not found"])


def _sorted(products: list[Product], sort: str) -> list[Product]:
    if sort in ("price", "-price"):
        return sorted(products, key=lambda product: product.price, reverse=sort == "-price")
    return products


def _price(shown: Product) -> str:
    if shown.regular_price:
        return f'<p class="price"><s>{money(shown.regular_price)}</s> <strong class="sale">{money(shown.price)}</strong></p>'
    return f'<p class="price"><strong>{money(shown.price)}</strong></p>'


def _grid(products: Sequence[Product], list_id: str) -> str:
    cards = "".join(
        f"""<li><a href="{p.path}" data-footfall-event="Product Clicked" data-footfall-prop-product_id="{p.slug}"
data-footfall-prop-name="{escape(p.name)}" data-footfall-prop-category="{p.category}" data-footfall-prop-price="{p.price}"
data-footfall-prop-currency="{CURRENCY}" data-footfall-prop-list_id="{escape(list_id)}" data-footfall-prop-position="{position}">
<img src="/pictures/{p.slug}.svg" alt="" width="320" height="320" loading="lazy"><span class="name">{escape(p.name)}</span>{_price(p)}</a></li>"""
        for position, p in enumerate(products, 1)
    )
    return f'<ul class="grid">{cards}</ul>'


def _crumbs(path: str, leaf: str = "") -> str:
    segments = path.split("/")
    links = [
        f'<a href="/{"/".join(segments[: depth + 1])}">{escape(catalogue.title_of(segment))}</a>'
        for depth, segment in enumerate(segments)
    ]
    if leaf:
        links.append(f"<span>{escape(leaf)}</span>")
    return f'<nav class="crumbs" aria-label="You are here"><a href="/">Shop</a>{"".join(links)}</nav>'


def _script_json(value: object) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def _page(
    setting: Setting,
    title: str,
    body: str,
    *,
    page: list[str],
    events: Sequence[dict[str, Any]] = (),
    data: dict[str, Any] | None = None,
    linked: dict[str, Any] | None = None,
    query: str = "",
) -> str:
    navigation = "".join(f'<a href="/{path}">{escape(catalogue.title_of(path))}</a>' for path in catalogue.children(""))
    n_items = sum(line.quantity for line in setting.cart)
    known = {"page": page, "events": list(events), "user": setting.user} | (data or {})
    linked_data = f'<script type="application/ld+json">{_script_json(linked)}</script>' if linked else ""
    banner = (
        """<div class="consent" role="dialog" aria-label="Privacy" hidden data-consent-banner>
<p>May we remember what you look at, to make this shop better for you?</p>
<button class="button" data-consent="granted">Yes</button><button class="button quiet" data-consent="denied">No</button></div>"""
        if setting.is_consent_required
        else ""
    )
    consent = ' data-consent="required"' if setting.is_consent_required else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}{"" if title == "Alder & Finch" else " · Alder &amp; Finch"}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/shop.css">
<script src="/stub.js"></script>
<script async src="{escape(setting.tracker_url)}" data-write-key="{escape(setting.write_key)}" data-auto-page="false"{consent}></script>
<script defer src="/shop.js"></script>
{linked_data}
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
  <a class="brand" href="/">Alder <span>&amp;</span> Finch</a>
  <nav aria-label="Departments">{navigation}</nav>
  <form action="/search" role="search"><input type="search" name="q" aria-label="Search the shop" placeholder="Search" value="{escape(query)}"></form>
  <div class="own"><a href="/account">{"Account" if setting.user else "Sign in"}</a><a href="/cart">Cart <b>{n_items}</b></a></div>
</header>
<main id="main">{body}</main>
<footer><p>Alder &amp; Finch is a demonstration shop that comes with Footfall.</p></footer>
{banner}
<script type="application/json" id="shop-data">{_script_json(known)}</script>
</body>
</html>
"""
