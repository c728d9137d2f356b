import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from footfall.base.errors import BadInput
from footfall.web import body as bodies

JSON = b'{"type":"track"}'


def arriving(*messages: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return receive


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_one_piece_is_read_whole() -> None:
    assert asyncio.run(bodies.read(arriving(part(JSON)), {}, 100)) == JSON


def test_a_body_in_pieces_is_joined() -> None:
    pieces = arriving(part(b'{"a"', more=True), part(b":1", more=True), part(b"}"))
    assert asyncio.run(bodies.read(pieces, {}, 100)) == b'{"a":1}'


def test_a_declared_length_above_the_limit_is_refused_unread() -> None:
    with pytest.raises(BadInput) as caught:
        asyncio.run(bodies.read(arriving(), {b"content-length": b"101"}, 100))
    assert caught.value.code == "batch_too_large"


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 20, b"\xb2"])
def test_a_length_that_is_no_small_number_is_refused(length: bytes) -> None:
    with pytest.raises(BadInput):
        asyncio.run(bodies.read(arriving(), {b"content-length": length}, 100))


def test_a_streamed_body_is_cut_off_at_the_limit() -> None:
    with pytest.raises(BadInput) as caught:
        asyncio.run(bodies.read(arriving(part(b"x" * 80, more=True), part(b"x" * 80, more=True)), {}, 100))
    assert (caught.value.code, caught.value.detail) == ("batch_too_large", b"x" * 100)


def test_a_client_that_hangs_up_is_gone() -> None:
    with pytest.raises(bodies.Gone):
        asyncio.run(bodies.read(arriving(part(b"{", more=True), {"type": "http.disconnect"}), {}, 100))


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_LIMIT_S", 0.01)

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0)
        return part(b"", more=True)

    with pytest.raises(bodies.TooSlow):
        asyncio.run(bodies.read(trickle, {}, 100))


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b"", b"identity"])
def test_gzip_is_known_by_its_bytes(encoding: bytes) -> None:
    assert bodies.unpack(gzip.compress(JSON), encoding, 100) == JSON


def test_both_kinds_of_deflate_are_unpacked() -> None:
    raw = zlib.compressobj(wbits=-15)
    assert bodies.unpack(zlib.compress(JSON), b"deflate", 100) == JSON
    assert bodies.unpack(raw.compress(JSON) + raw.flush(), b"Deflate", 100) == JSON


def test_json_that_only_claims_to_be_packed_is_taken_as_it_is() -> None:
    assert bodies.unpack(JSON, b"gzip", 100) == JSON


def test_two_gzip_members_are_one_body() -> None:
    assert bodies.unpack(gzip.compress(b'{"a"') + gzip.compress(b":1}"), b"gzip", 100) == b'{"a":1}'


def test_a_bomb_is_cut_off_at_the_limit() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    with pytest.raises(BadInput) as caught:
        bodies.unpack(bomb, b"gzip", 1_000_000)
    assert caught.value.code == "batch_too_large"
    assert isinstance(caught.value.detail, bytes)
    assert len(caught.value.detail) == 1_000_000


def test_a_bomb_of_many_members_is_cut_off_at_the_limit() -> None:
    with pytest.raises(BadInput) as caught:
        bodies.unpack(gzip.compress(b"0" * 400) * 3, b"gzip", 1_000)
    assert caught.value.code == "batch_too_large"


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (gzip.compress(JSON)[:-9], b"gzip"),  # cut off
        (gzip.compress(JSON)[:2] + b"rubbish", b""),
        (b"rubbish", b"deflate"),
        (b"rubbish", b"gzip"),
        (b"rubbish", b"br"),
        (b"", b"deflate, gzip"),
    ],
    ids=[
        "cut off",
        "garbled",
        "not deflate",
        "not gzip",
        "unknown",
        "two at once",
    ],  # packed bytes hold the time of day
)
def test_what_cannot_be_unpacked_is_bad_input(packed: bytes, encoding: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        bodies.unpack(packed, encoding, 1_000)
    assert caught.value.code == "bad_encoding"
