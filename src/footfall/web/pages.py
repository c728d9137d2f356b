"""What does a browser get? The dashboard's one page and its files, as built from ``frontend/dashboard``."""

import gzip
import mimetypes
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from footfall.base.errors import Missing
from footfall.web.errors import on_http_error
from footfall.web.permissions import Permission
from footfall.web.threads import on_thread

BUILT = Path(__file__).parent / "static" / "dashboard"
_FOR_EVER = "public, max-age=31536000, immutable"
_NAME_MAX = 200
_NOT_PAGES = ("/api", "/v1", "/assets", "/metrics", "/mp/", "/beacon/", "/com.", "/sourceConfig", "/healthz", "/readyz")
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Footfall</title></head><body>
<h1>Footfall is running</h1>
<p>Its pages haven't been built here. Run <code>make setup</code>, then load this page again.</p>
<p>The API works: see <a href="/api/openapi.json">/api/openapi.json</a>.</p>
</body></html>
"""

AnyRequest = Request[Any, Any, Any]


class Pages:
    """The built files; read when asked for, so that a new build needs no restart."""

    def __init__(self, built: Path = BUILT) -> None:
        self._built = built
        self._packed: dict[Path, tuple[int, bytes]] = {}

    def index(self) -> Response[bytes]:
        """The one page, or plain words when it isn't built."""
        path = self._built / "index.html"
        content = path.read_bytes() if path.is_file() else _NOT_BUILT.encode()
        return Response(content, headers={"Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8"})

    def asset(self, name: str, accepts_gzip: bool) -> Response[bytes]:
        """A file with a hash in its name; ``Missing`` for anything outside the folder."""
        folder = (self._built / "assets").resolve()
        path = (folder / name.lstrip("/")).resolve() if "\x00" not in name and len(name) <= _NAME_MAX else folder
        if not path.is_relative_to(folder) or not path.is_file():
            raise Missing("There is no such file.")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        is_text = kind.startswith("text/") or kind in {"application/json", "image/svg+xml", "application/javascript"}
        headers = {"Cache-Control": _FOR_EVER, "Content-Type": f"{kind}; charset=utf-8" if is_text else kind}
        if not is_text:
            return Response(path.read_bytes(), headers=headers)
        headers["Vary"] = "Accept-Encoding"
        if not accepts_gzip:
            return Response(path.read_bytes(), headers=headers)
        return Response(self._gzipped(path), headers=headers | {"Content-Encoding": "gzip"})

    def icon(self) -> Response[bytes]:
        """The page's icon."""
        path = self._built / "icon.svg"
        if not path.is_file():
            raise Missing("There is no icon.")
        return Response(path.read_bytes(), headers={"Cache-Control": "no-cache", "Content-Type": "image/svg+xml"})

    def _gzipped(self, path: Path) -> bytes:
        changed_ns = path.stat().st_mtime_ns
        packed = self._packed.get(path)
        if packed is None or packed[0] != changed_ns:
            packed = (changed_ns, gzip.compress(path.read_bytes(), 6, mtime=0))
            self._packed[path] = packed
        return packed[1]

    def on_no_route(self, request: AnyRequest, error: NotFoundException) -> Response[Any]:
        """A browser that opens an unknown path gets the page, which knows its own paths; others get the error."""
        path = request.url.path
        is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if not is_page or path.startswith(_NOT_PAGES) or "." in path.rpartition("/")[2]:
            return on_http_error(request, error)
        return self.index()


def page_routes(pages: Pages) -> list[BaseRouteHandler]:
    """The page, its files, and what robots may read (nothing)."""
    public: dict[str, Any] = {
        "opt": {"permission": Permission.PUBLIC},
        "include_in_schema": False,
    }

    @get("/", **public)
    @on_thread
    def index() -> Response[bytes]:
        return pages.index()

    @get("/assets/{name:path}", **public)
    @on_thread
    def asset(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        return pages.asset(name, "gzip" in request.headers.get("accept-encoding", ""))

    @get("/icon.svg", **public)
    @on_thread
    def icon() -> Response[bytes]:
        return pages.icon()

    @get("/robots.txt", **public)
    @on_thread
    def robots() -> Response[bytes]:
        return Response(b"User-agent: *\nDisallow: /\n", headers={"Content-Type": "text/plain; charset=utf-8"})

    return [index, asset, icon, robots]
