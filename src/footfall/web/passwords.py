"""Is this the password? Argon2 on few threads at a time, with the same work whether or not there is such a user."""

import secrets

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from footfall.base.errors import BadInput, Unavailable

MIN_LENGTH = 12
MAX_LENGTH = 1024
_MIN_DISTINCT = 5
_WAITING_MAX = 32
_OFTEN_USED = frozenset(
    {
        "password1234",
        "passwordpassword",
        "123456789012",
        "1234567890123",
        "qwertyuiop123",
        "qwertyuiop12",
        "qwerty123456",
    }
    | {
        "administrator",
        "letmeinletmein",
        "iloveyou1234",
        "abcdefghijkl",
        "changemechangeme",
        "correcthorsebatterystaple",
    }
)


def check_new(password: str, *about_user: str) -> None:
    """``BadInput`` for a password that is short, often used, monotonous, or the user's own name or address."""
    if len(password) < MIN_LENGTH:
        raise BadInput(f"A password has at least {MIN_LENGTH} characters.", code="weak_password")
    if len(password) > MAX_LENGTH:
        raise BadInput(f"A password has at most {MAX_LENGTH} characters.", code="weak_password")
    plain = password.casefold()
    if len(set(plain)) < _MIN_DISTINCT or plain in _OFTEN_USED:
        raise BadInput("This password is guessed first. A few unrelated words make a good one.", code="weak_password")
    if plain in {text.casefold() for text in about_user}:
        raise BadInput("A password must not be your name or e-mail address.", code="weak_password")


class Passwords:
    """Hashes and verifies off the event loop, two at a time (each takes 64 MiB), with a bounded queue."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._limiter = anyio.CapacityLimiter(2)
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """Argon2id hash, parameters included."""
        self._admit()
        return await anyio.to_thread.run_sync(self._hasher.hash, password, limiter=self._limiter)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password has this hash; ``None`` (no such user) takes as long and is never right."""
        self._admit()
        is_same = await anyio.to_thread.run_sync(
            self._is_same, password_hash or self._nobody, password, limiter=self._limiter
        )
        return is_same and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _is_same(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _admit(self) -> None:
        if self._limiter.statistics().tasks_waiting >= _WAITING_MAX:
            raise Unavailable("Too many people are logging in. Try again in a moment.", retry_after_s=5)
