"""Download links: capabilities that need no token and live fifteen minutes.

Source: Box guides "Download file" and "Token & URL expiration".
"""

import threading
from dataclasses import dataclass

from box_sandbox.oauth.grants import new_token

LINK_LENGTH = 120
SWEEP_AT = 5_000


@dataclass(frozen=True)
class Link:
    file_id: str
    version_id: str
    account_id: str
    until: float


class Links:
    """The links handed out and not yet forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}

    def reset(self) -> None:
        with self._lock:
            self._links = {}

    def issue(self, link: Link, *, now: float) -> str:
        """Return the secret part of a new link's address."""
        secret = new_token(LINK_LENGTH, "TKN_b1!")
        with self._lock:
            if len(self._links) >= SWEEP_AT:
                self._links = {key: kept for key, kept in self._links.items() if kept.until > now}
            self._links[secret] = link
        return secret

    def find(self, secret: str, *, now: float) -> Link | None:
        link = self._links.get(secret)
        return link if link and now < link.until else None

    def owner(self, secret: str) -> str | None:
        link = self._links.get(secret)
        return link.account_id if link else None

    def known(self) -> list[str]:
        return list(self._links)
