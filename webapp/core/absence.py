"""Something outside that may be away: noticed once, asked for again now and then, and not mourned.

Without this, each thread of each process would find it out again and again, wait for it each time,
and say so each time.
"""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0


class Absence:
    """Whether something is away, as this process has last found it."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._next_try: float | None = None

    @property
    def is_on(self) -> bool:
        return self._next_try is not None

    def is_worth_trying(self) -> bool:
        """True for everyone while it is there, and for one caller every few seconds while not."""
        with self._lock:
            if self._next_try is None:
                return True
            if self._clock() < self._next_try:
                return False
            self._next_try = self._clock() + AGAIN_SECONDS
            return True

    def begins(self, error: Exception) -> None:
        """Note a call that failed; the first one is logged."""
        with self._lock:
            is_news = self._next_try is None
            self._next_try = self._clock() + AGAIN_SECONDS
        if is_news:
            log.warning("%s.away", self._name, extra={"kind": type(error).__name__})

    def ends(self) -> None:
        """Note a call that succeeded; the first one is logged."""
        if self._next_try is None:
            return
        with self._lock:
            is_news = self._next_try is not None
            self._next_try = None
        if is_news:
            log.warning("%s.back", self._name)
