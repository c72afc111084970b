"""Believable dates for a world whose data names only sizes: from the name where it holds a date,
else from a hash of the path. All of them are naive Denver times before the data's own today."""

import hashlib
import re
from datetime import date, datetime, time, timedelta

PROJECT_START = date(2025, 1, 6)

_DAY = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?:_(\d\d)(\d\d))?")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])(?!\d)")


def number_of(*parts: str) -> int:
    """Return a number that depends on the parts alone."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big")


def modified(owner: str, path: str, today: date) -> datetime:
    """Return when the item at `path` was last changed."""
    chance = number_of("modified", owner, path)
    clock = time(7 + chance % 10, chance // 16 % 60, chance // 1024 % 60)
    yesterday = today - timedelta(days=1)
    for named in (_named_day(path), _named_month(path, chance)):
        if named and named.date() == today:
            return datetime.combine(yesterday, clock)
        if named and named.date() < today:
            return named if named.time() != time() else datetime.combine(named.date(), clock)
    day = PROJECT_START + timedelta(days=chance // 65536 % (today - PROJECT_START).days)
    return datetime.combine(min(day, yesterday), clock)


def before(moment: datetime, owner: str, path: str, step: int) -> datetime:
    """Return a time some days before `moment`: a creation, or the upload of an older version."""
    chance = number_of("before", owner, path, str(step))
    return moment - timedelta(days=2 + chance % 12, minutes=chance // 16 % 240)


def _named_day(path: str) -> datetime | None:
    found = _DAY.search(path.rpartition("/")[2])
    if not found:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute)  # noqa: DTZ001  # Denver, see above
    except ValueError:
        return None


def _named_month(path: str, chance: int) -> datetime | None:
    months = _MONTH.findall(path)
    if not months:
        return None
    year, month = months[-1]
    return datetime(int(year), int(month), 1 + chance // 7 % 28)  # noqa: DTZ001  # Denver
