"""Box's rate limits for one user: calls a minute, and searches a second and a minute.

Source: Box guide "Rate limits": 1,000 API calls a minute; search 6 a second and 60 a minute.
"""

import math
import threading
from dataclasses import dataclass

SECOND, MINUTE = 1, 60


@dataclass(frozen=True)
class Limit:
    name: str
    calls: int
    seconds: int


CALLS = (Limit("calls", 1000, MINUTE),)
SEARCHES = (Limit("searches a second", 6, SECOND), Limit("searches a minute", 60, MINUTE))


class RateLimits:
    """Counts calls in fixed windows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def reset(self) -> None:
        with self._lock:
            self._counts = {}

    def wait_s(self, account_id: str, limits: tuple[Limit, ...], *, now: float) -> int | None:
        """Count a call; return None if it may pass, else the whole seconds until one may."""
        with self._lock:
            for limit in limits:
                window = int(now // limit.seconds)
                counted_in, count = self._counts.get((account_id, limit.name), (window, 0))
                count = count if counted_in == window else 0
                if count >= limit.calls:
                    return max(1, math.ceil((window + 1) * limit.seconds - now))
                self._counts[account_id, limit.name] = (window, count + 1)
        return None
