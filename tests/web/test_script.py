import gzip
import os
from pathlib import Path

import pytest

from footfall.base.errors import Missing
from footfall.web.script import Script


def test_a_tracker_that_is_not_built_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        Script(tmp_path / "footfall.js").answer({})


def test_the_tracker_is_sent_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "footfall.js"
    path.write_bytes(b"first")
    script = Script(path)
    answer = script.answer({})
    headers = dict(answer.headers)
    assert (answer.status, answer.body, headers[b"x-content-type-options"]) == (200, b"first", b"nosniff")
    assert headers[b"content-type"].startswith(b"text/javascript")
    assert script.answer({b"if-none-match": b'W/"x", ' + headers[b"etag"]}).status == 304
    path.write_bytes(b"second")
    os.utime(path, ns=(1, 1))
    assert script.answer({b"if-none-match": headers[b"etag"]}).body == b"second"


def test_the_tracker_is_packed_for_those_who_can_unpack_it(tmp_path: Path) -> None:
    path = tmp_path / "footfall.js"
    path.write_bytes(b"x" * 1_000)
    answer = Script(path).answer({b"accept-encoding": b"gzip, br"})
    assert dict(answer.headers)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(answer.body) == b"x" * 1_000
    for refusing in (b"", b"identity", b"gzip;q=0, br", b"gzip; q=0.00"):
        assert Script(path).answer({b"accept-encoding": refusing}).body == b"x" * 1_000
    assert dict(Script(path).answer({b"accept-encoding": b"*"}).headers)[b"content-encoding"] == b"gzip"


def test_a_smaller_packing_from_the_build_is_sent_unless_the_script_is_newer(tmp_path: Path) -> None:
    path, packed = tmp_path / "footfall.js", tmp_path / "footfall.js.br"
    path.write_bytes(b"x" * 1_000)
    packed.write_bytes(b"as packed by the build")
    os.utime(path, ns=(1, 1))
    answer = Script(path).answer({b"accept-encoding": b"gzip, deflate, br, zstd"})
    assert (answer.body, dict(answer.headers)[b"content-encoding"]) == (b"as packed by the build", b"br")
    assert dict(answer.headers)[b"content-type"] == b"text/javascript; charset=utf-8"
    assert dict(Script(path).answer({b"accept-encoding": b"br;q=0, gzip"}).headers)[b"content-encoding"] == b"gzip"
    os.utime(packed, ns=(0, 0))
    assert dict(Script(path).answer({b"accept-encoding": b"gzip, br"}).headers)[b"content-encoding"] == b"gzip"


def test_any_page_may_load_it_and_runs_on_with_the_old_one_while_a_new_one_comes(tmp_path: Path) -> None:
    path = tmp_path / "footfall.js"
    path.write_bytes(b"script")
    headers = dict(Script(path).answer({}).headers)
    assert headers[b"cache-control"] == b"public, max-age=300, stale-while-revalidate=604800, stale-if-error=604800"
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"cross-origin-resource-policy"] == b"cross-origin"
    assert headers[b"timing-allow-origin"] == b"*"
    assert headers[b"vary"] == b"Accept-Encoding"
