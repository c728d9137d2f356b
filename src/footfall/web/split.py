"""Which events does a body hold, as one line each, without decoding them?

An event keeps the bytes its client sent (less line breaks between tokens): only the body's outer object is taken
apart. When that fails, because one event among good ones is broken, the slow way finds the events by their brackets
alone, so that the good neighbours are kept. Leaves to the engine what an event means.
"""

import re
from typing import Any, NamedTuple

import msgspec

from footfall.base.errors import BadInput

Reject = tuple[str, bytes]
"""Reason code of :mod:`footfall.events.reasons` and what was refused."""


class Limits(NamedTuple):
    """What a body may hold; bytes are of unpacked JSON."""

    event_max_bytes: int
    max_depth: int
    max_events: int
    context_max_bytes: int = 4_194_304
    """Bytes by which a batch's ``context`` may grow its events in all."""


class Split(NamedTuple):
    """A body taken apart."""

    events: list[bytes]
    """JSON objects without line breaks, within the limits."""
    rejects: list[Reject]
    """Elements that aren't events, or too large, deep or broken ones."""
    write_key: str
    """``writeKey`` of the body, or empty."""
    sent_at: str
    """``sentAt`` of a batch, or empty (an event has its own)."""


_ABSENT = msgspec.Raw()


class _Batch(msgspec.Struct, rename="camel", gc=False):
    batch: list[msgspec.Raw] | None = None
    sent_at: msgspec.Raw = _ABSENT
    write_key: msgspec.Raw = _ABSENT
    context: msgspec.Raw = _ABSENT


class _Single(msgspec.Struct, rename="camel", gc=False):
    type: msgspec.Raw = _ABSENT
    write_key: msgspec.Raw = _ABSENT


class _WithContext(msgspec.Struct, gc=False):
    context: msgspec.Raw = _ABSENT


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_single = msgspec.json.Decoder(_Single).decode
_decode_with_context = msgspec.json.Decoder(_WithContext).decode
_validate = msgspec.json.Decoder(msgspec.Raw).decode

# A lone surrogate makes the strict reader fail; UnicodeDecodeError comes from struct fields; RecursionError from depth.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

BOM = b"\xef\xbb\xbf"
TEXT_MAX = 64
"""Characters of ``sentAt`` and ``writeKey`` that are kept."""


def split_batch(body: bytes, limits: Limits) -> Split:
    """Events of ``{"batch": [...], "sentAt", "writeKey", "context"}``.

    Raises ``BadInput`` (``bad_json``, ``bad_encoding``, ``not_an_object``, ``bad_batch``, ``batch_too_large``).
    """
    body = _trimmed(body)
    pieces: list[bytes]
    try:
        outer = _decode_batch(body)
        if outer.batch is None:
            raise _bad_batch()
        pieces = [bytes(piece) for piece in outer.batch]
        is_checked = body.isascii() or _is_utf8(body)
    except msgspec.ValidationError:
        raise _bad_batch() from None
    except _UNREADABLE:
        pieces, outer = _found_by_brackets(body, limits)
        is_checked = False
    if len(pieces) > limits.max_events:
        raise BadInput(f"A batch may have up to {limits.max_events:,} events.", code="batch_too_large")
    pieces = _with_context(pieces, bytes(outer.context), limits)
    events: list[bytes] = []
    rejects: list[Reject] = []
    for piece in pieces:
        if not is_checked:
            piece, reason = _checked(piece, limits)
            if reason:
                rejects.append((reason, piece))
                continue
        _put(piece, limits, events, rejects)
    return Split(events, rejects, _text(outer.write_key), _text(outer.sent_at))


def split_single(body: bytes, type_name: str, limits: Limits) -> Split:
    """The one event of a ``/v1/track``-like route; its ``type`` becomes the route's, empty keeps its own.

    Raises ``BadInput`` as :func:`split_batch`, and ``event_too_large``, ``too_deep``.
    """
    body = _trimmed(body)
    try:
        head = _decode_single(body)
        if not body.isascii() and not _is_utf8(body):
            raise BadInput("The body isn't valid UTF-8.", code="bad_encoding")
    except msgspec.ValidationError:
        raise BadInput("The body must be a JSON object.", code="not_an_object") from None
    except _UNREADABLE:
        body, reason = _checked(body, limits)
        if reason:
            raise _refusal(reason, limits) from None
        try:
            head = _decode_single(body)
        except msgspec.ValidationError:
            raise BadInput("The body must be a JSON object.", code="not_an_object") from None
    event = _typed(body, bytes(head.type), type_name) if type_name else body
    if reason := _fault(event, limits):
        raise _refusal(reason, limits)
    return Split([_one_line(event)], [], _text(head.write_key), "")


