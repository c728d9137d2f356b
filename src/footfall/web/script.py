"""Where does a page get the tracker from? ``/footfall.js``, packed, and not sent again while it hasn't changed.

Any page may load it, with ``crossorigin`` and under ``Cross-Origin-Embedder-Policy`` too. After five minutes a browser
asks for a new one, but never waits for it: the page runs with the one it has meanwhile.
"""

import gzip
import re
from collections.abc import Mapping
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from footfall.base.errors import Missing
from footfall.web.answer import NOSNIFF, Answer

PATH = Path(__file__).parent / "static" / "footfall.js"
MAX_AGE_S = 300
STALE_S = 604_800
"""For so long after that the old one may still run, while a new one is fetched or we can't be reached."""

_RULED_OUT = re.compile(rb"q=0(\.0*)?")


class Script:
    """The built tracker; read again when its file changes."""

    def __init__(self, path: Path = PATH) -> None:
        self._path = path
        self._changed_ns = -1
        self._etag = b""
        self._plain = self._packed = self._same = Answer(404, b"", ())
        self._brotli: Answer | None = None

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
        accepted = _accepted(headers.get(b"accept-encoding", b""))
        if self._brotli is not None and b"br" in accepted:
            return self._brotli
        return self._packed if b"gzip" in accepted or b"*" in accepted else self._plain

    def _load(self, script: bytes) -> None:
        self._etag = f'"{xxh3_64_hexdigest(script)}"'.encode()
        shared = (
            (b"etag", b"W/" + self._etag),  # the same for every coding
            (
                b"cache-control",
                b"public, max-age=%d, stale-while-revalidate=%d, stale-if-error=%d" % (MAX_AGE_S, STALE_S, STALE_S),
            ),
            (b"vary", b"Accept-Encoding"),
            (b"access-control-allow-origin", b"*"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"timing-allow-origin", b"*"),
            NOSNIFF,
        )
        as_script = (*shared, (b"content-type", b"text/javascript; charset=utf-8"))
        self._plain = Answer(200, script, as_script)
        self._packed = Answer(200, gzip.compress(script, 9, mtime=0), (*as_script, (b"content-encoding", b"gzip")))
        smaller = self._read_brotli()
        self._brotli = Answer(200, smaller, (*as_script, (b"content-encoding", b"br"))) if smaller else None
        self._same = Answer(304, b"", shared)

    def _read_brotli(self) -> bytes | None:
        """``footfall.js.br``, if the build wrote one after this script."""
        path = self._path.with_name(self._path.name + ".br")
        try:
            return path.read_bytes() if path.stat().st_mtime_ns >= self._path.stat().st_mtime_ns else None
        except OSError:
            return None


def _accepted(header: bytes) -> set[bytes]:
    """Codings of ``Accept-Encoding`` that aren't ruled out."""
    items = [item.partition(b";") for item in header.lower().replace(b" ", b"").split(b",")]
    return {name for name, _, weight in items if not _RULED_OUT.fullmatch(weight)}
