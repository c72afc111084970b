"""Passwords: argon2id, and the same work for an address that nobody has."""

import functools

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from webapp.core.settings import settings

MIN_LENGTH = 12
MAX_LENGTH = 200


@functools.cache
def _hasher(is_cheap: bool) -> PasswordHasher:
    # OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane.
    if is_cheap:
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher(settings().environment == "test").hash(password)


def is_right(password: str, password_hash: str | None) -> bool:
    """True when the password fits; takes as long when there is no such person, or no password."""
    hasher = _hasher(settings().environment == "test")
    if not password_hash:
        hasher.hash(password[:MAX_LENGTH])
        return False
    try:
        return hasher.verify(password_hash, password[:MAX_LENGTH])
    except (VerificationError, InvalidHashError):
        return False
