"""What does the API answer when something is wrong? Always ``{"code", "message", "detail"?}``; never a trace."""

import secrets
import traceback
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from footfall.base.errors import BadInput, FootfallError, Missing, Unavailable

_log = structlog.get_logger(__name__)

_CODES = {
    400: "bad_input",
    401: "not_logged_in",
    403: "not_allowed",
    404: "missing",
    405: "method_not_allowed",
    413: "too_large",
    415: "not_json",
    429: "too_many_tries",
    503: "unavailable",
}


class NotLoggedIn(FootfallError):
    """Nobody is asking, or nobody we know."""

    code = "not_logged_in"


class NotAllowed(FootfallError):
    """Somebody we know asks for what they may not have."""

    code = "not_allowed"


class NotJson(FootfallError):
    """The body isn't declared to be JSON."""

    code = "not_json"


class TooManyTries(FootfallError):
    """Somebody is guessing; the same call may work after ``retry_after_s``."""

    code = "too_many_tries"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


_STATUSES: dict[type[FootfallError], int] = {
    BadInput: 400,
    NotLoggedIn: 401,
    NotAllowed: 403,
    Missing: 404,
    NotJson: 415,
    TooManyTries: 429,
    Unavailable: 503,
}

AnyRequest = Request[Any, Any, Any]


def _answer(status: int, code: str, message: str, detail: object, headers: dict[str, str]) -> Response[dict[str, Any]]:
    content = {"code": code, "message": message} | ({} if detail is None else {"detail": detail})
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def on_footfall_error(request: AnyRequest, error: FootfallError) -> Response[dict[str, Any]]:
    """Answer an error that was raised on purpose."""
    status = next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), None)
    if status is None:
        return on_any_error(request, error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, Unavailable | TooManyTries):
        headers["Retry-After"] = str(error.retry_after_s)
    return _answer(status, error.code, str(error), error.detail, headers)


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """Answer what the web framework refused: no such route, wrong method, wrong shape."""
    status = error.status_code
    if status >= 500:
        return on_any_error(request, error)
    message, detail = error.detail, None
    if status == 404:
        message = f"There is nothing at {request.url.path[:200]}."
    elif status == 405:
        message = f"{request.method} isn't possible at {request.url.path[:200]}."
    elif isinstance(error, ValidationException):
        message, detail = "Some of what was sent can't be used.", _details(error.extra)
    return _answer(status, _CODES.get(status, "bad_input"), message, detail, dict(error.headers or {}))


def on_any_error(request: AnyRequest, error: Exception) -> Response[dict[str, Any]]:
    """Answer what nobody expected: an id for whoever asks, the cause beside the same id for whoever runs the server."""
    error_id = secrets.token_hex(8)
    # The trace goes in as text: log renderers that show local variables would show passwords and tokens.
    trace = "".join(traceback.format_exception(error))
    _log.error("request failed", error_id=error_id, method=request.method, path=request.url.path[:200], trace=trace)
    message = f"Something broke here. The server's log has the cause under the id {error_id}."
    return _answer(500, "internal", message, {"id": error_id}, {})


def on_deep_body(request: AnyRequest, error: RecursionError) -> Response[dict[str, Any]]:
    """Answer a body nested deeper than the decoder goes; anywhere else too deep a recursion is our own fault."""
    if request.method in {"GET", "HEAD", "DELETE"}:
        return on_any_error(request, error)
    return _answer(400, "bad_input", "This JSON is nested too deeply.", None, {})


def _details(extra: object) -> object:
    if not isinstance(extra, list):
        return None
    return [{"field": item.get("key", ""), "message": item.get("message", "")} for item in extra]


HANDLERS: ExceptionHandlersMap = {
    FootfallError: on_footfall_error,
    HTTPException: on_http_error,
    RecursionError: on_deep_body,
    Exception: on_any_error,
}
