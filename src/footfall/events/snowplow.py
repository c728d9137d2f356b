"""What does a Snowplow tracker say, in the Segment spec? One JSON line for each payload.

Reads the tracker protocol v2 (``e`` = pv, pp, ue, se, tr, ti; JSON plain or base64url) with the contexts that matter to
a shop. E-commerce actions get Segment's names; other self-describing events keep their schema's name, which
:mod:`footfall.events.names` knows or leaves custom.
"""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

from footfall.base.errors import BadInput
from footfall.events.clean import time_ms
from footfall.events.lenient import Refused, parsed
from footfall.events.money import amount
from footfall.events.reasons import REASONS
from footfall.events.segment import iso, line, refused

_PARAMETERS_MAX = 300
_ITEMS_MAX = 500

Json = dict[str, Any]

_ACTIONS = {
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "product_view": "Product Viewed",
    "list_click": "Product Clicked",
    "list_view": "Product List Viewed",
    "promo_click": "Promotion Clicked",
    "promo_view": "Promotion Viewed",
    "checkout_step": "Checkout Step Completed",
    "transaction": "Order Completed",
    "refund": "Order Refunded",
}
_ENHANCED_ACTIONS = {  # the older plug-in that copied Google's enhanced e-commerce
    "click": "Product Clicked",
    "detail": "Product Viewed",
    "view": "Product List Viewed",
    "add": "Product Added",
    "remove": "Product Removed",
    "checkout": "Checkout Started",
    "checkout_option": "Checkout Step Completed",
    "purchase": "Order Completed",
    "refund": "Order Refunded",
    "promo_click": "Promotion Clicked",
}
_PRODUCT = {
    "id": "product_id", "sku": "product_id", "unitPrice": "price", "list_price": "regular_price",
    "inventory_status": "availability",
}  # fmt: skip
_ORDER = {
    "transaction_id": "order_id", "orderId": "order_id", "id": "order_id", "totalValue": "total",
    "total_value": "total",
    "taxValue": "tax", "discount_amount": "discount", "discount_code": "coupon", "refund_amount": "revenue",
    "refund_reason": "reason",
}  # fmt: skip
_PROMOTION = {"id": "promotion_id", "creative_id": "creative", "type": "promotion_type"}
_PRODUCT_SCHEMAS = ("product", "productFieldObject", "impressionFieldObject")
_ORDER_SCHEMAS = ("transaction", "refund", "actionFieldObject")
_PROMOTION_SCHEMAS = ("promotion", "promoFieldObject")
_WITHOUT_CONTENT = frozenset({"submit_form", "change_form", "focus_form"})


class _Broken(Exception):
    """A part of a payload that can't be read; carries the reason code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def events_of_tp2(body: bytes) -> list[bytes]:
    """Events of a POST (``{"schema": "iglu:…/payload_data/…", "data": [...]}``), one JSON line each.

    A payload that can't be read becomes a line that will be refused with a reason; its neighbours aren't hurt.
    Raises ``BadInput`` when the body as a whole can't be read.
    """
    try:
        given = parsed(body)
    except Refused as error:
        raise BadInput(REASONS[error.reason], code=error.reason, detail=error.detail) from None
    payloads = given.get("data", given) if isinstance(given, dict) else given
    if isinstance(payloads, dict) and "e" in payloads:
        payloads = [payloads]
    if not isinstance(payloads, list):
        raise BadInput("`data` must be a list of payloads.", code="not_an_object")
    items = _items_by_order(payloads)
    return [_line(payload, items) for payload in payloads]


def events_of_query(query: str) -> list[bytes]:
    """The event of a GET: the payload's fields are query parameters. Raises ``BadInput`` if there are too many."""
    try:
        pairs = parse_qsl(query, max_num_fields=_PARAMETERS_MAX)
    except ValueError as error:
        raise BadInput("The query has more parameters than the tracker protocol knows.", code="bad_json") from error
    payload: Json = {}
    for name, value in pairs:
        payload.setdefault(name, value)
    return [_line(payload, {})]


def _line(payload: Any, items: dict[str, list[Json]]) -> bytes:
    if not isinstance(payload, dict):
        return refused("not_an_object", "a payload must be an object", payload)
    try:
        return line(_event(payload, items))
    except _Broken as error:
        return refused(error.reason, error.detail, payload)


