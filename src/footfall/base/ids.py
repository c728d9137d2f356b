"""How are ids made and hashed? One 64-bit hash, so that no two processes need a shared dictionary."""

import secrets

from xxhash import xxh3_64_intdigest

# Words that clients send when they have no id; they never identify anybody and never join two visitors.
NO_IDS = frozenset(
    {"", "0", "-1", "null", "none", "nil", "undefined", "nan", "guest", "anonymous", "unknown", "false", "true"}
    | {"n/a", "na", "not_set", "(not set)", "[object object]", "00000000-0000-0000-0000-000000000000"}
)

ANONYMOUS = 1
"""Seed part of an anonymous (device) id's hash."""
USER = 2
"""Seed part of a user (account) id's hash."""


def hash64(text: str) -> int:
    """XXH3-64 of UTF-8 text; 0 stands for "none", so a hash of 0 becomes 1."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) or 1


def identity_key(site: int, what: int, text: str) -> int:
    """64-bit key of an id: distinct by site and by ``ANONYMOUS`` or ``USER``."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), site * 4 + what) or 1


def is_identity(text: str | None) -> bool:
    """Whether this id can stand for a person (``null``, ``guest``, ``""``, ``0`` … can't)."""
    return text is not None and text.strip().lower() not in NO_IDS


def random_key(prefix: str) -> str:
    """A new 128-bit random key, such as a write key; URL-safe."""
    return f"{prefix}_{secrets.token_hex(16)}"
