"""Every sentence a person reads goes through here, so that it can be translated.

`_` translates now; `N_` only marks a sentence that is chosen now and translated when it is shown
(the rooms that know no Flask, and tables of texts). `NC_` marks one that reads otherwise in a
context: "Open" on a button is not the "Open" of a status. What is kept is always the English.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any

import flask_babel
from babel import Locale
from babel.numbers import format_decimal

from webapp import gate
from webapp.core.languages import SOURCE, locale_of


def _(text: str, **values: object) -> str:
    """Return `text` in the reader's language, with `values` filled in."""
    return str(flask_babel.gettext(text, **values))


def later(text: str) -> Any:
    """Return `text` to be translated when it is used; for what is made once, at import."""
    return flask_babel.lazy_gettext(text)


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Return the form that fits `num`, which the text may use as %(num)s."""
    return str(flask_babel.ngettext(one, many, num, **values))


def pgettext(context: str, text: str) -> str:
    """Return `text` as the reader's language says it in this context."""
    return str(flask_babel.pgettext(context, text))


def N_(text: str) -> str:  # noqa: N802  # gettext's customary name
    return text


def NC_(context: str, text: str) -> str:  # noqa: N802
    return text


def step_text(label: str) -> str:
    """Return what a button calls a step: as the step is translated, else like any sentence."""
    said = pgettext("step", label)
    return said if said != label else _(label)


Said = dict[str, Any]


def kept_text(text: str, /, **values: object) -> Said:
    """Return a sentence as it can be kept, for readers of any language; `said` reads it."""
    return {"text": text, "values": values}


def said(kept: Any) -> Any:
    """Return a kept sentence in the reader's language, and anything else as it is."""
    if not isinstance(kept, dict):
        return kept
    text = kept["text"]
    return _(text, **kept["values"])


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Speak another language for a while: that of whoever will read it."""
    with flask_babel.force_locale(locale_of(language)):
        yield


def locale() -> Locale:
    """Return how the reader's language writes days and numbers."""
    return flask_babel.get_locale() or Locale.parse(locale_of(SOURCE))


@cache
def day_pattern(locale_name: str, skeleton: str) -> str:
    """Return the order in which a language writes the parts of a day: "MMM d", "d MMM"."""
    return str(Locale.parse(locale_name).datetime_skeletons[skeleton].pattern)


def tidy(text: str | None) -> str:
    """Return what somebody typed, in several lines, without what nobody types and spaces around."""
    return gate.lines(text).strip() if text else ""


def tidy_line(text: str | None) -> str:
    """Return what somebody typed as one line: a name, a title, words to search for."""
    return gate.line(text).strip() if text else ""


def format_date(value: date, form: str) -> str:
    """Return a day as a skeleton ("yMMMd") or a customary form ("full") is written here."""
    pattern = form if form in {"full", "EEEE"} else day_pattern(str(locale()), form)
    return str(flask_babel.format_date(value, pattern, rebase=False))


def format_number(value: Decimal | int, places: int = 0) -> str:
    """Return a number with its thousands apart and so many decimal places."""
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return str(format_decimal(value, pattern, locale=locale()))


def format_moment(value: datetime, pattern: str) -> str:
    """Return a moment in the reader's time zone."""
    return str(flask_babel.format_datetime(value, pattern))


def local_date(value: datetime) -> date:
    """Return the calendar day of a moment in the reader's time zone."""
    local = flask_babel.to_user_timezone(value)
    assert isinstance(local, datetime)
    return local.date()


def reader_zone() -> tzinfo:
    """Return the time zone in which the page under way shows moments."""
    zone: tzinfo = flask_babel.get_timezone()
    return zone
