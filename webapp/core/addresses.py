"""Addresses that came from outside, read without trusting them."""

from urllib.parse import urlsplit

PATH_MAX_LENGTH = 2000


def is_local_path(target: str) -> bool:
    """True for a path of ours that a browser cannot read as another site.

    The usual test ("no scheme, no host") lets `/\\evil`, `///evil` and line breaks pass.
    """
    if not target.startswith("/") or len(target) > PATH_MAX_LENGTH:
        return False
    if target[1:2] in {"/", "\\"} or "\\" in target:
        return False
    if any(ord(char) < 0x21 or ord(char) == 0x7F for char in target):
        return False
    return not _is_elsewhere(target)


def _is_elsewhere(target: str) -> bool:
    try:
        parts = urlsplit(target)
    except ValueError:
        return True
    return bool(parts.scheme or parts.netloc)


def path_of(address: str) -> str:
    """Return the path of an address, "" of one that cannot be read."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""
