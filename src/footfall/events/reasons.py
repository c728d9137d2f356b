"""Why can an event be refused? The closed list of reason codes, each with what to do about it."""

REASONS: dict[str, str] = {
    "bad_json": "The body isn't valid JSON. Check the client's serializer.",
    "bad_encoding": "The body isn't valid UTF-8, or its compression is broken.",
    "not_an_object": "An event must be a JSON object.",
    "unknown_type": "`type` must be track, page, screen, identify, group or alias.",
    "no_identity": "Neither `anonymousId` nor `userId` names anybody (null, guest, 0 … don't).",
    "no_event_name": "A track call needs `event`.",
    "event_too_large": "An event may have up to 32 KB.",
    "batch_too_large": "A request may have up to 500 KB (Segment clients) or 4 MB. Send smaller batches.",
    "bad_batch": "A batch must be an object whose `batch` is a list of events.",
    "too_deep": "JSON nested more than 100 levels deep.",
    "no_rate": "An order's currency has no exchange rate: add it under [currencies] in footfall.toml, then replay.",
    "bad_products": "`products` must be a list of objects with a product id.",
    "unreadable_row": "A row of an imported file can't be read. Mend the row, --format or --map, and import it again.",
    "unreadable": "The event broke the reader; please report it with its text.",
}
