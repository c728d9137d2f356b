"""What does an answer look like on the wire? Prepared once where it can be, for plain ASGI."""

import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec

from footfall.web import cors

Header = tuple[bytes, bytes]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NOSNIFF: Header = (b"x-content-type-options", b"nosniff")
JSON: tuple[Header, ...] = ((b"content-type", b"application/json"), NOSNIFF)
GIF: tuple[Header, ...] = ((b"content-type", b"image/gif"), NOSNIFF)


CLOSE: Header = (b"connection", b"close")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Answer:
    """Status, body and headers; may be sent any number of times."""

    __slots__ = ("_body_message", "_head", "_start_message", "body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Sequence[Header]) -> None:
        self.status = status
        self.body = body
        self.headers: list[Header] = [*headers, (b"content-length", str(len(body)).encode())]
        self._start_message = {"type": "http.response.start", "status": status, "headers": self.headers}
        self._body_message = {"type": "http.response.body", "body": body}
        self._head = b""

    def plus(self, header: Header) -> "Answer":
        """The same with one header more."""
        return Answer(self.status, self.body, [*self.headers[:-1], header])

    def wire(self, origin: bytes | None, more: Sequence[Header] = ()) -> bytes:
        """All of it in HTTP/1.1, with more headers; a page of ``origin`` may read it."""
        head = self._head
        if not head:
            head = self._head = _STATUS_LINES[self.status] + _lines(self.headers)
        if origin is not None:
            head += _cors_lines(origin)
        if more:
            head += _lines(more)
        return head + b"\r\n" + self.body

    async def send(self, send: Send, origin: bytes | None) -> None:
        """Send it; a page of ``origin`` may read it."""
        if origin is None:
            await send(self._start_message)
        else:
            await send({**self._start_message, "headers": [*self.headers, *cors.answer_headers(origin)]})
        await send(self._body_message)


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def _lines(headers: Sequence[Header]) -> bytes:
    if any(_CONTROL.search(value) for _, value in headers):
        raise ValueError("A header holds a control character.")
    return b"".join([b"%b: %b\r\n" % header for header in headers])


@lru_cache(1024)
def _cors_lines(origin: bytes) -> bytes:
    return _lines(cors.answer_headers(origin))


def error_answer(status: int, code: str, message: str, headers: Sequence[Header] = ()) -> Answer:
    """``{"code","message"}``."""
    return Answer(status, msgspec.json.encode({"code": code, "message": message}), (*JSON, *headers))
