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
