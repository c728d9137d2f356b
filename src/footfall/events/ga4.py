"""What does a GA4 Measurement Protocol body say, in the Segment spec? One JSON line for each of its events.

Names stay GA4's (:mod:`footfall.events.names` knows them); parameters get the Segment names that columns are made of,
and all others are kept as they are.
"""

from typing import Any

import msgspec
from xxhash import xxh3_128_hexdigest

from footfall.base.errors import BadInput
from footfall.events.clean import time_ms
from footfall.events.lenient import Refused, parsed
from footfall.events.reasons import REASONS
from footfall.events.redact import truncate_ip
from footfall.events.segment import iso, line, refused

_PARAMETERS = {
    "transaction_id": "order_id",
    "search_term": "query",
    "percent_scrolled": "percent",
    "engagement_time_msec": "engaged_ms",
    "item_list_name": "list",
    "item_list_id": "list_id",
    "promotion_name": "name",
    "creative_name": "creative",
    "creative_slot": "position",
}
_PAGE = {"page_location": "url", "page_referrer": "referrer", "page_title": "title", "page_path": "path"}
_CAMPAIGN = {"source": "source", "medium": "medium", "campaign": "name", "term": "term", "content": "content"}
_ITEM = {
    "item_id": "product_id",
    "item_name": "name",
    "item_brand": "brand",
    "item_variant": "variant",
    "index": "position",
    "item_list_name": "list",
}
_CATEGORY_LEVELS = ("item_category", "item_category2", "item_category3", "item_category4", "item_category5")


def events_of_mp(body: bytes) -> list[bytes]:
    """Events of ``{"client_id", "user_id", "timestamp_micros", "user_properties", "events": [...]}``, a JSON line each.

    ``user_properties`` make an ``identify`` line of their own before them. An element that isn't an event is handed on
    as a line that will be refused with a reason. Raises ``BadInput`` when the body as a whole can't be read.
    """
    try:
        given = parsed(body)
    except Refused as error:
        raise BadInput(REASONS[error.reason], code=error.reason, detail=error.detail) from None
    if not isinstance(given, dict):
        raise BadInput(REASONS["not_an_object"], code="not_an_object")
    events = given.get("events")
    if not isinstance(events, list):
        raise BadInput("`events` must be a list of events.", code="not_an_object")
    common = _common(given)
    lines = []
    traits = _user_properties(given.get("user_properties"))
    if traits:
        identify = {**common, "type": "identify", "traits": traits}
        stamp = given.get("timestamp_micros")
        if stamp is not None:
            identify["messageId"] = _digest(common, "identify", stamp, traits)
        lines.append(line(identify))
    lines += [_event(event, idx, common, given) for idx, event in enumerate(events)]
    return lines


def _common(given: dict[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    if isinstance(given.get("user_agent"), str):
        context["userAgent"] = given["user_agent"]
    if isinstance(given.get("ip_override"), str):
        context["ip"] = truncate_ip(given["ip_override"])
    location = given.get("user_location")
    if isinstance(location, dict):
        context["location"] = {
            "country": location.get("country_id"),
            "region": location.get("region_id"),
            "city": location.get("city"),
        }
    device = given.get("device")
    if isinstance(device, dict):
        context["device"] = device
        context["locale"] = device.get("language")
    consent = given.get("consent")
    if consent is not None:
        context["consent"] = consent
    common: dict[str, Any] = {"context": context}
    anonymous = given.get("client_id") if given.get("client_id") is not None else given.get("app_instance_id")
    if anonymous is not None:
        common["anonymousId"] = anonymous
    if given.get("user_id") is not None:
        common["userId"] = given["user_id"]
    _add_time(common, given.get("timestamp_micros"))
    return common


def _add_time(event: dict[str, Any], micros: Any) -> None:
    ms = time_ms(micros) if isinstance(micros, str | int | float) else None
    if ms is not None:
        event["timestamp"] = iso(ms)


def _user_properties(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {}
    return {name: each.get("value") if isinstance(each, dict) else each for name, each in given.items()}


def _event(given: Any, idx: int, common: dict[str, Any], body: dict[str, Any]) -> bytes:
    if not isinstance(given, dict):
        return refused("not_an_object", f"events[{idx}]", given)
    name, parameters = given.get("name"), given.get("params")
    if not isinstance(name, str) or not name.strip():
        return refused("no_event_name", f"events[{idx}] needs `name`", given)
    if not isinstance(parameters, dict):
        parameters = {}
    context = dict(common["context"])
    page = {ours: parameters[theirs] for theirs, ours in _PAGE.items() if parameters.get(theirs) is not None}
    if page:
        context["page"] = page
    campaign = {ours: parameters[theirs] for theirs, ours in _CAMPAIGN.items() if parameters.get(theirs) is not None}
    if campaign and (name == "campaign_details" or "medium" in campaign):
        context["campaign"] = campaign
    event = {**common, "context": context, "type": "track", "event": name}
    if name == "page_view":
        event = {**event, "type": "page", "name": parameters.get("page_title")}
        del event["event"]
    micros = given.get("timestamp_micros")
    if micros is not None:
        _add_time(event, micros)
    else:
        micros = body.get("timestamp_micros")
    event["properties"] = _properties(name, parameters)
    message = _message_id(event, name, parameters, micros, idx)
    if message:
        event["messageId"] = message
    return line(event)


def _properties(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for theirs, value in parameters.items():
        if theirs not in _PAGE and theirs != "items":
            properties[_PARAMETERS.get(theirs, theirs)] = value
    items = parameters.get("items")
    if isinstance(items, list):
        properties["products"] = [_product(item) if isinstance(item, dict) else item for item in items]
        currencies = [item["currency"] for item in items if isinstance(item, dict) and item.get("currency")]
        if properties.get("currency") is None and currencies:
            properties["currency"] = currencies[0]
    if name in ("purchase", "refund", "in_app_purchase") and "value" in properties:
        properties.setdefault("revenue", properties["value"])
    return properties


def _product(item: dict[str, Any]) -> dict[str, Any]:
    product = {
        _ITEM.get(name, name): value
        for name, value in item.items()
        if name not in _CATEGORY_LEVELS and value is not None
    }
    levels = [str(item[level]) for level in _CATEGORY_LEVELS if item.get(level) not in (None, "")]
    if levels:
        product["category"] = "/".join(levels)
    product.setdefault("quantity", 1)
    return product


def _message_id(event: dict[str, Any], name: str, parameters: dict[str, Any], micros: Any, idx: int) -> str:
    """An id that is the same whenever the same event is sent again, if there is anything to make it from."""
    for given in (parameters.get("event_id"), parameters.get("message_id")):
        if isinstance(given, str | int) and not isinstance(given, bool) and given != "":
            return str(given)
    order = parameters.get("transaction_id")
    if name in ("purchase", "in_app_purchase") and isinstance(order, str | int) and order != "":
        return f"ga4-{name}-{order}"
    return _digest(event, name, micros, [idx, parameters]) if micros is not None else ""


def _digest(event: dict[str, Any], name: str, micros: Any, content: Any) -> str:
    who = [event.get("anonymousId"), event.get("userId")]
    return f"ga4-{xxh3_128_hexdigest(msgspec.json.encode([who, name, micros, content]))}"
