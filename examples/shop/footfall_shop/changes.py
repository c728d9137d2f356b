"""What can a visitor change? Cart, wishes, code, order and account; each change is told on the page that follows.

Every change is a POST from a page of the shop itself; the application refuses others before they come here.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from footfall_shop import telling
from footfall_shop.assortment import CODES
from footfall_shop.catalogue import BY_SLUG
from footfall_shop.forms import email_of, read_checkout, typed
from footfall_shop.pages import checkout_page, sign_in_page
from footfall_shop.rendering import Asked, Renderer
from footfall_shop.store import Visit
from footfall_shop.till import DELIVERIES, Line, add_up, line_of


def routes(shop: Renderer) -> list[HTTPRouteHandler]:
    """Handlers of every form."""
    store = shop.store

    def set_quantity(visit: Visit, line: Line, n_after: int) -> None:
        n_before = next((other.quantity for other in visit.lines if _is_same(other, line)), 0)
        changed = line_of(line.product.slug, line.size, line.colour, n_after)
        if not store.put_line(visit, changed or Line(line.product, line.size, line.colour, 0)):
            return  # nothing came into the cart, so nothing is told
        events = telling.cart_changed(line, n_before, changed.quantity if changed else 0)
        if events:
            store.tell_later(visit, events)

    @post("/cart/add", status_code=303)
    async def add(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        product = BY_SLUG.get(form.get("product", ""))
        line = line_of(form.get("product", ""), form.get("size", ""), form.get("colour", ""), _number(form, 1))
        if line is None:
            return shop.to(request, f"{product.path}?missing=size" if product else "/", visit)
        n_before = next((other.quantity for other in visit.lines if _is_same(other, line)), 0)
        set_quantity(visit, line, n_before + line.quantity)
        return shop.to(request, "/cart", visit)

    @post(["/cart/change", "/cart/remove"], status_code=303)
    async def change(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        wanted = 0 if request.scope["path"] == "/cart/remove" else _number(form, 1)
        same = [line for line in visit.lines if line.product.slug == form.get("product", "")]
        exact = [line for line in same if line.size == form.get("size") and line.colour == form.get("colour")]
        for line in (exact or same)[:1]:
            set_quantity(visit, line, wanted)
        return shop.to(request, "/cart", visit)

    @post("/cart/code", status_code=303)
    async def code(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        text = typed(form, "code").upper()
        properties = {"coupon_id": text or visit.code, "coupon_name": text or visit.code}
        if not text:
            event = telling.track("Coupon Removed", **properties) if visit.code else None
        elif text in CODES:
            discount = add_up(visit.lines, text).discount
            event = telling.track("Coupon Applied", **properties, discount=discount)
        else:
            event = telling.track("Coupon Denied", **properties, reason="unknown")
        if event:
            store.tell_later(visit, [event])
        if text and text not in CODES:
            return shop.to(request, "/cart?code=unknown#code", visit)
        store.set_code(visit, text)
        return shop.to(request, "/cart", visit)

    @post("/wishlist", status_code=303)
    async def wish(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        product = BY_SLUG.get(form.get("product", ""))
        if product is None:
            return shop.to(request, "/wishlist", visit)
        is_wanted = product not in visit.wishes
        store.wish(visit, product, is_wanted)
        event = telling.wish_changed(product, is_wanted)
        if "application/json" in request.headers.get("accept", ""):
            body = msgspec.json.encode({"isSaved": is_wanted, "events": [event]})
            return shop.answer(request, body, "application/json", visit=visit)
        store.tell_later(visit, [event])
        return shop.to(request, product.path if form.get("from") != "list" else "/wishlist", visit)

    @post("/checkout", status_code=303)
    async def order(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        if not visit.lines:
            return shop.to(request, "/cart", visit)
        wanted, errors = read_checkout(form, DELIVERIES)
        if wanted is None:
            return checkout_page(shop, request, visit, {k: v for k, v in form.items() if k != "card"}, errors)
        order_id = store.place(visit, wanted, add_up(visit.lines, visit.code, wanted.delivery))
        store.tell_later(visit, [telling.identify(wanted.email, name=wanted.name, country=wanted.country)])
        return shop.to(request, f"/order/{order_id}", visit)

    @post("/sign-in", status_code=303)
    async def sign_in(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        email = email_of(form.get("email", ""))
        if not email:
            message = "Please give an e-mail address such as ada@example.org."
            return sign_in_page(shop, request, visit, typed(form, "email"), message)
        is_new = store.sign_in(visit, email)
        told = telling.track("Signed Up" if is_new else "Signed In", method="email")
        store.tell_later(visit, [telling.identify(email), told])
        return shop.to(request, "/account", visit)

    @post("/sign-out", status_code=303)
    async def sign_out(request: Asked) -> Response[bytes]:
        visit = shop.visit(request)
        store.sign_out(visit)
        return shop.to(request, "/", visit)

    @post("/account/return", status_code=303)
    async def take_back(request: Asked) -> Response[bytes]:
        form, visit = await _form(request), shop.visit(request)
        placed = store.order(visit, form.get("order", ""))
        if placed and store.take_back(placed.id):
            store.tell_later(visit, [telling.order_refunded(placed)])
        return shop.to(request, "/account" if visit.email else f"/order/{placed.id}" if placed else "/", visit)

    return [add, change, code, wish, order, sign_in, sign_out, take_back]


async def _form(request: Asked) -> dict[str, str]:
    """The fields of a form; files and doubled fields don't count."""
    fields: Mapping[str, Any] = dict((await request.form()).items())
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _number(form: Mapping[str, str], otherwise: int) -> int:
    text = form.get("quantity", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else otherwise


def _is_same(line: Line, other: Line) -> bool:
    return (line.product, line.size, line.colour) == (other.product, other.size, other.colour)
