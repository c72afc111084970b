"""What was called: counts by endpoint, and the last calls without any secret in them."""

import re
import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

LOG_LENGTH = 20_000

_SECRET_KEYS = frozenset(
    {"access_token", "code", "state", "client_secret", "token", "refresh_token"}
)
_ID = re.compile(r"/\d+(?=/|$)")
_ZIP = re.compile(r"^(/2\.0/zip_downloads/)[^/]+")
_LINK = re.compile(r"^/d/1/[^/]+/")


@dataclass(slots=True)
class Call:
    """One call. A status of 0: never answered.

    `bytes_sent` counts the body; until the sending ends it is what was announced.
    """

    at: float
    host: str
    method: str
    path: str
    query: str
    range: str
    user: str | None
    token_number: int | None
    status: int = 0
    bytes_sent: int = 0
    fault: bool = False


class Calls:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._counts: Counter[str] = Counter()
            self._log: deque[Call] = deque(maxlen=LOG_LENGTH)
            self._writes: list[Call] = []

    def add(self, call: Call) -> None:
        with self._lock:
            self._log.append(call)
            self._counts[endpoint(call.method, call.path)] += 1
            if call.host == "api" and call.method != "GET":
                self._writes.append(call)

    def to_json(self) -> dict[str, Any]:
        """Return counts by endpoint, every call that was not a GET, and the log, oldest first."""
        with self._lock:
            return {
                "total": self._counts.total(),
                "counts": dict(sorted(self._counts.items())),
                "writes": [asdict(call) for call in self._writes],
                "log": [asdict(call) for call in self._log],
            }


def endpoint(method: str, path: str) -> str:
    """Return a call's endpoint, with the ids taken out of the shown path."""
    return f"{method} {path if path.startswith('/d/') else _ID.sub('/:id', path)}"


def shown_path(path: str) -> str:
    """Return a path without the secret part of a download's address."""
    return _ZIP.sub(r"\1:zip", _LINK.sub("/d/1/:link/", path))


def shown_query(query: str) -> str:
    """Return a query with every secret's value replaced."""
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name in _SECRET_KEYS for name, _ in pairs):
        return query
    return urlencode([(name, "hidden" if name in _SECRET_KEYS else value) for name, value in pairs])