def _event(payload: Json, items: dict[str, list[Json]]) -> Json:
    contexts = _contexts(payload)
    event = _envelope(payload, contexts)
    what = payload.get("e")
    if what == "pv":
        event["type"] = "page"
        event["name"] = payload.get("page")
        event["properties"] = _present({**event["context"].get("page", {}), **_page_properties(contexts)})
    elif what == "pp":
        event["event"] = "page_ping"
        event["properties"] = _present({"percent": _percent_seen(payload), "offset_px": payload.get("pp_may")})
    elif what == "se":
        event["event"] = payload.get("se_ac")
        event["properties"] = _present(
            {
                "event_category": payload.get("se_ca"),
                "label": payload.get("se_la"),
                "property": payload.get("se_pr"),
                "value": payload.get("se_va"),
            }
        )
    elif what == "tr":
        event["event"] = "Order Completed"
        event["properties"] = _old_order(payload, items)
    elif what == "ti":
        event["event"] = "transaction_item"
        event["properties"] = _present({"order_id": payload.get("ti_id"), **_old_item(payload)})
    elif what == "ue":
        _add_self_describing(event, _unstructured(payload), contexts)
    else:
        raise _Broken("unknown_type", f"e={what!r:.40}" if what is not None else "`e` is missing")
    return event


# The envelope: who, when, with what


def _envelope(payload: Json, contexts: dict[str, list[Json]]) -> Json:
    session = _first(contexts, "client_session")
    browser = _first(contexts, "browser_context")
    mobile = _first(contexts, "mobile_context")
    user = _first(contexts, "user")
    anonymous = _any(payload, "duid", "tnuid", "nuid") or session.get("userId") or payload.get("sid")
    user_id = payload.get("uid")
    if not user_id and user and not user.get("is_guest"):
        user_id = user.get("id")
    page = _present({"url": payload.get("url"), "referrer": payload.get("refr"), "title": payload.get("page")})
    view = _first(contexts, "web_page")
    context = _present(
        {
            "page": page,
            "userAgent": _any(payload, "ua") or _agent_of(mobile),
            "ip": payload.get("ip"),
            "locale": _any(payload, "lang") or browser.get("browserLanguage") or mobile.get("language"),
            "timezone": payload.get("tz"),
            "screen": _size(payload.get("res")),
            "page_view_id": view.get("id"),
            "session_id": _any(payload, "sid") or session.get("sessionId"),
            "app": _present({"name": payload.get("aid"), "namespace": payload.get("tna")}),
            "library": _present({"name": "snowplow", "version": payload.get("tv")}),
            "location": _location(_first(contexts, "geolocation_context")),
        }
    )
    event: Json = {
        "type": "track",
        "messageId": payload.get("eid"),
        "anonymousId": anonymous,
        "userId": user_id,
        "context": context,
    }
    if user.get("email"):
        event["traits"] = {"email": user["email"]}
    true_ms, device_ms, sent_ms = (_time(payload.get(name)) for name in ("ttm", "dtm", "stm"))
    if true_ms is not None:  # the shop says this time is right: `originalTimestamp` keeps it from being corrected
        event["timestamp"] = event["originalTimestamp"] = iso(true_ms)
    elif device_ms is not None:
        event["timestamp"] = iso(device_ms)
        if sent_ms is not None:
            event["sentAt"] = iso(sent_ms)
    return event


def _time(value: Any) -> int | None:
    return time_ms(value) if isinstance(value, str | int | float) else None


def _agent_of(mobile: Json) -> str | None:
    """A user agent for an app that sends none, so that device and system are known."""
    system, version, model = mobile.get("osType"), mobile.get("osVersion"), mobile.get("deviceModel")
    if system == "ios":
        return f"Mozilla/5.0 (iPhone; CPU iPhone OS {str(version).replace('.', '_')} like Mac OS X)"
    return f"Mozilla/5.0 (Linux; Android {version}; {model}) Mobile" if system == "android" else None


def _location(geolocation: Json) -> Json:
    return _present({"latitude": geolocation.get("latitude"), "longitude": geolocation.get("longitude")})


def _size(text: Any) -> Json | None:
    width, _, height = text.partition("x") if isinstance(text, str) else ("", "", "")
    if not (width.isdecimal() and height.isdecimal() and len(text) <= 16):
        return None
    return {"width": int(width), "height": int(height)}


