"""How does a request's body come in whole, unpacked and within its limits?

Clients label bodies as they like (JSON as ``text/plain``, gzip as a form, gzip without saying so), so content decides,
not headers. Nothing is ever unpacked beyond the limit. Leaves to :mod:`footfall.web.split` what the body says.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from footfall.base.errors import BadInput, Unavailable

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

READ_LIMIT_S = 30.0
"""A body that takes longer than this to arrive is given up (408)."""

GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS
_ZLIB = zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


class Gone(Exception):
    """The client hung up before its body was complete; nobody waits for an answer."""


class TooSlow(Unavailable):
    """The body didn't arrive in time."""

    code = "too_slow"


async def read(receive: Receive, headers: Mapping[bytes, bytes], max_bytes: int) -> bytes:
    """The body as it was sent, at most ``max_bytes``.

    Raises ``BadInput`` (``batch_too_large``; its ``detail`` is what was read), ``Gone`` or ``TooSlow``.
    """
    length = headers.get(b"content-length")
    if length is not None and (len(length) > 15 or not length.isdigit() or int(length) > max_bytes):
        raise _too_large(max_bytes, b"")
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        if len(whole) > max_bytes:
            raise _too_large(max_bytes, whole[:max_bytes])
        return whole
    try:
        async with asyncio.timeout(READ_LIMIT_S):
            return await _read_rest(receive, message, max_bytes)
    except TimeoutError:
        raise TooSlow(f"The body didn't arrive within {READ_LIMIT_S:.0f} s; send it again.") from None


async def _read_rest(receive: Receive, message: MutableMapping[str, Any], max_bytes: int) -> bytes:
    parts = bytearray()
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        parts += message.get("body", b"")
        if len(parts) > max_bytes:
            raise _too_large(max_bytes, bytes(parts[:max_bytes]))
        if not message.get("more_body"):
            return bytes(parts)
        message = await receive()


def unpack(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """The body without its compression; ``encoding`` is the ``Content-Encoding`` header or empty.

    Raises ``BadInput`` with code ``bad_encoding`` or ``batch_too_large``; its ``detail`` is what could be unpacked.
    """
    if body[:2] == GZIP_MAGIC:  # whatever the headers say
        return _inflate(body, _GZIP, max_bytes)
    if not encoding or encoding == b"identity":
        return body
    name = encoding.strip().lower()
    if name == b"deflate":
        return _inflate(body, _ZLIB if _is_zlib(body) else _RAW_DEFLATE, max_bytes)
    if name in (b"gzip", b"x-gzip", b"identity") and body[:1] in (b"{", b"[", b" "):  # only says that it's packed
        return body
    raise BadInput(f"Content-Encoding must be gzip or deflate, not {_shown(name)}.", code="bad_encoding", detail=body)


def _is_zlib(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _inflate(body: bytes, window_bits: int, max_bytes: int) -> bytes:
    """Unpack all members, never more than ``max_bytes`` in all."""
    out = bytearray()
    rest = body
    while rest:
        unpacker = zlib.decompressobj(window_bits)
        try:
            out += unpacker.decompress(rest, max_bytes - len(out) + 1)
        except zlib.error as error:
            raise BadInput(f"The body can't be unpacked: {error}.", code="bad_encoding", detail=bytes(out)) from None
        if len(out) > max_bytes:
            raise _too_large(max_bytes, bytes(out[:max_bytes]))
        if not unpacker.eof:
            raise BadInput("The packed body is cut off.", code="bad_encoding", detail=bytes(out))
        if unpacker.unused_data[:2] != GZIP_MAGIC or len(unpacker.unused_data) >= len(rest):
            break  # padding after the last member is ignored, as gzip does
        rest = unpacker.unused_data
    return bytes(out)


def _too_large(max_bytes: int, detail: bytes) -> BadInput:
    return BadInput(f"A batch may have up to {max_bytes:,} bytes.", code="batch_too_large", detail=detail)


def _shown(name: bytes) -> str:
    return name[:32].decode("ascii", "backslashreplace")