def within_limits(events: list[bytes], limits: Limits) -> tuple[list[bytes], list[Reject]]:
    """Events that were made from another protocol, parted into good ones and rejects."""
    good: list[bytes] = []
    rejects: list[Reject] = []
    for event in events:
        _put(event, limits, good, rejects)
    return good, rejects


def _put(piece: bytes, limits: Limits, events: list[bytes], rejects: list[Reject]) -> None:
    """Append valid JSON to where it belongs."""
    if reason := _fault(piece, limits):
        rejects.append((reason, piece))
    else:
        events.append(_one_line(piece))


def _fault(piece: bytes, limits: Limits) -> str:
    """Why valid JSON can't be an event, or empty."""
    if len(piece) > limits.event_max_bytes:
        return "event_too_large"
    if piece[:1] != b"{":
        return "not_an_object"
    return "too_deep" if depth_exceeds(piece, limits.max_depth) else ""


def _one_line(piece: bytes) -> bytes:
    """Without raw line breaks; they stand between tokens only, as a string can't hold them."""
    if b"\n" in piece or b"\r" in piece:
        return piece.replace(b"\n", b" ").replace(b"\r", b" ")
    return piece


def _trimmed(body: bytes) -> bytes:
    if body.startswith(BOM):
        body = body[3:]
    return body.strip(b" \t\r\n")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(raw: msgspec.Raw) -> str:
    """A JSON string as text, anything else as empty."""
    if not bytes(raw):
        return ""
    try:
        value: Any = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return ""
    return value[:TEXT_MAX] if isinstance(value, str) else ""


def _bad_batch() -> BadInput:
    return BadInput("The body must be a JSON object whose `batch` is a list of events.", code="bad_batch")


def _refusal(reason: str, limits: Limits) -> BadInput:
    messages = {
        "bad_json": "The body isn't valid JSON.",
        "bad_encoding": "The body isn't valid UTF-8.",
        "not_an_object": "The body must be a JSON object.",
        "event_too_large": f"An event may have up to {limits.event_max_bytes:,} bytes.",
        "too_deep": f"JSON may be nested up to {limits.max_depth} levels deep.",
    }
    return BadInput(messages[reason], code=reason)


# Depth

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.S)
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_AS_BRACES = bytes.maketrans(b"[]", b"{}")


def depth_exceeds(document: bytes, max_depth: int) -> bool:
    """Whether valid JSON nests deeper than this; costs two scans when it has few brackets.

    Taking away all innermost pairs at once makes the rest one level flatter, so the rounds count the levels.
    """
    if document.count(b"{") + (document.count(b"[") if b"[" in document else 0) <= max_depth:
        return False
    brackets = _STRINGS.sub(b"", document).translate(_AS_BRACES, _ALL_BUT_BRACKETS)
    for _ in range(max_depth):
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return False
    return True


# Surgery

_QUOTED = {name: f'"{name}"'.encode() for name in ("track", "page", "screen", "identify", "group", "alias")}


def _typed(event: bytes, current: bytes, type_name: str) -> bytes:
    """The event with this ``type``, without decoding it."""
    wanted = _QUOTED[type_name]
    if current == wanted or event[:1] != b"{":
        return event
    if not current:
        rest = event[1:].lstrip()
        return b'{"type":' + wanted + (b"" if rest[:1] == b"}" else b",") + rest
    return event[:-1] + b',"type":' + wanted + b"}"  # readers take the last of two equal keys


def _with_context(pieces: list[bytes], context: bytes, limits: Limits) -> list[bytes]:
    """Events that have no ``context`` get the batch's."""
    if context[:1] != b"{":
        return pieces
    budget = limits.context_max_bytes
    start = b'{"context":' + context
    merged = []
    for piece in pieces:
        if piece[:1] == b"{" and _lacks_context(piece):
            budget -= len(context)
            if budget < 0:
                raise BadInput("The batch's `context` is too large for so many events.", code="batch_too_large")
            rest = piece[1:].lstrip()
            piece = start + (b"" if rest[:1] == b"}" else b",") + rest
        merged.append(piece)
    return merged


def _lacks_context(piece: bytes) -> bool:
    try:
        return not bytes(_decode_with_context(piece).context)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


# The slow way: one broken event must not take its neighbours along.

_ESCAPES = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.S
)
_TO_BRACKET = re.compile(rb'(?:[^\[\]{}"]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}])', re.S)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_JUNK = re.compile(rb'(?:[^\[\]{},"]++|"(?:[^"\\]++|\\.)*+")*+', re.S)
_SCALAR = re.compile(rb"[^\[\]{},\" \t\r\n]++")
_MAX_BRACKETS = 400_000


