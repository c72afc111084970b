"""How sizes, days and moments read on a page; the template filters."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_month_names, get_period_names
from babel.numbers import get_decimal_symbol
from flask import Flask
from ua_parser import parse

from webapp.core.clock import utcnow
from webapp.core.names import extension_of
from webapp.core.text import (
    _,
    day_pattern,
    format_date,
    format_moment,
    format_number,
    local_date,
    locale,
    ngettext,
    reader_zone,
)

# The time zone of whoever is in no place that has one. A time by it is told with its name.
NO_PLACE = "Etc/UTC"

_on_paper: ContextVar[bool] = ContextVar("on_paper", default=False)


@contextmanager
def for_paper() -> Iterator[None]:
    """Have every day written with its year within: on paper, "today" is wrong tomorrow."""
    token = _on_paper.set(True)
    try:
        yield
    finally:
        _on_paper.reset(token)


def filesize(size_bytes: int | None) -> str:
    """Return a size as people write it: 640 kB, 8.1 MB; decimal units, as Box and Finder show."""
    if size_bytes is None:
        return _("unknown size")
    if size_bytes < 1000:
        return ngettext("%(num)s byte", "%(num)s bytes", size_bytes)
    for unit, factor in (("kB", 10**3), ("MB", 10**6), ("GB", 10**9)):
        value = size_bytes / factor
        if value < 999.95 or unit == "GB":
            if unit == "kB":
                return f"{value:.0f} kB"
            return f"{value:.1f} {unit}".replace(".", _decimal_mark(str(locale())))
    raise AssertionError("the last unit takes everything")


@cache
def _decimal_mark(locale_name: str) -> str:
    return get_decimal_symbol(locale_name)


def progress_of(done_bytes: int, size_bytes: int | None) -> str:
    """Return how much of a file has come, in the unit of the whole: 12.4 of 80.0 MB."""
    size = filesize(size_bytes)
    for unit, factor in ((" kB", 10**3), (" MB", 10**6), (" GB", 10**9)):
        if size_bytes is not None and size.endswith(unit):
            done = format_number(Decimal(done_bytes) / factor, 0 if factor == 1000 else 1)
            return _("%(done)s of %(size)s", done=done, size=size)
    return _("%(done)s of %(size)s", done=filesize(done_bytes), size=size)


def day(value: date | None) -> str:
    """Return "today" or "Sep 12", with the year when it is another one, or on paper."""
    if value is None:
        return ""
    if _on_paper.get():
        return format_date(value, "yMMMd")
    today = local_date(utcnow())
    if value == today:
        return _("today")
    return format_date(value, "MMMd" if value.year == today.year else "yMMMd")


def short_day(value: date) -> str:
    """Return a day with its year, for what is kept and read on another day: "Sep 12, 2025"."""
    return format_date(value, "yMMMd")


def iso_day(text: str | None) -> str:
    """Return a day that JSON keeps as a day reads: "Sep 12"."""
    return day(date.fromisoformat(text)) if text else ""


def moment(value: datetime | None) -> str:
    """Return "today, 11:48 AM" or "Sep 12, 8:15 AM" in the reader's time zone.

    Whoever has none reads UTC, with its name: "Sep 12, 8:15 AM UTC".
    """
    if value is None:
        return ""
    return f"{day(local_date(value))}, {clock_time(value)}"


def named_moment(value: datetime, zone: ZoneInfo) -> str:
    """Return a moment by the clock of a place, which is named: "Dec 4, 2:00 PM EST"."""
    local = value.astimezone(zone)
    day_text = format_date(local.date(), "yMMMd")
    return f"{day_text}, {clock_text(local.hour, local.minute)} {local.tzname()}"


def moment_day(value: datetime) -> str:
    """Return the day of a moment: "today", "Sep 12"."""
    return day(local_date(value))


def weekday(value: date) -> str:
    """Return a day written out: "Monday, September 15, 2025"."""
    return format_date(value, "full")


def weekday_name(value: date) -> str:
    """Return the name of a day of the week: "Monday"."""
    return format_date(value, "EEEE")


def month(value: date) -> str:
    """Return a month written out: "September 2025"."""
    return format_date(value, "yMMMM")


def ext(name: str) -> str:
    """Return a file's extension for its little sheet of paper, at most four letters."""
    return extension_of(name).upper()[:4]


def label_of(choices: list[tuple[str, str]], key: str | None) -> str:
    """Return the label of a choice, "" when nothing is chosen."""
    return dict(choices).get(key or "", "")


def clock_time(value: datetime) -> str:
    """Return the time of day of a moment: "11:48 AM", "11:48 AM UTC" for whoever has no zone."""
    text = format_moment(value, "h:mm a")
    return f"{text} UTC" if str(reader_zone()) == NO_PLACE else text


def clock(value: time) -> str:
    """Return a time of day without a date: "10:00 AM"."""
    return clock_text(value.hour, value.minute)