def _percent_seen(payload: Json) -> float | None:
    """How far down the page the visitor has seen: lowest offset and the window below it, in % of the document."""
    document, window = _size(payload.get("ds")), _size(payload.get("vp"))
    offset = payload.get("pp_may")
    lowest = amount(offset) if isinstance(offset, str | int | float) else float("nan")
    if document is None or window is None or not document["height"] or lowest != lowest:
        return None
    percent = 100.0 * (lowest + float(window["height"])) / float(document["height"])
    return round(min(100.0, max(0.0, percent)), 1)


# Self-describing JSON


def _json_of(payload: Json, encoded_name: str, plain_name: str) -> Any:
    """The JSON of a field that comes as base64url or plain, or None; raises ``_Broken``."""
    encoded, plain = payload.get(encoded_name), payload.get(plain_name)
    if encoded:
        try:
            text = str(encoded).replace("+", "-").replace("/", "_").rstrip("=")
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _Broken("bad_encoding", f"{encoded_name}: {error}") from None
    elif isinstance(plain, dict | list):
        return plain
    elif plain:
        raw = str(plain).encode("utf-8", "replace")
    else:
        return None
    try:
        return parsed(raw)
    except Refused as error:
        raise _Broken(error.reason, f"{encoded_name if encoded else plain_name}: {error.detail}") from None


def _schema_name(schema: Any) -> str:
    """``link_click`` of ``iglu:com.snowplowanalytics.snowplow/link_click/jsonschema/1-0-1``."""
    parts = schema.removeprefix("iglu:").split("/") if isinstance(schema, str) else []
    return parts[1] if len(parts) > 1 else ""


def _contexts(payload: Json) -> dict[str, list[Json]]:
    """Data of the contexts by schema name."""
    envelope = _json_of(payload, "cx", "co")
    found: dict[str, list[Json]] = {}
    given = envelope.get("data") if isinstance(envelope, dict) else None
    for context in given[:_ITEMS_MAX] if isinstance(given, list) else ():
        if isinstance(context, dict) and isinstance(context.get("data"), dict):
            found.setdefault(_schema_name(context.get("schema")), []).append(context["data"])
    return found


def _unstructured(payload: Json) -> tuple[str, Json]:
    """Schema name and data of a self-describing event."""
    envelope = _json_of(payload, "ue_px", "ue_pr")
    inner = envelope.get("data") if isinstance(envelope, dict) else None
    if not isinstance(inner, dict):
        raise _Broken("no_event_name", "a self-describing event needs ue_px or ue_pr with schema and data")
    name, data = _schema_name(inner.get("schema")), inner.get("data")
    if not name:
        raise _Broken("no_event_name", f"schema {inner.get('schema')!r:.80} has no name")
    return name, data if isinstance(data, dict) else {}


def _add_self_describing(event: Json, what: tuple[str, Json], contexts: dict[str, list[Json]]) -> None:
    name, data = what
    event["event"] = name
    if name == "snowplow_ecommerce_action":
        _add_action(event, str(data.get("type")), _ACTIONS, data, contexts)
    elif name == "action" and data.get("action") is not None:
        _add_action(event, str(data.get("action")), _ENHANCED_ACTIONS, data, contexts)
    elif name in ("add_to_cart", "remove_from_cart"):
        event["event"] = _ACTIONS[name]
        event["properties"] = _renamed(data, _PRODUCT)
    elif name == "site_search":
        terms = data.get("terms")
        words = " ".join(map(str, terms)) if isinstance(terms, list) else terms
        event["event"] = "Products Searched"
        event["properties"] = _present(
            {"query": words, "filters": data.get("filters"), "n_results": data.get("totalResults")}
        )
    elif name == "screen_view":
        event["type"] = "screen"
        event["name"] = data.get("name")
        event["properties"] = data
        del event["event"]
    elif name in ("transaction", "ecommerce_transaction"):
        items = data.get("items") or data.get("products")
        event["event"] = "Order Completed"
        event["properties"] = _renamed(data, _ORDER)
        if isinstance(items, list):
            event["properties"]["products"] = _products(items)
    elif name == "link_click":
        event["properties"] = {("target_url" if key == "targetUrl" else key): value for key, value in data.items()}
    elif name in _WITHOUT_CONTENT:  # what people type into forms isn't ours to keep
        event["properties"] = _present(
            {"form_id": _any(data, "formId", "elementId"), "element": data.get("nodeName"), "field": data.get("type")}
        )
    else:
        event["properties"] = data


