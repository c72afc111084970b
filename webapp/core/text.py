"""Every sentence a person reads goes through here, so that it can be translated.

`_` translates now; `N_` only marks a sentence that is chosen now and translated when it is shown
(the rooms that know no Flask, and tables of texts).
"""

import re
from datetime import date, datetime
from typing import Any

import flask_babel

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _(text: str, **values: object) -> str:
    """Return `text` in the reader's language, with `values` filled in."""
    return str(flask_babel.gettext(text, **values))


def later(text: str) -> Any:
    """Return `text` to be translated when it is used; for what is made once, at import."""
    return flask_babel.lazy_gettext(text)


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Return the form that fits `num`, which the text may use as %(num)s."""
    return str(flask_babel.ngettext(one, many, num, **values))


def N_(text: str) -> str:  # noqa: N802  # gettext's customary name
    return text


def tidy(text: str | None) -> str:
    """Return what somebody typed without spaces around it and without what nobody types.

    PostgreSQL refuses NUL, and the other control characters say nothing.
    """
    return _CONTROLS.sub("", text).strip() if text else ""


def format_date(value: date, pattern: str) -> str:
    return str(flask_babel.format_date(value, pattern, rebase=False))


def format_moment(value: datetime, pattern: str) -> str:
    """Return a moment in the reader's time zone."""
    return str(flask_babel.format_datetime(value, pattern))


def local_date(value: datetime) -> date:
    """Return the calendar day of a moment in the reader's time zone."""
    local = flask_babel.to_user_timezone(value)
    assert isinstance(local, datetime)
    return local.date()