def clock_text(hour: int, minute: int) -> str:
    """Return a time of day as people say it: "10:00 AM", "10:00 a.m."."""
    return f"{hour % 12 or 12}:{minute:02d} {_halves(str(locale()))[hour >= 12]}"


@cache
def _halves(locale_name: str) -> tuple[str, str]:
    names = get_period_names("abbreviated", locale=locale_name)
    return names["am"], names["pm"]


@dataclass(frozen=True)
class DayNames:
    """What is needed to write many days without the work being done for each."""

    months: tuple[str, ...]
    short: str
    long: str

    def text(self, year: str, month: int, day: int, *, with_year: bool) -> str:
        """Return "Sep 12" or "Sep 12, 2025"; "" for a month that there is not."""
        if not 1 <= month <= len(self.months):
            return ""
        form = self.long if with_year else self.short
        return form.format(y=year, MMM=self.months[month - 1], d=day)


def day_names() -> DayNames:
    """Return how the reader's language writes days."""
    return _day_names(str(locale()))


@cache
def _day_names(locale_name: str) -> DayNames:
    names = get_month_names("abbreviated", locale=locale_name)
    short, long = (
        re.sub(r"MMM|d|y", r"{\g<0>}", day_pattern(locale_name, form)) for form in ("MMMd", "yMMMd")
    )
    return DayNames(tuple(names[month] for month in range(1, 13)), short, long)


def money(value: Decimal | None) -> str:
    """Return an amount with its sign in front: $1,250.00, −$1,250.00; "" when there is none."""
    if value is None:
        return ""
    return f"{'−' if value < 0 else ''}${format_number(abs(value), 2)}"


def sentence(text: str) -> str:
    """Return `text` with its first letter large; for "today, …" where a line begins with it."""
    return text[:1].upper() + text[1:]


def grouped_hex(digest: str) -> str:
    """Return a digest in groups of four, so that two of them can be compared by eye."""
    return " ".join(digest[i : i + 4] for i in range(0, len(digest), 4))


def browser(user_agent: str) -> str:
    """Return what a person calls the browser and device behind a User-Agent header."""
    known = parse(user_agent)
    program = known.user_agent.family.removeprefix("Headless") if known.user_agent else ""
    system = known.os.family if known.os else ""
    if program and system:
        return _("%(browser)s on %(system)s", browser=program, system=system)
    return program or system or _("Unknown browser")


def initials(name: str) -> str:
    words = name.split()
    return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper() if words else "?"


def control_attributes(field: Any, help_text: str, autofocus: bool) -> dict[str, Any]:
    """Return what ties a form control to its help and its error, and what puts the cursor there."""
    described = [f"{field.id}-err"] if field.errors else []
    described += [f"{field.id}-help"] if help_text else []
    attributes: dict[str, Any] = {}
    if field.errors:
        attributes["aria-invalid"] = "true"
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if autofocus:
        attributes["autofocus"] = True
    return attributes


def script_texts() -> dict[str, str]:
    """Return the sentences that scripts show; the page carries them, translated."""
    return {
        "cancel": _("Cancel"),
        "try-again": _("Try again"),
        "pause": _("Pause"),
        "resume": _("Resume"),
        "paused": _("Paused"),
        "drop": _("Drop the files here to choose them"),
        "pasted": _("Pasted {date} at {time}"),
        "photo": _("Photo {date} at {time}"),
        "of": _("{done} of {size}"),
        "sending": _("Files being sent: {num}"),
        "all-sent": _("Everything has been sent."),
        "too-many": _("At most {num} files at a time. The others were left out."),
        "attach-waits": _("Attaches as soon as everything has been sent."),
        "then-attach": _("Attach them when they are here."),
        "stay": _("Stay on this page until then."),
        "goes-first": _("First {name} is sent to another record."),
        "not-attached": _("Not attached yet. Open Attach File(s) to see what is missing."),
        "signed-out": _("You are signed out. Sign in, then try again: the file is still here."),
        "sign-in": _("Sign in"),
        "offline": _("No connection. It goes on by itself when you are back."),
        "upload-broke": _("The connection broke. Nothing was attached."),
        "upload-refused": _("Plumbline did not take this file."),
        "opening": _("Opening"),
        "no-answer": _("Plumbline did not answer. Check your connection and try again."),
        "showing-more": _("Showing {num}, more available"),
        "showing-all": _("{num} items"),
        "look": _("Look at {name}"),
        "drawing": _("Box is drawing the preview"),
        "no-preview": _("Box has no preview of this file."),
        "rows-again": _("Show these {num} rows again"),
    }


def init_formats(app: Flask) -> None:
    for filter_ in (
        filesize,
        day,
        iso_day,
        moment,
        moment_day,
        weekday,
        weekday_name,
        month,
        clock,
        clock_time,
        money,
        sentence,
        grouped_hex,
        initials,
        browser,
        ext,
        label_of,
    ):
        app.add_template_filter(filter_)
    app.add_template_global(script_texts)
    app.add_template_global(control_attributes)
