"""Rendered listings, kept until something in the world changes."""

import threading

from box_sandbox.messages import gzipped

PAGES_MAX_BYTES = 128 * 1024 * 1024

Key = tuple[str, ...]


class Page:
    """One rendered reply, and its gzip form once somebody has asked for it."""

    __slots__ = ("_packed", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        if self._packed is None:
            self._packed = gzipped(self.plain)
        return self._packed


class PageCache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = 0
        self._bytes = 0
        self._pages: dict[Key, Page] = {}

    def find(self, key: Key, revision: int) -> Page | None:
        return self._pages.get(key) if revision == self._revision else None

    def keep(self, key: Key, revision: int, plain: bytes) -> Page:
        page = Page(plain)
        with self._lock:
            if revision != self._revision or self._bytes > PAGES_MAX_BYTES:
                self._pages = {}
                self._bytes = 0
                self._revision = revision
            self._pages[key] = page
            self._bytes += len(plain)
        return page
