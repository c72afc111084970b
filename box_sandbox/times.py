"""The sandbox's clock, and times as Box writes them.

A moment is a whole number of seconds since 1970, UTC. Box shows it with the numeric offset of the
account's zone, which follows daylight saving; every account here lives in Denver. The rule is
written out so that no time zone database is needed.
"""

import threading
import time
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

_STANDARD, _DAYLIGHT = timedelta(hours=-7), timedelta(hours=-6)


class Clock:
    """Real time plus what tests have added to it."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self._lock = threading.Lock()
        self.offset_s = offset_s

    def now(self) -> float:
        return time.time() + self.offset_s

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.offset_s += seconds


def denver_today() -> date:
    return datetime.now(UTC).astimezone(_zone(int(time.time()))).date()


def moment(local: datetime) -> int:
    """Return the moment of a naive Denver time."""
    as_standard = int((local - _STANDARD).replace(tzinfo=UTC).timestamp())
    as_daylight = int((local - _DAYLIGHT).replace(tzinfo=UTC).timestamp())
    return as_daylight if _is_daylight(as_daylight) else as_standard


def denver(at: int) -> datetime:
    """Return the naive Denver time of a moment."""
    return datetime.fromtimestamp(at, _zone(at)).replace(tzinfo=None)


@lru_cache(maxsize=50_000)
def rfc3339(at: int) -> str:
    """Return a moment in whole seconds with a numeric offset, never "Z" (RFC 3339)."""
    return datetime.fromtimestamp(at, _zone(at)).isoformat()


def _zone(at: int) -> timezone:
    return timezone(_DAYLIGHT if _is_daylight(at) else _STANDARD)


def _is_daylight(at: int) -> bool:
    starts, ends = _daylight_span(datetime.fromtimestamp(at, UTC).year)
    return starts <= at < ends


@lru_cache(maxsize=64)
def _daylight_span(year: int) -> tuple[int, int]:
    """Return when daylight saving starts and ends (Energy Policy Act of 2005): at 2:00 local time
    on the second Sunday of March and the first Sunday of November."""
    return _sunday_at_two(year, 3, 8, _STANDARD), _sunday_at_two(year, 11, 1, _DAYLIGHT)


def _sunday_at_two(year: int, month: int, first_day: int, offset: timedelta) -> int:
    day = date(year, month, first_day)
    day += timedelta(days=(6 - day.weekday()) % 7)
    return int((datetime(day.year, day.month, day.day, 2, tzinfo=UTC) - offset).timestamp())
