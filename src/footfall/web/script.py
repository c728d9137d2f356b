"""Where does a page get the tracker from? ``/footfall.js``, packed, and not sent again while it hasn't changed."""

import gzip
from collections.abc import Mapping
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from footfall.base.errors import Missing
from footfall.web.answer import NOSNIFF, Answer

PATH = Path(__file__).parent / "static" / "footfall.js"
MAX_AGE_S = 300


class Script:
    """The built tracker; read again when its file changes."""

    def __init__(self, path: Path = PATH) -> None:
        self._path = path
        self._changed_ns = -1
        self._etag = b""
        self._plain = self._packed = self._same = Answer(404, b"", ())

    def answer(self, headers: Mapping[bytes, bytes]) -> Answer:
        """200 with the script, or 304 when the client has it; raises ``Missing`` when it isn't built."""
        try:
            changed_ns = self._path.stat().st_mtime_ns
            if changed_ns != self._changed_ns:
                self._load(self._path.read_bytes())
                self._changed_ns = changed_ns
        except OSError:
            raise Missing("The tracker isn't built here: run `make setup`.", code="not_built") from None
        if self._etag in [tag.strip().removeprefix(b"W/") for tag in headers.get(b"if-none-match", b"").split(b",")]:
            return self._same
        return self._packed if b"gzip" in headers.get(b"accept-encoding", b"") else self._plain

    def _load(self, script: bytes) -> None:
        self._etag = f'"{xxh3_64_hexdigest(script)}"'.encode()
        shared = (
            (b"etag", self._etag),
            (b"cache-control", f"public, max-age={MAX_AGE_S}".encode()),
            (b"vary", b"Accept-Encoding"),
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            NOSNIFF,
        )
        as_script = (*shared, (b"content-type", b"text/javascript; charset=utf-8"))
        self._plain = Answer(200, script, as_script)
        self._packed = Answer(200, gzip.compress(script, 9, mtime=0), (*as_script, (b"content-encoding", b"gzip")))
        self._same = Answer(304, b"", shared)