def _without_lone_surrogates(document: bytes) -> bytes:
    """Half a surrogate pair, as browsers send for a cut emoji, becomes the replacement character."""
    return _ESCAPES.sub(lambda match: b"\\ufffd" if match[2] else match[0], document)


def _checked(piece: bytes, limits: Limits) -> tuple[bytes, str]:
    """The piece as valid JSON, mended if need be; or as it came, and the reason why it can't be."""
    if len(piece) > limits.event_max_bytes:
        return piece, "event_too_large"
    if not piece.isascii() and not _is_utf8(piece):
        return piece, "bad_encoding"
    if b"\\u" in piece:
        piece = _without_lone_surrogates(piece)
    try:
        _validate(piece)
    except RecursionError:
        return piece, "too_deep"
    except msgspec.DecodeError:
        return piece, "bad_json"
    return piece, ""


def _found_by_brackets(body: bytes, limits: Limits) -> tuple[list[bytes], _Batch]:
    """Elements of ``batch`` as they came, valid or not, and the outer object without them.

    Raises ``BadInput`` when the outer object itself is broken.
    """
    scan = _Scan(body)
    start, end, pieces = scan.batch(limits.max_events)
    outer = _without_lone_surrogates(body[:start] + b"[]" + body[end:])
    try:
        parsed = _decode_batch(outer)
    except msgspec.ValidationError:
        raise _bad_batch() from None
    except UnicodeDecodeError:
        raise _refusal("bad_encoding", limits) from None
    except RecursionError:
        raise _refusal("too_deep", limits) from None
    except msgspec.DecodeError:
        raise _refusal("bad_json", limits) from None
    if parsed.batch:  # a second `batch`: which one was meant?
        raise _bad_batch()
    if depth_exceeds(bytes(parsed.context), limits.max_depth):
        raise _refusal("too_deep", limits)
    return pieces, parsed


class _Scan:
    """Finds where JSON values end by brackets and quotes alone; never deep in the stack."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._n_brackets = 0

    def batch(self, max_events: int) -> tuple[int, int, list[bytes]]:
        """Start and end of the value of ``batch``, and its elements."""
        at = self._skip(0, b"{")
        while True:
            key_end = self._value_end(at)
            key = self._body[at:key_end]
            start = self._skip(key_end, b":")
            if key == b'"batch"' and self._body[start : start + 1] == b"[":
                pieces, end = self._elements(start, max_events)
                return start, end, pieces
            at = self._skip(self._value_end(start), b",")

    def _elements(self, start: int, max_events: int) -> tuple[list[bytes], int]:
        at = self._skip(start, b"[")
        pieces: list[bytes] = []
        if self._body[at : at + 1] == b"]":
            return pieces, at + 1
        while len(pieces) <= max_events:
            end = self._element_end(at)
            pieces.append(self._body[at:end].rstrip(b" \t\r\n"))
            if self._body[end : end + 1] == b"]":
                return pieces, end + 1
            at = self._skip(end, b",")
        raise BadInput(f"A batch may have up to {max_events:,} events.", code="batch_too_large")

    def _element_end(self, start: int) -> int:
        """Where the comma or bracket stands that ends a list's element, whatever junk the element is."""
        at = start
        while True:
            at = _JUNK.match(self._body, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            first = self._body[at : at + 1]
            if first in (b"{", b"["):
                at = self._container_end(at)
            elif first in (b",", b"]") and at > start:
                return at
            else:
                raise self._broken(at)

    def _space(self, at: int) -> int:
        return _SPACE.match(self._body, at).end()  # type: ignore[union-attr]  # it matches nothing, too

    def _skip(self, at: int, token: bytes) -> int:
        """Where the next value starts, past this token."""
        at = self._space(at)
        if self._body[at : at + 1] != token:
            raise self._broken(at)
        return self._space(at + 1)

    def _value_end(self, at: int) -> int:
        first = self._body[at : at + 1]
        if first in (b"{", b"["):
            return self._container_end(at)
        match = (_STRINGS if first == b'"' else _SCALAR).match(self._body, at)
        if match is None:
            raise self._broken(at)
        return match.end()

    def _container_end(self, at: int) -> int:
        depth = 0
        while True:
            match = _TO_BRACKET.match(self._body, at)
            self._n_brackets += 1
            if match is None or self._n_brackets > _MAX_BRACKETS:
                raise self._broken(at)
            depth += 1 if match[1] in b"[{" else -1
            at = match.end()
            if depth == 0:
                return at

    def _broken(self, at: int) -> BadInput:
        return BadInput(f"The body isn't valid JSON (near byte {at}).", code="bad_json")
