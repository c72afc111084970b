"""The present moment, in one place."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def utcnow() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def day_in(zone: ZoneInfo) -> date:
    """Return today's date in a time zone."""
    return utcnow().astimezone(zone).date()
