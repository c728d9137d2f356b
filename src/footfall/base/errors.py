"""The few kinds of error Footfall raises on purpose; each message says what to do next."""


class FootfallError(Exception):
    """Root of every error that Footfall raises on purpose.

    ``code`` is a stable snake_case word for programs, the message is for people.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, detail: object = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.detail = detail


class BadInput(FootfallError):
    """The caller sent something that can't be used; the same call will fail again."""

    code = "bad_input"


class Missing(FootfallError):
    """What was asked for isn't there."""

    code = "missing"


class Unavailable(FootfallError):
    """A part needed for this is down or full; the same call may work after ``retry_after_s``."""

    code = "unavailable"

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: int = 1) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s
