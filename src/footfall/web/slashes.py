"""How can an id in a path hold a slash, as ``gid://shopify/Customer/7`` does? Written ``%2F``, it stays in its segment.

A server hands on the path with its escapes undone, where such a slash looks like the next segment's. It is marked
before the path is routed, and unmarked by whoever reads the id.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

_MARK = "\x1f"  # ids hold no control characters
_PREFIX = "/api/visitors/"


def mark(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The request's scope, with the slashes in ids marked in its path."""
    if not scope["path"].startswith(_PREFIX):
        return scope
    raw = (scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    if "%2f" not in raw.lower():
        return scope
    return {**scope, "path": "/".join(unquote(segment).replace("/", _MARK) for segment in raw.split("/"))}


def unmark(text: str) -> str:
    """The id that a segment of a marked path stands for."""
    return text.replace(_MARK, "/")
