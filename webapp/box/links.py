"""Addresses of Box that people copy and paste: what of Box they stand for.

Source: Box support "Using shared links" and what app.box.com shows in the address bar.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from webapp.box.items import is_item_id

LINK_MAX_LENGTH = 500

_LOOKS_SO = re.compile(r"https?://|(?:[a-z0-9-]+\.)*box\.com/", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9-]+\.)*box\.com", re.IGNORECASE)
_ITEM = re.compile(r"(?:/s/[\w-]+)?/(file|folder|notes)/([0-9]+)(?:/.*)?", re.ASCII)
_SHARED = re.compile(r"/(?:s|v)/[\w.-]+/?", re.ASCII)


class Kind(StrEnum):
    """What a link names."""

    FILE = "file"
    FOLDER = "folder"
    SHARED = "shared"


@dataclass(frozen=True)
class Link:
    """What a pasted link names: an item's id, or a shared link that only Box can follow."""

    kind: Kind
    value: str


def looks_like_link(text: str) -> bool:
    """True for what somebody has pasted, not typed to search for."""
    return bool(_LOOKS_SO.match(text))


def parse(text: str) -> Link | None:
    """Return what a link of Box names, None for one that is none or names nothing in it."""
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return None
    if len(address) > LINK_MAX_LENGTH or not address.isascii() or not _HOST.fullmatch(host):
        return None
    item = _ITEM.fullmatch(parts.path)
    if item:
        kind = Kind.FOLDER if item[1] == "folder" else Kind.FILE
        return Link(kind, item[2]) if is_item_id(item[2]) else None
    if _SHARED.fullmatch(parts.path):
        # What stands behind the path names a view or a campaign; Box knows the link by its path.
        return Link(Kind.SHARED, f"https://{host}{parts.path}")
    return None
