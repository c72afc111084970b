"""What each person used lately, and how.

Source: Box API reference "List recently accessed items", resource Recent item. To look at an item,
upload, comment on, open or modify it counts; to download it or to list it does not.
"""

import threading
from collections.abc import Iterable

from box_sandbox.world import Recent

KEPT_SECONDS = 90 * 24 * 3600
KEPT_ITEMS = 1000


class Recents:
    """The last use of each item by each account: what the world began with and what came since."""

    def __init__(self, base: Iterable[Recent]) -> None:
        self._base = {(recent.account_id, recent.item_id): recent for recent in base}
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self._last = dict(self._base)

    def note(self, recent: Recent) -> None:
        with self._lock:
            self._last[recent.account_id, recent.item_id] = recent

    def of(self, account_id: str, *, now: float) -> list[Recent]:
        """Return what an account used within Box's memory, the latest first."""
        with self._lock:
            known = [*self._last.values()]
        oldest = now - KEPT_SECONDS
        mine = [r for r in known if r.account_id == account_id and oldest <= r.at <= now]
        mine.sort(key=place, reverse=True)
        return mine[:KEPT_ITEMS]


def place(recent: Recent) -> tuple[float, int]:
    """Return what recents are sorted by; no two of one account are alike."""
    return recent.at, int(recent.item_id)