def _add_action(event: Json, action: str, names: dict[str, str], data: Json, contexts: dict[str, list[Json]]) -> None:
    event["event"] = names.get(action, action if action != "None" else None)
    products = _products([data for name in _PRODUCT_SCHEMAS for data in contexts.get(name, ())])
    properties: Json = {"list": data.get("name"), **_page_properties(contexts)}
    cart = _first(contexts, "cart")
    properties["cart_id"], properties["value"] = cart.get("cart_id"), cart.get("total_value")
    for name in _ORDER_SCHEMAS:
        properties.update(_renamed(_first(contexts, name), _ORDER))
    for name in _PROMOTION_SCHEMAS:
        properties.update(_renamed(_first(contexts, name), _PROMOTION))
    step = _first(contexts, "checkout_step")
    if step:
        properties.update(step)
        if str(step.get("step")) == "1":
            event["event"] = "Checkout Started"
        elif step.get("payment_method"):
            event["event"] = "Payment Info Entered"
    if properties.get("currency") is None:
        currencies = [product["currency"] for product in products if product.get("currency")]
        properties["currency"] = cart.get("currency") or (currencies[0] if currencies else None)
    if products:
        properties["products"] = products
        properties["regular_price"] = products[0].get("regular_price") if len(products) == 1 else None
        properties["category"] = properties.get("category") or products[0].get("category")
    event["properties"] = _present(properties)


def _page_properties(contexts: dict[str, list[Json]]) -> Json:
    """What the e-commerce page context says."""
    page = next((data for data in contexts.get("page", ()) if "type" in data), {})
    return _present({"page_type": page.get("type"), "page_language": page.get("language")})


# Orders


def _products(items: list[Any]) -> list[Json]:
    products = []
    for item in items[:_ITEMS_MAX]:
        if isinstance(item, dict):
            product = _renamed(item, _PRODUCT)
            product.setdefault("quantity", 1)
            products.append(product)
    return products


def _items_by_order(payloads: list[Any]) -> dict[str, list[Json]]:
    """The ``ti`` items of a request by order."""
    found: dict[str, list[Json]] = {}
    for payload in payloads:
        if isinstance(payload, dict) and payload.get("e") == "ti" and isinstance(payload.get("ti_id"), str):
            items = found.setdefault(payload["ti_id"], [])
            if len(items) < _ITEMS_MAX:
                items.append(_old_item(payload))
    return found


def _old_order(payload: Json, items: dict[str, list[Json]]) -> Json:
    """The order of a ``tr`` payload with those of its items that came in the same request."""
    order_id = payload.get("tr_id")
    products = items.pop(order_id, None) if isinstance(order_id, str) else None  # given once, so nothing multiplies
    return _present(
        {
            "order_id": order_id,
            "affiliation": payload.get("tr_af"),
            "total": payload.get("tr_tt"),
            "tax": payload.get("tr_tx"),
            "shipping": payload.get("tr_sh"),
            "currency": payload.get("tr_cu"),
            "products": products,
        }
    )


def _old_item(payload: Json) -> Json:
    return _present(
        {
            "product_id": payload.get("ti_sk"),
            "name": _any(payload, "ti_nm", "ti_na"),
            "category": payload.get("ti_ca"),
            "price": payload.get("ti_pr"),
            "quantity": payload.get("ti_qu"),
            "currency": payload.get("ti_cu"),
        }
    )


# Small change


def _first(contexts: dict[str, list[Json]], name: str) -> Json:
    return next(iter(contexts.get(name, ())), {})


def _any(values: Json, *names: str) -> Any:
    """The first value that says something, or None."""
    return next((values[name] for name in names if values.get(name) not in (None, "")), None)


def _present(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None and value != {}}


def _renamed(values: Json, names: dict[str, str]) -> Json:
    """Members with their Segment names; of two that mean the same, the first that isn't null stays."""
    renamed: Json = {}
    for name, value in values.items():
        if value is not None:
            renamed.setdefault(names.get(name, name), value)
    return renamed
