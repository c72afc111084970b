"""Passwords: argon2id, and the same work for an address that nobody has."""

import functools
import unicodedata

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


def is_long_enough(password: str) -> bool:
    return len(_composed(password)) >= MIN_LENGTH


def has_controls(password: str) -> bool:
    """True when it holds what no keyboard types into a field, which some devices could not repeat.

    Source: RFC 8265, section 4.2.2: the OpaqueString profile disallows control characters.
    """
    return any(unicodedata.category(char) in {"Cc", "Cs"} for char in password)


def hash_password(password: str) -> str:
    """Return the hash to keep; an accent counts the same however a keyboard composes it."""
    return _hasher(settings().environment == "test").hash(_composed(password))


def is_right(password: str, password_hash: str | None) -> bool:
    """True when the password fits; takes as long when there is no such person, or no password.

    As it was typed first: older hashes were made of that.
    """
    typed = password[:MAX_LENGTH]
    return any(_fits(form, password_hash) for form in dict.fromkeys((typed, _composed(typed))))


def _fits(password: str, password_hash: str | None) -> bool:
    hasher = _hasher(settings().environment == "test")
    if not password_hash:
        hasher.hash(password)
        return False
    try:
        return hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _composed(password: str) -> str:
    return unicodedata.normalize("NFC", password)
