"""What does an answer look like on the wire? Prepared once where it can be, for plain ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import msgspec

from footfall.web import cors

Header = tuple[bytes, bytes]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NOSNIFF: Header = (b"x-content-type-options", b"nosniff")
JSON: tuple[Header, ...] = ((b"content-type", b"application/json"), NOSNIFF)
GIF: tuple[Header, ...] = ((b"content-type", b"image/gif"), NOSNIFF)


class Answer:
    """Status, body and headers; may be sent any number of times."""

    __slots__ = ("_body_message", "_start_message", "body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Sequence[Header]) -> None:
        self.status = status
        self.body = body
        self.headers: list[Header] = [*headers, (b"content-length", str(len(body)).encode())]
        self._start_message = {"type": "http.response.start", "status": status, "headers": self.headers}
        self._body_message = {"type": "http.response.body", "body": body}

    def plus(self, header: Header) -> "Answer":
        """The same with one header more."""
        return Answer(self.status, self.body, [*self.headers[:-1], header])

    async def send(self, send: Send, origin: bytes | None) -> None:
        """Send it; a page of ``origin`` may read it."""
        if origin is None:
            await send(self._start_message)
        else:
            await send({**self._start_message, "headers": [*self.headers, *cors.answer_headers(origin)]})
        await send(self._body_message)


def error_answer(status: int, code: str, message: str, headers: Sequence[Header] = ()) -> Answer:
    """``{"code","message"}``."""
    return Answer(status, msgspec.json.encode({"code": code, "message": message}), (*JSON, *headers))
